/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* holdatfile.c: preloaded into a daemon, makes a disk slow: what it syncs, links or removes waits until the test lets it go on */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_AGAIN_US 2000
#define PATH_BYTES 4096

/* The daemon only, not the QEMUs that it starts. */
__attribute__((constructor)) static void loaded(void)
{
    unsetenv("LD_PRELOAD");
}

static const char *gate(void)
{
    return getenv("HOLD_AT_FILE");
}

static int exists(const char *suffix)
{
    char path[PATH_BYTES];

    snprintf(path, sizeof path, "%s%s", gate(), suffix);
    return access(path, F_OK) == 0;
}

/* The file that HOLD_AT_FILE names holds how the paths begin that are to wait, or with a '$' at its end the one path; as long as
 * there is none, nothing does. */
static int isHeld(const char *path)
{
    char start[PATH_BYTES] = "";
    FILE *file = gate() ? fopen(gate(), "re") : NULL;
    size_t length;

    if (!file)
        return 0;
    if (fscanf(file, "%4095s", start) != 1)
        start[0] = '\0';
    fclose(file);
    length = strlen(start);
    if (length > 0 && start[length - 1] == '$')
        return strlen(path) == length - 1 && strncmp(path, start, length - 1) == 0;
    return length > 0 && strncmp(path, start, length) == 0;
}

/* 0, or -1 with errno: that disk has failed. */
static int pass(const char *path)
{
    char reached[PATH_BYTES];

    if (!isHeld(path))
        return 0;
    snprintf(reached, sizeof reached, "%s.reached", gate());
    close(open(reached, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    while (isHeld(path))
        usleep(LOOK_AGAIN_US);
    if (!exists(".fail"))
        return 0;
    errno = EIO;
    return -1;
}

int fsync(int fd)
{
    static int (*real)(int);
    char link[64], path[PATH_BYTES];
    ssize_t length;

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "fsync");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = '\0';
    return pass(path) < 0 ? -1 : real(fd);
}

int symlink(const char *target, const char *path)
{
    static int (*real)(const char *, const char *);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "symlink");
    return pass(path) < 0 ? -1 : real(target, path);
}

int remove(const char *path)
{
    static int (*real)(const char *);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "remove");
    return pass(path) < 0 ? -1 : real(path);
}
