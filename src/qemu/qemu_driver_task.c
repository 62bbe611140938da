/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_driver_task.c: work in the background, which may block and which no client waits for */
#define G_LOG_DOMAIN "qemu/qemu_driver_task"
#include "qemu/qemu_driver.h"

#include "qemu/qemu_driver_priv.h"

typedef struct {
    QemuDomain *dom;
    QemuTaskFunc func;
    int argument;
} Task;

static void runTask(gpointer data, gpointer unused)
{
    Task *task = data;

    task->func(task->dom, task->argument);
    qemuDomainRelease(task->dom);
    g_free(task);
}

static void push(GThreadPool *pool, QemuDomain *dom, QemuTaskFunc func, int argument)
{
    Task *task = g_new0(Task, 1);

    task->dom = qemuDomainKeep(dom);
    task->func = func;
    task->argument = argument;
    g_thread_pool_push(pool, task, NULL);
}

void qemuDriverQueue(QemuDomain *dom, QemuTaskFunc func, int argument)
{
    push(dom->driver->background, dom, func, argument);
}

void qemuDriverQueueWaiting(QemuDomain *dom, QemuTaskFunc func, int argument)
{
    push(dom->driver->waiting, dom, func, argument);
}

GThreadPool *qemuDriverTasksNew(int threads)
{
    return g_thread_pool_new(runTask, NULL, threads, FALSE, NULL);
}
