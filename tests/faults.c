/* Lets system calls on a journal's files fail, or kill the process at a change of them.

   Tests build this library and preload it (LD_PRELOAD); faults.py says what it does for them.  It
   counts files whose names begin with "j.db".  A call is named by its name and the kind of file:
   "write log".  Calls that give something back (unlock, close, unmap) never fail.  Processes with
   several threads may be killed, but only those with one thread can rely on the counts. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { MOST_FILES = 1024 };
static const char *kinds[MOST_FILES];  /* of the open files, by descriptor */
static char chosen[64];                /* the call that fails, and at which occurrence */
static long occurrence, times, hits;
static unsigned long one_in, state;    /* the chance of a failure; its generator's state */
static const char TURN[] = "turn";     /* the kind of the file that is locked in the turn to write */
static int turn = -1;                  /* its descriptor, while this process has it locked */
static long written[2];                /* to the journal's file: out of the turn, and in it */
static long changes_left;              /* the last of them kills the process; 0: none does */

/* The nth call of a name from now on fails, and those after it, so many in all. */
void fail_some(const char *call, long n, long all) {
  snprintf(chosen, sizeof chosen, "%s", call);
  occurrence = n;
  times = all;
}
/* The nth call of a name from now on fails; 0: none does. */
void fail_nth(const char *call, long n) { fail_some(call, n, n > 0); }
/* One call in n fails, by chance; 0: none does. */
void fail_one_in(unsigned long n) { one_in = n; }
/* How many calls have failed. */
long fail_hits(void) { return hits; }

__attribute__((constructor)) static void read_environment(void) {
  const char *change = getenv("KILL_AT_CHANGE");
  if (change) changes_left = atol(change);
}

/* How often the journal's file was written, cut or flushed in the turn to write, and out of it. */
long writes_in_turn(void) { return written[1]; }
long writes_out_of_turn(void) { return written[0]; }

static const char *kind_of(const char *path) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  if (strncmp(name, "j.db", 4)) return NULL;
  if (!name[4]) return "file";
  if (!strcmp(name + 4, "-wal")) return "log";
  if (!strcmp(name + 4, "-shm")) return "index";
  return !strcmp(name + 4, "-main") ? TURN : "other";
}

static const char *kind_at(int fd) { return fd >= 0 && fd < MOST_FILES ? kinds[fd] : NULL; }

static int fails(const char *name, const char *kind) {
  if (!kind) return 0;
  char call[64];
  snprintf(call, sizeof call, "%s %s", name, kind);
  int hit = times && !strcmp(call, chosen) && --occurrence <= 0;
  if (hit) times--;
  if (!hit && one_in) {
    state = state * 6364136223846793005UL + 1442695040888963407UL;
    hit = (state >> 33) % one_in == 0;
  }
  hits += hit;
  return hit;
}

static void changes(const char *kind) {
  if (kind && changes_left > 0 && !--changes_left) raise(SIGKILL);
}

#define REAL(type, name, ...) \
  static type (*real)(__VA_ARGS__); \
  if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)
#define FAIL(name, kind, error) if (fails(name, kind)) { errno = error; return -1; }

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    REAL(int, name, const char *, int, ...); \
    va_list more; va_start(more, flags); int mode = flags & O_CREAT ? va_arg(more, int) : 0; va_end(more); \
    const char *kind = kind_of(path); \
    if (flags & (O_CREAT | O_TRUNC)) changes(kind); \
    FAIL("open", kind, EMFILE) \
    int fd = real(path, flags, mode); \
    if (fd >= 0 && fd < MOST_FILES) kinds[fd] = kind; \
    return fd; }
OPEN(open) OPEN(open64)

int close(int fd) {
  REAL(int, close, int);
  if (fd >= 0 && fd < MOST_FILES) kinds[fd] = NULL;
  if (fd == turn) turn = -1;
  return real(fd);
}

#define STAT(name, status) \
  int name(const char *path, struct status *found) { \
    REAL(int, name, const char *, struct status *); \
    FAIL("stat", kind_of(path), EACCES) return real(path, found); }
STAT(stat, stat) STAT(stat64, stat64)

#define FSTAT(name, status) \
  int name(int fd, struct status *found) { \
    REAL(int, name, int, struct status *); \
    FAIL("stat", kind_at(fd), EIO) return real(fd, found); }
FSTAT(fstat, stat) FSTAT(fstat64, stat64)

#define READ(name, offset) \
  ssize_t name(int fd, void *data, size_t size, offset at) { \
    REAL(ssize_t, name, int, void *, size_t, offset); \
    FAIL("read", kind_at(fd), EIO) return real(fd, data, size, at); }
READ(pread, off_t) READ(pread64, off64_t)

#define FULL_OR_BROKEN (hits % 2 ? EIO : ENOSPC)
#define CHANGE(type, name, shown, parameters, error, ...) \
  type name parameters { \
    static type (*real) parameters; \
    if (!real) real = (type (*) parameters)dlsym(RTLD_NEXT, #name); \
    const char *kind = kind_at(fd); \
    changes(kind); \
    if (kind && !strcmp(kind, "file")) written[turn >= 0]++; \
    FAIL(shown, kind, error) return real(__VA_ARGS__); }
CHANGE(ssize_t, write, "write", (int fd, const void *data, size_t size), FULL_OR_BROKEN, fd, data, size)
CHANGE(ssize_t, pwrite, "write", (int fd, const void *data, size_t size, off_t at), FULL_OR_BROKEN, fd, data, size, at)
CHANGE(ssize_t, pwrite64, "write", (int fd, const void *data, size_t size, off64_t at), FULL_OR_BROKEN, fd, data, size, at)
CHANGE(ssize_t, sendfile, "write", (int fd, int from, off_t *at, size_t size), FULL_OR_BROKEN, fd, from, at, size)
CHANGE(ssize_t, sendfile64, "write", (int fd, int from, off64_t *at, size_t size), FULL_OR_BROKEN, fd, from, at, size)
CHANGE(int, ftruncate, "truncate", (int fd, off_t size), EIO, fd, size)
CHANGE(int, ftruncate64, "truncate", (int fd, off64_t size), EIO, fd, size)
CHANGE(int, fsync, "sync", (int fd), EIO, fd)
CHANGE(int, fdatasync, "sync", (int fd), EIO, fd)

int unlink(const char *path) {
  REAL(int, unlink, const char *);
  const char *kind = kind_of(path);
  changes(kind);
  FAIL("unlink", kind, EACCES) return real(path);
}

int rename(const char *path, const char *to) {
  REAL(int, rename, const char *, const char *);
  const char *kind = kind_of(path) ? kind_of(path) : kind_of(to);
  changes(kind);
  FAIL("rename", kind, EACCES) return real(path, to);
}

#define MAP(name, offset) \
  void *name(void *at, size_t size, int protection, int flags, int fd, offset from) { \
    REAL(void *, name, void *, size_t, int, int, int, offset); \
    if (fails("map", kind_at(fd))) { errno = ENOMEM; return MAP_FAILED; } \
    return real(at, size, protection, flags, fd, from); }
MAP(mmap, off_t) MAP(mmap64, off64_t)

#define CONTROL(name) \
  int name(int fd, int command, ...) { \
    REAL(int, name, int, int, ...); \
    va_list more; va_start(more, command); void *argument = va_arg(more, void *); va_end(more); \
    if (command == F_SETLK && ((struct flock *)argument)->l_type != F_UNLCK) \
      FAIL("lock", kind_at(fd), ENOLCK) \
    return real(fd, command, argument); }
CONTROL(fcntl) CONTROL(fcntl64)

int flock(int fd, int operation) {
  REAL(int, flock, int, int);
  if (!(operation & LOCK_UN)) FAIL("flock", kind_at(fd), ENOLCK)
  int result = real(fd, operation);
  if (!result && kind_at(fd) == TURN) turn = operation & LOCK_UN ? -1 : fd;
  return result;
}
