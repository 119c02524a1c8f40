#define _GNU_SOURCE
#include "CConcordLinux.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int answer(int result) { return result < 0 ? -errno : result; }

static int close_with(int descriptor, int error) {
    close(descriptor);
    return -error;
}

int concord_resolve(const char *host, uint16_t port, int numeric_only, uint8_t *addresses, int capacity) {
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = numeric_only ? AI_NUMERICHOST : 0};
    struct addrinfo *found = NULL;
    int error = getaddrinfo(host, NULL, &hints, &found);
    if (error) return -(10000 + (error < 0 ? -error : error));
    int count = 0;
    for (struct addrinfo *next = found; next && count < capacity; next = next->ai_next) {
        if (next->ai_family == AF_INET) {
            ((struct sockaddr_in *)(void *)next->ai_addr)->sin_port = htons(port);
        } else if (next->ai_family == AF_INET6) {
            ((struct sockaddr_in6 *)(void *)next->ai_addr)->sin6_port = htons(port);
        } else {
            continue;
        }
        memset(addresses + 128 * count, 0, 128);
        memcpy(addresses + 128 * count, next->ai_addr, next->ai_addrlen);
        count += 1;
    }
    freeaddrinfo(found);
    return count;
}

static int stream_socket(const uint8_t *address) {
    struct sockaddr header;
    memcpy(&header, address, sizeof header);
    int descriptor = socket(header.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (descriptor < 0) return -errno;
    int one = 1;
    if (header.sa_family == AF_INET6) setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    return descriptor;
}

static int set_no_delay(int descriptor) {
    int one = 1;
    return setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

int concord_listen(const uint8_t *address, int length, int backlog) {
    struct sockaddr_storage storage;
    int descriptor = stream_socket(address);
    if (descriptor < 0) return descriptor;
    memcpy(&storage, address, (size_t)length);
    int one = 1;
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(descriptor, (struct sockaddr *)&storage, (socklen_t)length) < 0) return close_with(descriptor, errno);
    if (listen(descriptor, backlog) < 0) return close_with(descriptor, errno);
    return descriptor;
}

int concord_accept(int listener) {
    int descriptor;
    do descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0) return -errno;
    set_no_delay(descriptor);
    return descriptor;
}

int concord_connect(const uint8_t *address, int length, int *in_progress) {
    struct sockaddr_storage storage;
    int descriptor = stream_socket(address);
    if (descriptor < 0) return descriptor;
    memcpy(&storage, address, (size_t)length);
    set_no_delay(descriptor);
    *in_progress = 0;
    if (connect(descriptor, (struct sockaddr *)&storage, (socklen_t)length) < 0) {
        if (errno != EINPROGRESS && errno != EINTR) return close_with(descriptor, errno);
        *in_progress = 1;
    }
    return descriptor;
}

int concord_connect_result(int descriptor) {
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) < 0) return -errno;
    return -error;
}

int concord_local_port(int descriptor) {
    struct sockaddr_storage storage;
    socklen_t length = sizeof storage;
    if (getsockname(descriptor, (struct sockaddr *)&storage, &length) < 0) return -errno;
    if (storage.ss_family == AF_INET) return ntohs(((struct sockaddr_in *)&storage)->sin_port);
    if (storage.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&storage)->sin6_port);
    return -EAFNOSUPPORT;
}

int concord_tune_keepalive(int descriptor, int idle_seconds, int interval_seconds, int count, int user_timeout_ms) {
    int one = 1;
    unsigned int timeout = (unsigned int)user_timeout_ms;
    if (setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one) < 0
        || setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof idle_seconds) < 0
        || setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, &interval_seconds, sizeof interval_seconds) < 0
        || setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count) < 0)
        return -errno;
    if (user_timeout_ms > 0
        && setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout) < 0)
        return -errno;
    return 0;
}

int concord_set_send_buffer(int descriptor, int bytes) {
    return answer(setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes));
}

int64_t concord_send(int descriptor, const void *bytes, size_t count) {
    ssize_t sent;
    do sent = send(descriptor, bytes, count, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

int64_t concord_receive(int descriptor, void *bytes, size_t count) {
    ssize_t received;
    do received = recv(descriptor, bytes, count, 0);
    while (received < 0 && errno == EINTR);
    return received < 0 ? -errno : received;
}

int concord_shutdown_write(int descriptor) { return answer(shutdown(descriptor, SHUT_WR)); }
