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
    { "cont", "{}" },
    { "stop", "{}" },
    { "quit", "{}" },
    { "qom-set", "{}" },
    { "query-status", "{\"status\":\"running\",\"running\":true}" },
    { "query-chardev", "[{\"label\":\"charserial0\",\"filename\":\"pty:/dev/pts/0\",\"frontend-open\":true}]" },
    { "query-cpus-fast", "[{\"cpu-index\":0,\"thread-id\":1,\"qom-path\":\"/machine/unattached/device[0]\"}]" },
    { "query-memory-devices", "[]" },
    { "query-migrate-capabilities", "[]" },
    { "migrate-set-capabilities", "{}" },
    { "query-hotpluggable-cpus", "[]" },
    { "device-list-properties", "[]" },
    { "query-iothreads", "[]" },
    { "query-block", "[]" },
    { "query-named-block-nodes", "[]" },
    { "set_password", "{}" },
    { "migrate-set-parameters", "{}" },
    { "qom-list", "[]" },
    { "qom-get", "{\"stats\":{\"stat-swap-in\":0,\"stat-swap-out\":0,\"stat-major-faults\":151,\"stat-minor-faults\":40213,"
                 "\"stat-free-memory\":20480000,\"stat-total-memory\":50331648,\"stat-available-memory\":30720000,"
                 "\"stat-disk-caches\":4096000,\"stat-htlb-pgalloc\":0,\"stat-htlb-pgfail\":0},\"last-update\":1700000000}" },
};

/* What its balloon leaves it: at once what it is told. */
static unsigned long long balloonBytes = 67108864;

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

/* The id of a command, to be sent back after the answer: ,"id":N, or "" if it has none. It is a number; that of an argument
 * is a string. */
static const char *idOf(const char *line, char *buffer, size_t size)
{
    const char *start = NULL;

    for (const char *next = strstr(line, "\"id\":"); next; next = strstr(next + 1, "\"id\":"))
        start = next + strlen("\"id\":");
    buffer[0] = '\0';
    if (start && strspn(start, "0123456789"))
        snprintf(buffer, size, ",\"id\":%.*s", (int)strspn(start, "0123456789"), start);
    return buffer;
}

static void reply(FILE *monitor, const char *value, const char *id)
{
    fprintf(monitor, "{\"return\":%s%s}\r\n", value, id);
    fflush(monitor);
}

/* The commands whose answer depends on more than their name; 0: it is none of them. */
static int answerByArguments(FILE *monitor, const char *line, const char *command, const char *id)
{
    const char *value = strstr(line, "\"value\":");
    char actual[64];

    if (strcmp(command, "balloon") == 0 && value) {
        balloonBytes = strtoull(value + strlen("\"value\":"), NULL, 10);
        reply(monitor, "{}", id);
        fprintf(monitor, "{\"event\":\"BALLOON_CHANGE\",\"data\":{\"actual\":%llu},\"timestamp\":{\"seconds\":1700000000,\"microseconds\":0}}\r\n",
                balloonBytes);
        fflush(monitor);
        return 1;
    }
    if (strcmp(command, "query-balloon") == 0) {
        snprintf(actual, sizeof actual, "{\"actual\":%llu}", balloonBytes);
        reply(monitor, actual, id);
        return 1;
    }
    if (strcmp(command, "qom-list") == 0 && strstr(line, "/machine/peripheral\"")) {
        reply(monitor, "[{\"name\":\"balloon0\",\"type\":\"child<virtio-balloon-pci>\"}]", id);
        return 1;
    }
    if (strcmp(command, "qom-list") == 0 && strstr(line, "/balloon0\"")) {
        reply(monitor, "[{\"name\":\"guest-stats\",\"type\":\"guest statistics\"},"
                       "{\"name\":\"guest-stats-polling-interval\",\"type\":\"int\"}]", id);
        return 1;
    }
    if (strcmp(command, "qom-get") == 0 && strstr(line, "features\"")) {
        reply(monitor, "[]", id);
        return 1;
    }
    return 0;
}

static void answer(FILE *monitor, const char *line)
{
    char command[64], id[64];

    valueOf(line, "\"execute\":", command, sizeof command);
    idOf(line, id, sizeof id);
    if (answerByArguments(monitor, line, command, id))
        return;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        if (strcmp(answers[i].command, command) != 0)
            continue;
        reply(monitor, answers[i].value, id);
        if (strcmp(command, "quit") == 0)
            exit(0);
        return;
    }
    fprintf(monitor, "{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"a fake guest knows no '%s'\"}%s}\r\n", command, id);
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
