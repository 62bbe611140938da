/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fakeguest.c: in place of a QEMU where hundreds are wanted: it answers its monitor and does nothing else */

/* Asked for capabilities (no -name guest=) it becomes the real QEMU, so that the daemon's command line is a real one. As a
 * guest it takes the monitor's listening socket that the daemon hands over (-chardev socket,...fd=N), and answers each line
 * by the command in it. A command that it does not know gets an error, as from QEMU. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define QEMU "/usr/bin/qemu-system-x86_64"

static const struct {
    const char *command, *value;
} answers[] = {
    { "qmp_capabilities", "{}" },
    { "balloon", "{}" },
    { "cont", "{}" },
    { "stop", "{}" },
    { "quit", "{}" },
    { "qom-set", "{}" },
    { "query-status", "{\"status\":\"running\",\"running\":true}" },
    { "query-balloon", "{\"actual\":67108864}" },
    { "query-chardev", "[{\"label\":\"charserial0\",\"filename\":\"pty:/dev/pts/0\",\"frontend-open\":true}]" },
    { "query-cpus-fast", "[{\"cpu-index\":0,\"thread-id\":1,\"qom-path\":\"/machine/unattached/device[0]\"}]" },
    { "query-memory-devices", "[]" },
    { "qom-list", "[]" },
    { "qom-get", "{\"stats\":{\"stat-swap-in\":0,\"stat-swap-out\":0,\"stat-major-faults\":151,\"stat-minor-faults\":40213,"
                 "\"stat-free-memory\":20480000,\"stat-total-memory\":50331648,\"stat-available-memory\":30720000,"
                 "\"stat-disk-caches\":4096000,\"stat-htlb-pgalloc\":0,\"stat-htlb-pgfail\":0},\"last-update\":1700000000}" },
};

/* The string that follows @key in @line, up to its closing quote; "" if there is none. */
static const char *valueOf(const char *line, const char *key, char *buffer, size_t size)
{
    const char *start = strstr(line, key);
    size_t length;

    buffer[0] = '\0';
    start = start ? strchr(start + strlen(key), '"') : NULL;
    if (!start)
        return buffer;
    length = strcspn(start + 1, "\"");
    if (length < size) {
        memcpy(buffer, start + 1, length);
        buffer[length] = '\0';
    }
    return buffer;
}

/* The number that follows @key in @line, as text. */
static const char *numberOf(const char *line, const char *key, char *buffer, size_t size)
{
    const char *start = strstr(line, key);

    snprintf(buffer, size, "%ld", start ? strtol(start + strlen(key), NULL, 10) : 0);
    return buffer;
}

static void answer(FILE *monitor, const char *line)
{
    char command[64], id[64];

    valueOf(line, "\"execute\":", command, sizeof command);
    numberOf(line, "\"id\":", id, sizeof id);
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        if (strcmp(answers[i].command, command) != 0)
            continue;
        fprintf(monitor, "{\"return\":%s,\"id\":%s}\r\n", answers[i].value, id);
        fflush(monitor);
        if (strcmp(command, "quit") == 0)
            exit(0);
        return;
    }
    fprintf(monitor, "{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"a fake guest knows no '%s'\"},\"id\":%s}\r\n", command, id);
    fflush(monitor);
}

static void serve(int listener)
{
    char line[65536];
    int fd = accept(listener, NULL, NULL);
    FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
    FILE *out = in ? fdopen(dup(fd), "w") : NULL;

    if (!out)
        return;
    fputs("{\"QMP\":{\"version\":{\"qemu\":{\"micro\":0,\"minor\":2,\"major\":7},\"package\":\"fake\"},\"capabilities\":[]}}\r\n", out);
    fflush(out);
    while (fgets(line, sizeof line, in))
        answer(out, line);
    fclose(out);
    fclose(in);
}

int main(int argc, char **argv)
{
    int listener = -1, guest = 0;

    for (int i = 1; i < argc; i++) {
        const char *fd = strncmp(argv[i], "socket,id=charmonitor", 21) == 0 ? strstr(argv[i], "fd=") : NULL;

        guest = guest || strncmp(argv[i], "guest=", 6) == 0;
        if (fd)
            listener = atoi(fd + 3);
    }
    if (!guest) {
        argv[0] = (char *)QEMU;
        execv(QEMU, argv);
        return 127;
    }
    if (listener < 0) {
        fputs("fakeguest: no monitor socket was handed over\n", stderr);
        return 1;
    }
    /* a connection that ends may be followed by another: the daemon was started anew */
    for (;;)
        serve(listener);
}
