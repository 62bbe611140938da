/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* killatfile.c: preloaded into a daemon, ends it before the Nth file that it renames or removes, as kill -9 would */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int steps;

/* The daemon only, not the QEMUs that it starts. */
__attribute__((constructor)) static void loaded(void)
{
    unsetenv("LD_PRELOAD");
}

/* N stands in the file that KILL_AT_FILE names; as long as there is none, nothing is counted. */
static void count(void)
{
    const char *path = getenv("KILL_AT_FILE");
    FILE *file = path ? fopen(path, "re") : NULL;
    int last = 0;

    if (!file)
        return;
    if (fscanf(file, "%d", &last) == 1 && __atomic_add_fetch(&steps, 1, __ATOMIC_SEQ_CST) == last)
        kill(getpid(), SIGKILL);
    fclose(file);
}

int rename(const char *from, const char *to)
{
    static int (*real)(const char *, const char *);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "rename");
    count();
    return real(from, to);
}

int unlink(const char *path)
{
    static int (*real)(const char *);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "unlink");
    count();
    return real(path);
}
