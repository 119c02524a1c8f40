#pragma once

// What `import Glibc` hides or makes hard to call from Swift. Unless a comment says otherwise every function
// answers a number that is not negative, or minus errno; none of them is interrupted by a signal.

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

// Event loop.
int concord_epoll_create(void);
int concord_epoll_add(int epoll, int descriptor, uint32_t events, uint64_t token);
int concord_epoll_modify(int epoll, int descriptor, uint32_t events, uint64_t token);
int concord_epoll_remove(int epoll, int descriptor);
// A signal ends the wait early, with 0 events.
int concord_epoll_wait(int epoll, struct epoll_event *events, int capacity, int timeout_ms);
uint32_t concord_epoll_readable(void);
uint32_t concord_epoll_writable(void);
uint32_t concord_epoll_closed(void);
uint32_t concord_epoll_peer_closed(void);

int concord_eventfd_create(void);
int concord_eventfd_signal(int descriptor);
int concord_eventfd_clear(int descriptor);

// 1: ready, 0: the time is over. A negative timeout waits for ever.
int concord_poll_readable(int descriptor, int timeout_ms);
int concord_poll_writable(int descriptor, int timeout_ms);

// Sockets. Addresses are the bytes of a `sockaddr`.
// Writes up to `capacity` addresses of 128 bytes each; answers their count, or minus (10000 + EAI code).
int concord_resolve(const char *host, uint16_t port, int numeric_only, uint8_t *addresses, int capacity);
int concord_listen(const uint8_t *address, int length, int backlog);
int concord_accept(int listener);
// `in_progress` tells whether the connection is still being made.
int concord_connect(const uint8_t *address, int length, int *in_progress);
// 0 once a connection that was in progress is made.
int concord_connect_result(int descriptor);
int concord_local_port(int descriptor);
int concord_tune_keepalive(int descriptor, int idle_seconds, int interval_seconds, int count, int user_timeout_ms);
int concord_set_send_buffer(int descriptor, int bytes);
int64_t concord_send(int descriptor, const void *bytes, size_t count);
int64_t concord_receive(int descriptor, void *bytes, size_t count);
int concord_shutdown_write(int descriptor);

// Files.
int concord_close(int descriptor);
int concord_open_directory(const char *path);
int concord_open_at(int directory, const char *name, int creating);
int concord_open_reading_at(int directory, const char *name);
int concord_open_reading(const char *path);
int concord_open_appending(const char *path);
int64_t concord_size(int descriptor);
int64_t concord_pread(int descriptor, void *bytes, size_t count, int64_t offset);
// Writes everything or fails.
int concord_pwrite_all(int descriptor, const void *bytes, size_t count, int64_t offset);
int concord_write_all(int descriptor, const void *bytes, size_t count);
int64_t concord_read(int descriptor, void *bytes, size_t count);
int concord_fdatasync(int descriptor);
int concord_fsync(int descriptor);
void concord_drop_pages(int descriptor);
int concord_fallocate(int descriptor, int64_t offset, int64_t count);
int concord_truncate(int descriptor, int64_t size);
int concord_rename_at(int directory, const char *name, const char *new_name);
int concord_unlink_at(int directory, const char *name);
int concord_make_directory(const char *path);
int concord_lock(int descriptor);
// FS_IOC_SHUTDOWN without flushing the log: for tests that cut the power.
int concord_shut_down_file_system(const char *path);
// The names of a directory, each ended by a zero byte, in memory to be freed by `concord_free`.
int64_t concord_list(int directory, char **names);
void concord_free(void *memory);
int concord_pipe(int *reader, int *writer);

// Time, randomness, limits.
uint64_t concord_monotonic_ns(void);
uint64_t concord_boottime_ns(void);
uint64_t concord_wall_ns(void);
uint64_t concord_process_cpu_ns(void);
int concord_random(void *bytes, size_t count);
// Raises the soft limit of open files to the hard one; answers the limit.
int64_t concord_raise_descriptor_limit(void);
int64_t concord_resident_bytes(void);

// Threads.
int concord_thread_start(void *(*entry)(void *), void *context, const char *name, uint64_t *thread);
int concord_thread_join(uint64_t thread);

// Signals and processes.
void concord_ignore_sigpipe(void);
void concord_ignore_sigxfsz(void);
int concord_signalfd(const int *signals, int count);
// The number of a signal, or 0 when none is pending.
int concord_signal_read(int descriptor);
// The child gets default signals and the three descriptors (-1: /dev/null); with `ends_with_thread` it is
// killed when the calling thread ends.
int concord_spawn(
    const char *path, char *const *arguments, char *const *environment, int standard_input, int standard_output,
    int standard_error, int ends_with_thread, int *process);
int concord_pidfd(int process);
int concord_kill(int process, int signal);
// 1: ended, and `exited` and `code` tell its exit status or its signal; 0: still running.
int concord_reap(int process, int blocking, int *exited, int *code);
void concord_exit_now(int code);
// Once: a signal that a fault of this program raises writes the last words of the thread that it ends to standard
// error, and then does what it would have done.
void concord_say_last_words(void);
// Up to 255 bytes, of this thread.
void concord_set_last_words(const char *words);

// Message authentication.
int concord_hmac_sha256(const uint8_t *key, size_t key_count, const uint8_t *bytes, size_t count, uint8_t *result);
// 0 when equal; takes the same time wherever they differ.
int concord_compare(const uint8_t *left, const uint8_t *right, size_t count);
