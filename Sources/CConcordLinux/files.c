#define _GNU_SOURCE
#include "CConcordLinux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int answer(int result) { return result < 0 ? -errno : result; }

int concord_close(int descriptor) { return answer(close(descriptor)); }

int concord_open_directory(const char *path) {
    return answer(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

int concord_open_at(int directory, const char *name, int creating) {
    int descriptor;
    do descriptor = openat(directory, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (creating ? O_CREAT : 0), 0600);
    while (descriptor < 0 && errno == EINTR);
    return answer(descriptor);
}

int concord_open_reading_at(int directory, const char *name) {
    int descriptor;
    do descriptor = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    while (descriptor < 0 && errno == EINTR);
    return answer(descriptor);
}

int concord_open_reading(const char *path) {
    int descriptor;
    do descriptor = open(path, O_RDONLY | O_CLOEXEC);
    while (descriptor < 0 && errno == EINTR);
    return answer(descriptor);
}

int concord_open_appending(const char *path) {
    int descriptor;
    do descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    while (descriptor < 0 && errno == EINTR);
    return answer(descriptor);
}

int64_t concord_size(int descriptor) {
    struct stat status;
    return fstat(descriptor, &status) < 0 ? -errno : (int64_t)status.st_size;
}

int64_t concord_pread(int descriptor, void *bytes, size_t count, int64_t offset) {
    size_t done = 0;
    while (done < count) {
        ssize_t got = pread(descriptor, (uint8_t *)bytes + done, count - done, offset + (int64_t)done);
        if (got == 0) break;
        if (got < 0) {
            if (errno == EINTR) continue;
            return -errno;
        }
        done += (size_t)got;
    }
    return (int64_t)done;
}

int concord_pwrite_all(int descriptor, const void *bytes, size_t count, int64_t offset) {
    size_t done = 0;
    while (done < count) {
        ssize_t put = pwrite(descriptor, (const uint8_t *)bytes + done, count - done, offset + (int64_t)done);
        if (put < 0) {
            if (errno == EINTR) continue;
            return -errno;
        }
        if (put == 0) return -EIO;
        done += (size_t)put;
    }
    return 0;
}

int concord_write_all(int descriptor, const void *bytes, size_t count) {
    size_t done = 0;
    while (done < count) {
        ssize_t put = write(descriptor, (const uint8_t *)bytes + done, count - done);
        if (put < 0) {
            if (errno == EINTR) continue;
            return -errno;
        }
        done += (size_t)put;
    }
    return 0;
}

int64_t concord_read(int descriptor, void *bytes, size_t count) {
    ssize_t got;
    do got = read(descriptor, bytes, count);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

// A failed or interrupted sync is not tried again: what it did is unknown.
int concord_fdatasync(int descriptor) { return answer(fdatasync(descriptor)); }
int concord_fsync(int descriptor) { return answer(fsync(descriptor)); }

// A hint: a kernel that keeps the pages answers no error.
void concord_drop_pages(int descriptor) { (void)posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED); }

int concord_fallocate(int descriptor, int64_t offset, int64_t count) {
    int result;
    do result = fallocate(descriptor, 0, offset, count);
    while (result < 0 && errno == EINTR);
    return answer(result);
}

int concord_truncate(int descriptor, int64_t size) { return answer(ftruncate(descriptor, size)); }

int concord_rename_at(int directory, const char *name, const char *new_name) {
    return answer(renameat(directory, name, directory, new_name));
}

int concord_unlink_at(int directory, const char *name) { return answer(unlinkat(directory, name, 0)); }
int concord_make_directory(const char *path) { return answer(mkdir(path, 0700)); }
int concord_lock(int descriptor) { return answer(flock(descriptor, LOCK_EX | LOCK_NB)); }

int64_t concord_list(int directory, char **names) {
    int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy < 0) return -errno;
    DIR *stream = fdopendir(copy);
    if (!stream) {
        int error = errno;
        close(copy);
        return -error;
    }
    char *text = NULL;
    size_t count = 0, capacity = 0;
    int error = 0;
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(stream);
        if (!entry) {
            error = errno;
            break;
        }
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        size_t length = strlen(entry->d_name) + 1;
        if (count + length > capacity) {
            capacity = (count + length) * 2;
            char *grown = realloc(text, capacity);
            if (!grown) {
                error = ENOMEM;
                break;
            }
            text = grown;
        }
        memcpy(text + count, entry->d_name, length);
        count += length;
    }
    closedir(stream);
    if (error) {
        free(text);
        return -error;
    }
    *names = text;
    return (int64_t)count;
}

void concord_free(void *memory) { free(memory); }

int concord_pipe(int *reader, int *writer) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
    *reader = ends[0];
    *writer = ends[1];
    return 0;
}

int concord_shut_down_file_system(const char *path) {
    // _IOR('X', 125, __u32) and XFS_FSOP_GOING_FLAGS_NOLOGFLUSH, which ext4, xfs and f2fs understand.
    uint32_t flags = 2;
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return -errno;
    int result = ioctl(descriptor, 0x8004587D, &flags) < 0 ? -errno : 0;
    close(descriptor);
    return result;
}
