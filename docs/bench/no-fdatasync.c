/* A library that makes a server forget to synchronise: it shows that the check of durability can fail.
 *
 *   gcc -shared -fPIC -O2 -o no-fdatasync.so docs/bench/no-fdatasync.c
 *   concord-bench durability --power-cut --rounds 1 --preload ./no-fdatasync.so
 *
 * Every call that asks for durability succeeds at once and does nothing. */
int fdatasync(int descriptor) {
    (void)descriptor;
    return 0;
}

int fsync(int descriptor) {
    (void)descriptor;
    return 0;
}

int sync_file_range(int descriptor, long long offset, long long count, unsigned int flags) {
    (void)descriptor, (void)offset, (void)count, (void)flags;
    return 0;
}
