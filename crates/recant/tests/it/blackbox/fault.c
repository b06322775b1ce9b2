/*
 * Preloaded into a plane or an edge: the n-th call of one kind on one file goes wrong.
 *
 *   RECANT_FAULT="CALL FILE N HOW ERRNO MARK"
 *
 *   CALL   write, sync, open (for writing)
 *   FILE   the file's name, without its folder
 *   N      from 1: which of these calls
 *   HOW    fail  this one call fails with ERRNO
 *          stay  this one and all later ones do
 *          full  half of the bytes of this one are written, all later ones fail: what a disk does that fills up
 *          lose  this sync fails, and what was written since the last one is gone: what Linux may do
 *          torn  half of the bytes of this one are written, then the process is killed
 *   MARK   a file that is made when the call is reached
 *
 * SQLite writes to a file from one thread at a time, so the range for "lose" needs no lock.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum strike { NONE, FIRST, LATER };

static char call_[16], file_[64], how_[16], mark_[PATH_MAX];
static long number_;
static int errno_;
static atomic_long calls_;
static off_t unsynced_from_ = -1, unsynced_end_;

__attribute__((constructor)) static void read_fault(void) {
    const char *text = getenv("RECANT_FAULT");
    if (text && sscanf(text, "%15s %63s %ld %15s %d %4095[^\n]", call_, file_, &number_, how_, &errno_, mark_) != 6)
        abort();
}

static int is_how(const char *how) { return strcmp(how_, how) == 0; }

static int is_the_path(const char *path) {
    const char *slash = strrchr(path, '/');
    return strcmp(slash ? slash + 1 : path, file_) == 0;
}

static int is_the_file(int fd) {
    char link[32], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_the_path(path);
}

/* Counts a call that is of the kind and on the file. */
static enum strike count(void) {
    long now = atomic_fetch_add(&calls_, 1) + 1;
    if (now < number_) return NONE;
    if (now > number_) return is_how("stay") || is_how("full") ? LATER : NONE;
    syscall(SYS_close, syscall(SYS_openat, AT_FDCWD, mark_, O_CREAT | O_WRONLY, 0600));
    return FIRST;
}

static int fail(void) {
    errno = errno_;
    return -1;
}

/* `at` is negative for a write to where the file stands. */
static ssize_t really_write(int fd, const void *bytes, size_t count, off_t at) {
    return at < 0 ? syscall(SYS_write, fd, bytes, count) : syscall(SYS_pwrite64, fd, bytes, count, at);
}

static void note_unsynced(off_t from, off_t end) {
    if (unsynced_from_ < 0 || from < unsynced_from_) unsynced_from_ = from;
    if (end > unsynced_end_) unsynced_end_ = end;
}

static ssize_t guarded_write(int fd, const void *bytes, size_t length, off_t at) {
    if (!number_ || !is_the_file(fd)) return really_write(fd, bytes, length, at);
    if (is_how("lose")) {
        off_t from = at < 0 ? lseek(fd, 0, SEEK_CUR) : at;
        note_unsynced(from, from + (off_t)length);
    }
    enum strike strike = strcmp(call_, "write") == 0 ? count() : NONE;
    if (strike == NONE) return really_write(fd, bytes, length, at);
    if (strike == FIRST && is_how("torn")) {
        really_write(fd, bytes, length / 2, at);
        for (kill(getpid(), SIGKILL);;) pause();
    }
    if (strike == FIRST && is_how("full") && length > 1) return really_write(fd, bytes, length / 2, at);
    return fail();
}

ssize_t write(int fd, const void *bytes, size_t length) { return guarded_write(fd, bytes, length, -1); }
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return guarded_write(fd, bytes, length, at); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) { return guarded_write(fd, bytes, length, at); }

static void lose_what_is_unsynced(int fd) {
    static const char zeros[4096];
    while (unsynced_from_ >= 0 && unsynced_from_ < unsynced_end_) {
        off_t left = unsynced_end_ - unsynced_from_;
        size_t length = left < (off_t)sizeof zeros ? (size_t)left : sizeof zeros;
        if (syscall(SYS_pwrite64, fd, zeros, length, unsynced_from_) <= 0) abort();
        unsynced_from_ += (off_t)length;
    }
}

static int guarded_sync(int fd, long number) {
    if (!number_ || !is_the_file(fd)) return (int)syscall(number, fd);
    if (strcmp(call_, "sync") == 0 && count() != NONE) {
        if (is_how("lose")) lose_what_is_unsynced(fd);
        return fail();
    }
    unsynced_from_ = -1;
    unsynced_end_ = 0;
    return (int)syscall(number, fd);
}

int fsync(int fd) { return guarded_sync(fd, SYS_fsync); }
int fdatasync(int fd) { return guarded_sync(fd, SYS_fdatasync); }

static int guarded_open(const char *path, int flags, mode_t mode) {
    int writes = (flags & O_ACCMODE) != O_RDONLY;
    if (number_ && writes && strcmp(call_, "open") == 0 && is_the_path(path) && count() != NONE) return fail();
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

/* The third argument is there only when a file may be made. */
#define MODE(flags, mode)                                             \
    mode_t mode = 0;                                                  \
    if ((flags) & O_CREAT || ((flags) & O_TMPFILE) == O_TMPFILE) {    \
        va_list more;                                                 \
        va_start(more, flags);                                        \
        mode = va_arg(more, mode_t);                                  \
        va_end(more);                                                 \
    }

int open(const char *path, int flags, ...) {
    MODE(flags, mode)
    return guarded_open(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    MODE(flags, mode)
    return guarded_open(path, flags | O_LARGEFILE, mode);
}
