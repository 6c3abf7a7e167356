/* Faults of the machine, raised inside a process that knows nothing of them.
 *
 * Preloaded into the daemon and its shims, it stands before libc's calls on three things:
 * the inbox's files (by the end of their path), sockets to known ports, and the clock. A
 * file that both sides map, named by FAULTS_CONTROL, says what goes wrong and when, so one
 * process can be put through many faults:
 *
 *   a kill at the n-th time a point is passed, such as "before a sync of the WAL";
 *   an error instead of a write, a sync or an open of the inbox's files;
 *   a wall clock that is wrong;
 *   a loss of power: what was written and not synced is noted in an undo log a file,
 *   emptied by a sync, and whoever arms the kill takes those writes back afterwards.
 *
 * The layout of `struct control` and of an undo record is stated again in library.py and
 * power.py.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { NONE, DB, WAL, JOURNAL, CONNECTOR, GRAPH, LOGIN, WEBHOOK, LOCAL, SHIM, KINDS };
enum { BEFORE_WRITE, AFTER_WRITE, BEFORE_SYNC, AFTER_SYNC, AFTER_READ, MOMENTS };
enum { CALL_WRITE = 1, CALL_SYNC = 2, CALL_OPEN = 4 };

struct control {
    uint64_t point, countdown;     /* die at this point, the n-th time; 0: never */
    uint64_t takes_power;          /* that death is a loss of power */
    uint64_t no_power;             /* nothing may start: a new process dies at once */
    uint64_t fired;                /* pid of the process that died at the point */
    uint64_t files, calls, error;  /* which files and calls fail, with which errno */
    uint64_t skip, times, refused; /* the first so many succeed, then so many fail; failed so far */
    int64_t clock_ns;              /* what is added to the wall clock */
    uint64_t sync_lies;            /* a sync that says yes and does nothing */
    uint64_t created[KINDS];       /* a file whose folder was not synced since it was made */
    uint64_t ports[KINDS];         /* which port means which kind of socket */
    uint64_t seen[KINDS * MOMENTS];
};

/* One record of an undo log; the bytes that stood there follow it. */
struct undo {
    uint64_t at, length, size, kept; /* where, how much was written, the file's size, bytes that follow */
};

enum { FDS = 1 << 16 };
static struct control *control;
static unsigned char kinds[FDS];
static int undo_fd[KINDS];
static pthread_mutex_t filing = PTHREAD_MUTEX_INITIALIZER;

/* libc's own function, looked up once: the clock is asked thousands of times a second. */
#define REAL(name) ({ \
    static __typeof__(&name) found; \
    if (!found) found = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
    found; })

static int raw_open(const char *path, int flags) {
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
}

__attribute__((noreturn)) static void die(void) {
    for (;;) syscall(SYS_kill, getpid(), SIGKILL);
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULTS_CONTROL");
    int fd = path ? raw_open(path, O_RDWR) : -1;
    if (fd < 0) return;
    void *page = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (page != MAP_FAILED) control = page;
    if (control && control->no_power) die();
}

static int kind_of(int fd) { return control && fd >= 0 && fd < FDS ? kinds[fd] : NONE; }
static int is_file(int kind) { return kind >= DB && kind <= JOURNAL; }

static void mark(int fd, int kind) {
    if (control && fd >= 0 && fd < FDS) kinds[fd] = (unsigned char)kind;
}

static void pass(int kind, int moment) {
    uint64_t point = (uint64_t)(kind * MOMENTS + moment);
    __atomic_add_fetch(&control->seen[point], 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&control->point, __ATOMIC_SEQ_CST) != point) return;
    if (__atomic_sub_fetch(&control->countdown, 1, __ATOMIC_SEQ_CST) != 0) return;
    if (control->takes_power) control->no_power = 1;
    control->fired = (uint64_t)getpid();
    die();
}

static int refuses(int kind, uint64_t call) {
    if (!(control->files >> kind & 1) || !(control->calls & call)) return 0;
    if (control->skip) return control->skip--, 0;
    if (!control->times) return 0;
    control->times--;
    control->refused++;
    errno = (int)control->error;
    return 1;
}

/* -- the inbox's files ------------------------------------------------------------- */

static int kind_of_path(const char *path) {
    static const struct { const char *end; int kind; } ends[] = {
        {"/inbox.db", DB}, {"/inbox.db-wal", WAL}, {"/inbox.db-journal", JOURNAL}};
    size_t length = strlen(path);
    for (size_t i = 0; control && i < sizeof ends / sizeof *ends; i++) {
        size_t end = strlen(ends[i].end);
        if (length >= end && !strcmp(path + length - end, ends[i].end)) return ends[i].kind;
    }
    return NONE;
}

static int log_of(int kind) {
    if (!undo_fd[kind]) {
        char path[4096];
        snprintf(path, sizeof path, "%s.undo.%d", getenv("FAULTS_CONTROL"), kind);
        undo_fd[kind] = raw_open(path, O_RDWR | O_CREAT | O_APPEND);
    }
    return undo_fd[kind];
}

/* Note what stands in the way of a write of *length* bytes, or of a cut when it is 0. */
static void remember(int fd, int kind, off_t at, size_t length) {
    struct stat now;
    if (fstat(fd, &now)) return;
    size_t left = at < now.st_size ? (size_t)(now.st_size - at) : 0;
    size_t kept = length && length < left ? length : left;
    struct undo *record = malloc(sizeof *record + kept);
    if (!record) die();
    ssize_t got = kept ? syscall(SYS_pread64, fd, record + 1, kept, at) : 0;
    *record = (struct undo){(uint64_t)at, length, (uint64_t)now.st_size, kept};
    size_t whole = sizeof *record + kept;
    /* A write that cannot be noted must not happen: the proof would be worth nothing. */
    if (got != (ssize_t)kept || syscall(SYS_write, log_of(kind), record, whole) != (ssize_t)whole)
        die();
    free(record);
}

static void forget(int kind) { syscall(SYS_ftruncate, log_of(kind), 0); }

static ssize_t write_file(int fd, int kind, const void *data, size_t length, off_t at) {
    pass(kind, BEFORE_WRITE);
    if (refuses(kind, CALL_WRITE)) return -1;
    pthread_mutex_lock(&filing);
    remember(fd, kind, at, length);
    ssize_t done = syscall(SYS_pwrite64, fd, data, length, at);
    pthread_mutex_unlock(&filing);
    pass(kind, AFTER_WRITE);
    return done;
}

static int sync_file(int fd, int kind, int (*sync)(int)) {
    pass(kind, BEFORE_SYNC);
    if (refuses(kind, CALL_SYNC)) return -1;
    if (control->sync_lies) return 0;
    /* Held meanwhile: what another thread writes during a sync is not covered by it. */
    pthread_mutex_lock(&filing);
    int failed = sync(fd);
    if (!failed) forget(kind);
    pthread_mutex_unlock(&filing);
    pass(kind, AFTER_SYNC);
    return failed;
}

static int sync_any(int fd, int (*sync)(int)) {
    struct stat what;
    int kind = kind_of(fd);
    if (is_file(kind)) return sync_file(fd, kind, sync);
    int failed = sync(fd);
    /* The synced folder of the inbox holds every name that was made in it. */
    if (control && !failed && !control->sync_lies && !fstat(fd, &what) && S_ISDIR(what.st_mode))
        memset(control->created, 0, sizeof control->created);
    return failed;
}

int fsync(int fd) { return sync_any(fd, REAL(fsync)); }
int fdatasync(int fd) { return sync_any(fd, REAL(fdatasync)); }

static int cut(int fd, off_t length, int (*truncate)(int, off_t)) {
    int kind = kind_of(fd);
    if (!is_file(kind)) return truncate(fd, length);
    if (refuses(kind, CALL_WRITE)) return -1;
    pthread_mutex_lock(&filing);
    remember(fd, kind, length, 0);
    int failed = truncate(fd, length);
    pthread_mutex_unlock(&filing);
    return failed;
}

int ftruncate(int fd, off_t length) { return cut(fd, length, REAL(ftruncate)); }
int ftruncate64(int fd, off64_t length) { return cut(fd, length, REAL(ftruncate)); }

static int open_any(int folder, const char *path, int flags, mode_t mode) {
    int kind = (flags & O_ACCMODE) == O_RDONLY ? NONE : kind_of_path(path);
    if (kind && refuses(kind, CALL_OPEN)) return -1;
    int made = kind && flags & O_CREAT && access(path, F_OK);
    int fd = (int)syscall(SYS_openat, folder, path, flags, mode);
    mark(fd, kind);
    if (made && fd >= 0) control->created[kind] = 1;
    return fd;
}

static mode_t mode_of(int flags, va_list rest) {
    int has_mode = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
    return has_mode ? (mode_t)va_arg(rest, int) : 0;
}

#define OPENS(name, parameters, folder) \
    int name parameters { \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = mode_of(flags, rest); \
        va_end(rest); \
        return open_any(folder, path, flags, mode); \
    }
OPENS(open, (const char *path, int flags, ...), AT_FDCWD)
OPENS(open64, (const char *path, int flags, ...), AT_FDCWD)
OPENS(openat, (int folder, const char *path, int flags, ...), folder)
OPENS(openat64, (int folder, const char *path, int flags, ...), folder)

int unlink(const char *path) {
    int kind = kind_of_path(path);
    if (kind && refuses(kind, CALL_OPEN)) return -1;
    int failed = REAL(unlink)(path);
    if (kind && !failed) {
        forget(kind);
        control->created[kind] = 0;
    }
    return failed;
}

int close(int fd) {
    mark(fd, NONE);
    return (int)syscall(SYS_close, fd);
}

/* -- reading and writing, of files and sockets ------------------------------------- */

#define WRITES(name, parameters, arguments, file) \
    ssize_t name parameters { \
        int kind = kind_of(fd); \
        if (!kind) return REAL(name) arguments; \
        if (is_file(kind)) file; \
        pass(kind, BEFORE_WRITE); \
        ssize_t done = REAL(name) arguments; \
        if (done > 0) pass(kind, AFTER_WRITE); \
        return done; \
    }
#define NO_FILE return REAL(pwrite)(-1, NULL, 0, 0)

static ssize_t append(int fd, int kind, const void *data, size_t length) {
    ssize_t done = write_file(fd, kind, data, length, lseek(fd, 0, SEEK_CUR));
    if (done > 0) lseek(fd, done, SEEK_CUR);
    return done;
}

WRITES(pwrite, (int fd, const void *data, size_t length, off_t at), (fd, data, length, at),
       return write_file(fd, kind, data, length, at))
WRITES(pwrite64, (int fd, const void *data, size_t length, off64_t at), (fd, data, length, at),
       return write_file(fd, kind, data, length, at))
WRITES(write, (int fd, const void *data, size_t length), (fd, data, length),
       return append(fd, kind, data, length))
WRITES(writev, (int fd, const struct iovec *parts, int count), (fd, parts, count), NO_FILE)
WRITES(send, (int fd, const void *data, size_t length, int flags), (fd, data, length, flags),
       NO_FILE)
WRITES(sendto,
       (int fd, const void *data, size_t length, int flags, const struct sockaddr *to, socklen_t size),
       (fd, data, length, flags, to, size), NO_FILE)
WRITES(sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags), NO_FILE)

#define READS(name, parameters, arguments) \
    ssize_t name parameters { \
        ssize_t got = REAL(name) arguments; \
        int kind = kind_of(fd); \
        if (kind && got > 0 && !is_file(kind)) pass(kind, AFTER_READ); \
        return got; \
    }
READS(read, (int fd, void *data, size_t length), (fd, data, length))
READS(readv, (int fd, const struct iovec *parts, int count), (fd, parts, count))
READS(recv, (int fd, void *data, size_t length, int flags), (fd, data, length, flags))
READS(recvfrom,
      (int fd, void *data, size_t length, int flags, struct sockaddr *from, socklen_t *size),
      (fd, data, length, flags, from, size))
READS(recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags))

/* -- which socket is which --------------------------------------------------------- */

static int kind_of_address(const struct sockaddr *address, int of_unix) {
    uint16_t port = 0;
    if (address->sa_family == AF_UNIX) return of_unix;
    if (address->sa_family == AF_INET) port = ((const struct sockaddr_in *)address)->sin_port;
    if (address->sa_family == AF_INET6) port = ((const struct sockaddr_in6 *)address)->sin6_port;
    for (int kind = CONNECTOR; port && kind < KINDS; kind++)
        if (control->ports[kind] == ntohs(port)) return kind;
    return NONE;
}

int connect(int fd, const struct sockaddr *address, socklen_t size) {
    if (control) mark(fd, kind_of_address(address, SHIM));
    return REAL(connect)(fd, address, size);
}

static int accepted(int fd) {
    struct sockaddr_storage own;
    socklen_t size = sizeof own;
    if (control && fd >= 0 && !getsockname(fd, (struct sockaddr *)&own, &size))
        mark(fd, kind_of_address((struct sockaddr *)&own, LOCAL));
    return fd;
}

int accept(int fd, struct sockaddr *address, socklen_t *size) {
    return accepted(REAL(accept)(fd, address, size));
}
int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags) {
    return accepted(REAL(accept4)(fd, address, size, flags));
}

/* -- the wall clock ---------------------------------------------------------------- */

int clock_gettime(clockid_t clock, struct timespec *out) {
    int failed = REAL(clock_gettime)(clock, out);
    if (failed || !control || !control->clock_ns) return failed;
    if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) return 0;
    int64_t ns = (int64_t)out->tv_sec * 1000000000 + out->tv_nsec + control->clock_ns;
    *out = (struct timespec){ns / 1000000000, ns % 1000000000};
    return 0;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone) {
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    *out = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *out) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
