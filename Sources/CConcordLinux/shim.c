#define _GNU_SOURCE
#include "CConcordLinux.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <stdio.h>
#include <poll.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

static int answer(int result) { return result < 0 ? -errno : result; }

int concord_epoll_create(void) { return answer(epoll_create1(EPOLL_CLOEXEC)); }

static int control(int epoll, int operation, int descriptor, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data = {.u64 = token}};
    return answer(epoll_ctl(epoll, operation, descriptor, &event));
}

int concord_epoll_add(int epoll, int descriptor, uint32_t events, uint64_t token) {
    return control(epoll, EPOLL_CTL_ADD, descriptor, events, token);
}

int concord_epoll_modify(int epoll, int descriptor, uint32_t events, uint64_t token) {
    return control(epoll, EPOLL_CTL_MOD, descriptor, events, token);
}

int concord_epoll_remove(int epoll, int descriptor) { return control(epoll, EPOLL_CTL_DEL, descriptor, 0, 0); }

int concord_epoll_wait(int epoll, struct epoll_event *events, int capacity, int timeout_ms) {
    int count = epoll_wait(epoll, events, capacity, timeout_ms);
    return count < 0 ? (errno == EINTR ? 0 : -errno) : count;
}

uint32_t concord_epoll_readable(void) { return EPOLLIN; }
uint32_t concord_epoll_writable(void) { return EPOLLOUT; }
uint32_t concord_epoll_closed(void) { return EPOLLHUP | EPOLLERR; }
uint32_t concord_epoll_peer_closed(void) { return EPOLLRDHUP; }

int concord_eventfd_create(void) { return answer(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

int concord_eventfd_signal(int descriptor) {
    uint64_t one = 1;
    ssize_t count;
    do count = write(descriptor, &one, sizeof one);
    while (count < 0 && errno == EINTR);
    // EAGAIN: the counter is full, so the reader is signalled already.
    return count < 0 && errno != EAGAIN ? -errno : 0;
}

int concord_eventfd_clear(int descriptor) {
    uint64_t value;
    ssize_t count;
    do count = read(descriptor, &value, sizeof value);
    while (count < 0 && errno == EINTR);
    return count < 0 && errno != EAGAIN ? -errno : 0;
}

static int poll_one(int descriptor, short events, int timeout_ms) {
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    int left = timeout_ms;
    for (;;) {
        struct pollfd entry = {.fd = descriptor, .events = events};
        int count = poll(&entry, 1, left);
        if (count >= 0) return count;
        if (errno != EINTR) return -errno;
        if (timeout_ms < 0) continue;
        clock_gettime(CLOCK_MONOTONIC, &now);
        int64_t passed = (now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000;
        if (passed >= timeout_ms) return 0;
        left = timeout_ms - (int)passed;
    }
}

int concord_poll_readable(int descriptor, int timeout_ms) { return poll_one(descriptor, POLLIN, timeout_ms); }
int concord_poll_writable(int descriptor, int timeout_ms) { return poll_one(descriptor, POLLOUT, timeout_ms); }

static uint64_t nanoseconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t concord_monotonic_ns(void) { return nanoseconds(CLOCK_MONOTONIC); }
uint64_t concord_boottime_ns(void) { return nanoseconds(CLOCK_BOOTTIME); }
uint64_t concord_wall_ns(void) { return nanoseconds(CLOCK_REALTIME); }
uint64_t concord_process_cpu_ns(void) { return nanoseconds(CLOCK_PROCESS_CPUTIME_ID); }

int concord_random(void *bytes, size_t count) {
    uint8_t *next = bytes;
    while (count > 0) {
        ssize_t got = getrandom(next, count, 0);
        if (got < 0) {
            if (errno == EINTR) continue;
            return -errno;
        }
        next += got;
        count -= (size_t)got;
    }
    return 0;
}

int64_t concord_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
    return limit.rlim_cur > INT32_MAX ? INT32_MAX : (int64_t)limit.rlim_cur;
}

int64_t concord_resident_bytes(void) {
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file) return -errno;
    long total = 0, resident = 0;
    int count = fscanf(file, "%ld %ld", &total, &resident);
    fclose(file);
    return count == 2 ? (int64_t)resident * sysconf(_SC_PAGESIZE) : -EIO;
}

int concord_thread_start(void *(*entry)(void *), void *context, const char *name, uint64_t *thread) {
    pthread_t created;
    int error = pthread_create(&created, NULL, entry, context);
    if (error) return -error;
    pthread_setname_np(created, name);
    *thread = created;
    return 0;
}

int concord_thread_join(uint64_t thread) { return -pthread_join((pthread_t)thread, NULL); }

int concord_hmac_sha256(const uint8_t *key, size_t key_count, const uint8_t *bytes, size_t count, uint8_t *result) {
    unsigned int length = 0;
    if (key_count > INT32_MAX) return -EINVAL;
    if (!HMAC(EVP_sha256(), key, (int)key_count, bytes, count, result, &length) || length != 32) return -EIO;
    return 0;
}

int concord_compare(const uint8_t *left, const uint8_t *right, size_t count) {
    return CRYPTO_memcmp(left, right, count);
}
