/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* resize.c: an example: gives a guest another amount of memory, with progress, and says what came of it
 *
 *     cc resize.c $(pkg-config --cflags --libs libvirt-memory) -o resize
 *     ./resize URI DOMAIN KIB [--plan] [--rollback] [--below-floor] [--partial] [--stall MS] [NODE=KIB...]
 *
 * KIB 0: by node alone. Ctrl-C cancels. Exit status: 0 done, 1 failed, 2 usage, 3 partly done. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libvirt/libvirt-memory.h>
#include <libvirt/virterror.h>

#define MOST_NODES 64

static virMemCancel *cancelSwitch;

static void onInterrupt(int number)
{
    (void) number;
    virMemCancelNow(cancelSwitch);
}

/* libvirt would print its errors by itself. */
static void onError(void *data, virErrorPtr error)
{
    (void) data;
    (void) error;
}

static int onProgress(const virMemProgress *progress, void *opaque)
{
    (void) opaque;
    printf("progress %llu of %llu KiB%s, step %zu of %zu: %s\n", progress->nowKib, progress->targetKib,
           progress->undoing ? ", taking back" : "", progress->step + 1, progress->nsteps,
           progress->running ? (progress->undoing ? progress->running->undoText : progress->running->text) : "");
    fflush(stdout);
    return 0;
}

static virConnectPtr onLost(void *opaque)
{
    return virConnectOpen(opaque);
}

static void printPlan(const virMemPlan *plan)
{
    for (size_t i = 0; i < plan->nchecks; i++)
        printf("check %s %s: %s\n", plan->checks[i]->name,
               plan->checks[i]->state == VIR_MEM_CHECK_OK ? "ok" : plan->checks[i]->state == VIR_MEM_CHECK_FAILED ? "failed" : "unknown",
               plan->checks[i]->text);
    for (size_t i = 0; i < plan->nnotes; i++)
        printf("note %s\n", plan->notes[i]);
    for (size_t i = 0; i < plan->nsteps; i++)
        printf("step %s\n", plan->steps[i]->text);
}

static int run(virDomainPtr dom, const virMemPlan *plan, virMemRunOptions *options)
{
    virMemResult *result = NULL;
    virMemError error;
    int code = virMemRun(dom, plan, options, &result, &error);

    if (!result) {
        fprintf(stderr, "error: %s\n", error.message);
        return 1;
    }
    printf("result reached %llu KiB, short %llu KiB, %zu steps, rolled back %d, %llu ms: %s%s%s\n", result->reachedKib,
           result->shortKib, result->stepsDone, result->rolledBack, result->elapsedMs,
           virMemDiagnosisName(result->diagnosis), result->text ? ": " : "", result->text ? result->text : "");
    virMemResultFree(result);
    return code == VIR_MEM_OK ? 0 : 3;
}

static int resize(virDomainPtr dom, const virMemRequest *request, virMemRunOptions *options, int planOnly)
{
    virMemPlan *plan = NULL;
    virMemError error;
    int status = 0;

    if (virMemPlanDomain(dom, request, &plan, &error) < 0) {
        if (plan)
            printPlan(plan);
        fprintf(stderr, "error: %s\n", error.message);
        status = 1;
    } else {
        printPlan(plan);
        status = planOnly ? 0 : run(dom, plan, options);
    }
    virMemPlanFree(plan);
    return status;
}

typedef struct {
    virMemRequest request;
    virMemNodeSize nodes[MOST_NODES];
    virMemRunOptions options;
    int planOnly;
} Arguments;

static int parseOption(Arguments *arguments, const char *word, const char *next)
{
    char *equals = strchr((char *) word, '=');

    if (strcmp(word, "--plan") == 0)
        arguments->planOnly = 1;
    else if (strcmp(word, "--rollback") == 0)
        arguments->options.onFailure = VIR_MEM_ON_FAILURE_ROLLBACK;
    else if (strcmp(word, "--below-floor") == 0)
        arguments->request.flags |= VIR_MEM_PLAN_BELOW_FLOOR;
    else if (strcmp(word, "--partial") == 0)
        arguments->request.flags |= VIR_MEM_PLAN_PARTIAL;
    else if (strcmp(word, "--stall") == 0 && next)
        arguments->options.stallMs = (unsigned) strtoul(next, NULL, 10);
    else if (equals && arguments->request.nnodes < MOST_NODES)
        arguments->nodes[arguments->request.nnodes++] =
            (virMemNodeSize) {.node = atoi(word), .kib = strtoull(equals + 1, NULL, 10)};
    else
        return -1;
    return strcmp(word, "--stall") == 0 ? 2 : 1;
}

int main(int argc, char **argv)
{
    Arguments arguments = {0};
    int status = 1;

    if (argc < 4) {
        fprintf(stderr, "usage: %s URI DOMAIN KIB [--plan] [--rollback] [--below-floor] [--partial] [--stall MS] [NODE=KIB...]\n",
                argv[0]);
        return 2;
    }
    arguments.request.totalKib = strtoull(argv[3], NULL, 10);
    arguments.request.nodes = arguments.nodes;
    for (int i = 4, used; i < argc; i += used) {
        if ((used = parseOption(&arguments, argv[i], i + 1 < argc ? argv[i + 1] : NULL)) < 0) {
            fprintf(stderr, "error: what is '%s'?\n", argv[i]);
            return 2;
        }
    }
    virSetErrorFunc(NULL, onError);
    virMemEventLoopStart(NULL);
    cancelSwitch = virMemCancelNew(NULL);
    signal(SIGINT, onInterrupt);
    arguments.options.cancel = cancelSwitch;
    arguments.options.progress = onProgress;
    arguments.options.reconnect = onLost;
    arguments.options.opaque = argv[1];

    virConnectPtr conn = virConnectOpen(argv[1]);
    virDomainPtr dom = conn ? virDomainLookupByName(conn, argv[2]) : NULL;
    if (dom)
        status = resize(dom, &arguments.request, &arguments.options, arguments.planOnly);
    else
        fprintf(stderr, "error: %s\n", virGetLastErrorMessage());
    if (dom)
        virDomainFree(dom);
    if (conn)
        virConnectClose(conn);
    virMemCancelFree(cancelSwitch);
    return status;
}
