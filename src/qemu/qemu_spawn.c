/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_spawn.c: fork, exec, pidfd and /proc/PID/stat */
#define G_LOG_DOMAIN "qemu/qemu_spawn"
#include "qemu/qemu_spawn.h"

#include "util/mem_error.h"
#include "util/mem_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* Descriptors of the child: 0 to 3 are QEMU's, the next two close on exec. */
enum {
    CHILD_GO_FD = QEMU_SPAWN_MONITOR_FD + 1,
    CHILD_ERROR_FD,
    CHILD_FIRST_FREE_FD,
};

/* All that the child needs, made before fork(): after it, in a process with threads, only system calls are safe. */
typedef struct {
    const QemuSpawn *spawn;
    int go[2], error[2];
    int nullFd;
    cpu_set_t cpus;
    gboolean hasCpus;
    int *passFds;               /* sorted, -1 at the end; NULL: none */
} Plan;

/* ---- the child ---- */

/* Close at once, not at exec: should the daemon die now, its sockets must not live on in here, and take connections from clients
 * of the next daemon. */
static void childCloseOthers(const int *sortedPassFds)
{
    unsigned next = CHILD_FIRST_FREE_FD;

    for (; sortedPassFds && *sortedPassFds >= 0; sortedPassFds++) {
        if ((unsigned)*sortedPassFds > next)
            syscall(SYS_close_range, next, (unsigned)*sortedPassFds - 1, 0);
        fcntl(*sortedPassFds, F_SETFD, 0);
        next = (unsigned)*sortedPassFds + 1;
    }
    syscall(SYS_close_range, next, ~0U, 0);
}

static void childArrange(const Plan *plan)
{
    const int from[] = { plan->nullFd, plan->spawn->logFd, plan->spawn->logFd, plan->spawn->monitorFd, plan->go[0],
                         plan->error[1] };
    int above[G_N_ELEMENTS(from)];

    /* first out of the way, then into place: numbers may overlap */
    for (gsize i = 0; i < G_N_ELEMENTS(from); i++)
        above[i] = fcntl(from[i], F_DUPFD, QEMU_SPAWN_FIRST_PASSED);
    for (gsize i = 0; i < G_N_ELEMENTS(from); i++)
        dup2(above[i], (int)i);
    fcntl(CHILD_GO_FD, F_SETFD, FD_CLOEXEC);
    fcntl(CHILD_ERROR_FD, F_SETFD, FD_CLOEXEC);
    childCloseOthers(plan->passFds);
}

static void childSignals(void)
{
    struct sigaction plain = { .sa_handler = SIG_DFL };
    sigset_t none;

    for (int i = 1; i < NSIG; i++)
        sigaction(i, &plain, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static int childLimits(const Plan *plan)
{
    struct rlimit limit = { plan->spawn->memlockBytes, plan->spawn->memlockBytes };

    if (plan->spawn->memlockBytes == G_MAXUINT64)
        limit.rlim_cur = limit.rlim_max = RLIM_INFINITY;
    if (plan->spawn->memlockBytes && setrlimit(RLIMIT_MEMLOCK, &limit) < 0 &&
        !(errno == EPERM && plan->spawn->memlockOptional))
        return errno;
    if (plan->hasCpus && sched_setaffinity(0, sizeof plan->cpus, &plan->cpus) < 0)
        return errno;
    return 0;
}

static G_NORETURN void child(const Plan *plan)
{
    char byte;
    int problem;

    childArrange(plan);
    setsid();
    umask(077);
    childSignals();
    if (read(CHILD_GO_FD, &byte, 1) != 1)
        _exit(0);
    problem = childLimits(plan);
    if (!problem && chdir("/") < 0)
        problem = errno;
    if (!problem) {
        execve(plan->spawn->argv[0], plan->spawn->argv, plan->spawn->env);
        problem = errno;
    }
    if (write(CHILD_ERROR_FD, &problem, sizeof problem) < 0)
        _exit(126);
    _exit(127);
}

/* ---- the parent ---- */

static void closeFd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void planClear(Plan *plan)
{
    closeFd(&plan->go[0]);
    closeFd(&plan->go[1]);
    closeFd(&plan->error[0]);
    closeFd(&plan->error[1]);
    closeFd(&plan->nullFd);
    g_clear_pointer(&plan->passFds, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Plan, planClear)

static int compareInt(gconstpointer a, gconstpointer b)
{
    return *(const int *)a - *(const int *)b;
}

static void sortPassFds(Plan *plan)
{
    const int *fds = plan->spawn->passFds;
    gsize count = 0;

    if (!fds)
        return;
    while (fds[count] >= 0)
        count++;
    plan->passFds = g_memdup2(fds, (count + 1) * sizeof fds[0]);
    qsort(plan->passFds, count, sizeof fds[0], compareInt);
}

static gboolean planMake(Plan *plan, GError **err)
{
    const MemBitmap *cpuset = plan->spawn->cpuset;

    if (pipe2(plan->go, O_CLOEXEC) < 0 || pipe2(plan->error, O_CLOEXEC) < 0 ||
        (plan->nullFd = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0) {
        memErrorSetSystem(err, errno, "cannot prepare to start '%s'", plan->spawn->argv[0]);
        return FALSE;
    }
    sortPassFds(plan);
    CPU_ZERO(&plan->cpus);
    for (int i = cpuset ? memBitmapNext(cpuset, -1) : -1; i >= 0 && i < CPU_SETSIZE; i = memBitmapNext(cpuset, i)) {
        CPU_SET((unsigned)i, &plan->cpus);
        plan->hasCpus = TRUE;
    }
    return TRUE;
}

static pid_t forkChild(Plan *plan, GError **err)
{
    sigset_t all, before;
    pid_t pid;

    /* a handler of ours must not run in the child before it has reset them */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pid = fork();
    if (pid == 0)
        child(plan);
    if (pid < 0)
        memErrorSetSystem(err, errno, "cannot start '%s'", plan->spawn->argv[0]);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid;
}

/* Let the child go on; TRUE: it became the new program. */
static gboolean letGo(Plan *plan, GError **err)
{
    int problem = 0;
    ssize_t n;

    if (write(plan->go[1], "g", 1) != 1) {
        memErrorSetSystem(err, errno, "cannot start '%s'", plan->spawn->argv[0]);
        return FALSE;
    }
    do {
        n = read(plan->error[0], &problem, sizeof problem);
    } while (n < 0 && errno == EINTR);
    if (n == 0)
        return TRUE;
    memErrorSetSystem(err, n < 0 ? errno : problem, "cannot execute '%s'", plan->spawn->argv[0]);
    return FALSE;
}

pid_t qemuSpawnStart(const QemuSpawn *spawn, GError **err)
{
    g_auto(Plan) plan = { .spawn = spawn, .go = { -1, -1 }, .error = { -1, -1 }, .nullFd = -1 };
    pid_t pid;

    if (!planMake(&plan, err))
        return -1;
    pid = forkChild(&plan, err);
    if (pid < 0)
        return -1;
    closeFd(&plan.go[0]);
    closeFd(&plan.error[1]);
    if (spawn->beforeExec(pid, spawn->opaque, err) && letGo(&plan, err))
        return pid;
    closeFd(&plan.go[1]);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return -1;
}

/* ---- knowing a process ---- */

int qemuSpawnOpenPid(pid_t pid, guint64 startTime)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    QemuSpawnStat stat;

    if (fd < 0)
        return -1;
    /* read after opening: the descriptor and the numbers then speak of one process */
    if (qemuSpawnStat(pid, 0, &stat) && (!startTime || stat.startTime == startTime))
        return fd;
    close(fd);
    return -1;
}

gboolean qemuSpawnSignal(int pidfd, int signal)
{
    return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) == 0;
}

gboolean qemuSpawnReap(int pidfd, int *status)
{
    siginfo_t info = { 0 };

    if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
        return FALSE;
    *status = info.si_code == CLD_EXITED ? W_EXITCODE(info.si_status, 0) : W_EXITCODE(0, info.si_status);
    return TRUE;
}

gboolean qemuSpawnStat(pid_t pid, pid_t thread, QemuSpawnStat *stat)
{
    g_autofree char *path = thread ? g_strdup_printf("/proc/%d/task/%d/stat", (int)pid, (int)thread)
                                   : g_strdup_printf("/proc/%d/stat", (int)pid);
    g_autofree char *text = memFileRead(path, 4096, NULL, NULL);
    /* the name in parentheses may hold anything, parentheses too */
    const char *rest = text ? strrchr(text, ')') : NULL;
    guint64 tickNs = G_GUINT64_CONSTANT(1000000000) / (guint64)sysconf(_SC_CLK_TCK);
    unsigned long long user, system, start;
    long rss;

    if (!rest || sscanf(rest, ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d %*d %llu %*u %ld "
                        "%*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*d %d",
                        &stat->state, &user, &system, &start, &rss, &stat->cpu) != 6)
        return FALSE;
    stat->startTime = start;
    stat->userNs = user * tickNs;
    stat->systemNs = system * tickNs;
    stat->rssKib = (guint64)MAX(rss, 0) * ((guint64)sysconf(_SC_PAGESIZE) / 1024);
    return TRUE;
}

gboolean qemuSpawnDelay(pid_t pid, pid_t thread, guint64 *delayNs)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/task/%d/schedstat", (int)pid, (int)thread);
    g_autofree char *text = memFileRead(path, 256, NULL, NULL);

    return text && sscanf(text, "%*u %" G_GUINT64_FORMAT, delayNs) == 1;
}
