#define _GNU_SOURCE
#include "CConcordLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int answer(int result) { return result < 0 ? -errno : result; }

void concord_ignore_sigpipe(void) { signal(SIGPIPE, SIG_IGN); }
void concord_ignore_sigxfsz(void) { signal(SIGXFSZ, SIG_IGN); }

int concord_signalfd(const int *signals, int count) {
    sigset_t set;
    sigemptyset(&set);
    for (int index = 0; index < count; index += 1) sigaddset(&set, signals[index]);
    int error = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (error) return -error;
    return answer(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

int concord_signal_read(int descriptor) {
    struct signalfd_siginfo information;
    ssize_t count;
    do count = read(descriptor, &information, sizeof information);
    while (count < 0 && errno == EINTR);
    if (count < 0) return errno == EAGAIN ? 0 : -errno;
    return count == sizeof information ? (int)information.ssi_signo : -EIO;
}

// Runs in the child, between fork and exec: only what is safe there is called.
static void become(
    const char *path, char *const *arguments, char *const *environment, const int *standard, int ends_with_thread,
    int parent, int report) {
    sigset_t none;
    sigemptyset(&none);
    for (int number = 1; number < 32; number += 1) signal(number, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    // A group of its own: Ctrl-C reaches the parent only, which decides what its children are told.
    setpgid(0, 0);
    if (ends_with_thread) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) _exit(127);
    }
    int sources[3];
    for (int index = 0; index < 3; index += 1) {
        int source = standard[index] < 0 ? open("/dev/null", O_RDWR) : standard[index];
        // Above the three numbers, so that filling one does not close another.
        sources[index] = fcntl(source, F_DUPFD_CLOEXEC, 3);
    }
    for (int index = 0; index < 3; index += 1) dup2(sources[index], index);
    // Also what this program itself was started with. A kernel too old for this leaves it open.
    syscall(SYS_close_range, 3, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */);
    execve(path, arguments, environment);
    int error = errno;
    if (write(report, &error, sizeof error) < 0) _exit(126);
    _exit(127);
}

int concord_spawn(
    const char *path, char *const *arguments, char *const *environment, int standard_input, int standard_output,
    int standard_error, int ends_with_thread, int *process) {
    int report[2];
    if (pipe2(report, O_CLOEXEC) < 0) return -errno;
    int standard[3] = {standard_input, standard_output, standard_error};
    int parent = getpid();
    pid_t child = fork();
    if (child < 0) {
        int error = errno;
        close(report[0]);
        close(report[1]);
        return -error;
    }
    if (child == 0) {
        // Kept out of the way of the three standard numbers.
        int writer = fcntl(report[1], F_DUPFD_CLOEXEC, 3);
        become(path, arguments, environment, standard, ends_with_thread, parent, writer);
    }
    close(report[1]);
    int error = 0;
    ssize_t count;
    do count = read(report[0], &error, sizeof error);
    while (count < 0 && errno == EINTR);
    close(report[0]);
    if (count == sizeof error) {
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
        return error > 0 ? -error : -EIO;
    }
    *process = child;
    return 0;
}

int concord_pidfd(int process) { return answer((int)syscall(SYS_pidfd_open, process, 0)); }
int concord_kill(int process, int number) { return answer(kill(process, number)); }

int concord_reap(int process, int blocking, int *exited, int *code) {
    int status = 0;
    pid_t result;
    do result = waitpid(process, &status, blocking ? 0 : WNOHANG);
    while (result < 0 && errno == EINTR);
    if (result < 0) return -errno;
    if (result == 0) return 0;
    *exited = WIFEXITED(status) ? 1 : 0;
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
    return 1;
}

void concord_exit_now(int code) { _exit(code); }
