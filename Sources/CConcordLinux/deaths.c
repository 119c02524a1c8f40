#include "CConcordLinux.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static _Thread_local char last_words[256];
static struct sigaction earlier[NSIG];

// Says what this thread was doing, and lets the signal do what it would have done.
static void die(int number) {
    sigaction(number, &earlier[number], NULL);
    if (write(STDERR_FILENO, last_words, strlen(last_words)) < 0) return;
    // Comes as soon as this function has returned.
    raise(number);
}

void concord_set_last_words(const char *words) {
    strncpy(last_words, words, sizeof last_words - 1);
}

void concord_say_last_words(void) {
    // Those that a fault of the program itself raises, in the thread that did it; and the end of its processor time.
    int numbers[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGXCPU};
    for (size_t index = 0; index < sizeof numbers / sizeof *numbers; index += 1) {
        struct sigaction action = {.sa_handler = die, .sa_flags = SA_ONSTACK};
        sigemptyset(&action.sa_mask);
        sigaction(numbers[index], &action, &earlier[numbers[index]]);
    }
}
