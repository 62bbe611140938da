/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_host.c: the host's memory and pages, by node */
#include "client/memory_host.h"

#include <string.h>
#include <libvirt/virterror.h>

#include "client/memory_error.h"
#include "util/mem_xml.h"

#define MOST_PARAMETERS 32

void virMemHostFree(virMemHost *host)
{
    if (!host)
        return;
    for (size_t i = 0; i < host->nnodes; i++) {
        g_free(host->nodes[i]->pages);
        g_free(host->nodes[i]);
    }
    g_free(host->nodes);
    g_free(host);
}

const virMemHostNode *memoryHostNode(const virMemHost *host, int id)
{
    for (size_t i = 0; i < host->nnodes; i++) {
        if (host->nodes[i]->id == id)
            return host->nodes[i];
    }
    return NULL;
}

const virMemPages *memoryHostPages(const virMemHostNode *node, guint64 sizeKib)
{
    for (size_t i = 0; i < node->npages; i++) {
        if (node->pages[i].sizeKib == sizeKib)
            return &node->pages[i];
    }
    return NULL;
}

static int comparePages(const void *a, const void *b)
{
    guint64 first = ((const virMemPages *) a)->sizeKib, second = ((const virMemPages *) b)->sizeKib;

    return first < second ? -1 : first > second;
}

static gboolean parseCell(const xmlNode *cell, virMemHostNode *node, GError **err)
{
    guint64 totalKib = VIR_MEM_UNKNOWN;

    if (!memXmlAttrInt(cell, "id", TRUE, &node->id, err) ||
        !memXmlSizeKib(cell, "memory", FALSE, &totalKib, NULL, err))
        return FALSE;
    node->totalKib = totalKib;
    node->freeKib = VIR_MEM_UNKNOWN;
    node->pages = g_new0(virMemPages, memXmlCountChildren(cell, "pages") + 1);
    for (const xmlNode *child = memXmlChild(cell, "pages"); child; child = memXmlNext(child, "pages")) {
        virMemPages *pages = &node->pages[node->npages++];
        g_autofree char *count = memXmlText(child);
        guint64 sizeKib = 0;
        if (!memXmlAttrSizeKib(child, "size", "unit", TRUE, &sizeKib, err))
            return FALSE;
        pages->sizeKib = sizeKib;
        pages->total = count ? g_ascii_strtoull(count, NULL, 10) : VIR_MEM_UNKNOWN;
        pages->free = VIR_MEM_UNKNOWN;
    }
    qsort(node->pages, node->npages, sizeof(*node->pages), comparePages);
    return TRUE;
}

static const xmlNode *findCells(const xmlNode *root)
{
    const xmlNode *node = memXmlChild(root, "host");

    node = node ? memXmlChild(node, "topology") : NULL;
    return node ? memXmlChild(node, "cells") : NULL;
}

virMemHost *memoryHostParse(const char *capabilities, virMemError *err)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(xmlDoc) doc = memXmlParse(capabilities, "capabilities", &error);
    g_autoptr(virMemHost) host = g_new0(virMemHost, 1);
    const xmlNode *root = doc ? memXmlRoot(doc, "capabilities", &error) : NULL;

    if (!root) {
        memoryErrorFromGError(err, VIR_MEM_ERR_UNREADABLE, g_steal_pointer(&error));
        return NULL;
    }
    const xmlNode *cells = findCells(root);
    const xmlNode *cell = cells ? memXmlChild(cells, "cell") : NULL;
    host->nodes = g_new0(virMemHostNode *, cells ? memXmlCountChildren(cells, "cell") + 1 : 1);
    host->availableKib = host->ksmShared = host->ksmSharing = VIR_MEM_UNKNOWN;
    host->ksm = -1;
    host->pageKib = 4;
    do {
        virMemHostNode *node = host->nodes[host->nnodes++] = g_new0(virMemHostNode, 1);
        node->totalKib = node->freeKib = VIR_MEM_UNKNOWN;
        if (cell && !parseCell(cell, node, &error)) {
            memoryErrorFromGError(err, VIR_MEM_ERR_UNREADABLE, g_steal_pointer(&error));
            return NULL;
        }
        cell = cell ? memXmlNext(cell, "cell") : NULL;
    } while (cell);
    const virMemHostNode *first = host->nodes[0];
    if (first->npages > 0)
        host->pageKib = first->pages[0].sizeKib;
    if (first->npages > 1)
        host->hugeKib = first->pages[1].sizeKib;
    return g_steal_pointer(&host);
}

/* Each node by itself: numbers may have gaps, and a call for one must not spoil the others. */
static void addFree(virConnectPtr conn, virMemHostNode *node)
{
    unsigned long long bytes = 0;
    g_autofree unsigned int *sizes = g_new0(unsigned int, node->npages + 1);
    g_autofree unsigned long long *counts = g_new0(unsigned long long, node->npages + 1);

    if (virNodeGetCellsFreeMemory(conn, &bytes, node->id, 1) == 1)
        node->freeKib = bytes / 1024;
    for (size_t i = 0; i < node->npages; i++)
        sizes[i] = (unsigned int) node->pages[i].sizeKib;
    if (node->npages == 0 ||
        virNodeGetFreePages(conn, (unsigned int) node->npages, sizes, node->id, 1, counts, 0) < 0)
        return;
    for (size_t i = 0; i < node->npages; i++)
        node->pages[i].free = counts[i];
}

static void addAvailable(virConnectPtr conn, virMemHost *host)
{
    virNodeMemoryStats stats[MOST_PARAMETERS];
    int count = 0;
    guint64 sum = 0;

    if (virNodeGetMemoryStats(conn, VIR_NODE_MEMORY_STATS_ALL_CELLS, NULL, &count, 0) < 0)
        return;
    count = MIN(count, MOST_PARAMETERS);
    if (count <= 0 || virNodeGetMemoryStats(conn, VIR_NODE_MEMORY_STATS_ALL_CELLS, stats, &count, 0) < 0)
        return;
    for (int i = 0; i < count; i++) {
        if (strcmp(stats[i].field, VIR_NODE_MEMORY_STATS_FREE) == 0 ||
            strcmp(stats[i].field, VIR_NODE_MEMORY_STATS_BUFFERS) == 0 ||
            strcmp(stats[i].field, VIR_NODE_MEMORY_STATS_CACHED) == 0)
            sum += stats[i].value;
    }
    host->availableKib = sum;
}

static void addKsm(virConnectPtr conn, virMemHost *host)
{
    virTypedParameter parameters[MOST_PARAMETERS];
    int count = 0;
    unsigned long long value = 0;

    if (virNodeGetMemoryParameters(conn, NULL, &count, 0) < 0)
        return;
    count = MIN(count, MOST_PARAMETERS);
    if (count <= 0 || virNodeGetMemoryParameters(conn, parameters, &count, 0) < 0)
        return;
    if (virTypedParamsGetULLong(parameters, count, VIR_NODE_MEMORY_SHARED_PAGES_SHARED, &value) == 1)
        host->ksmShared = value;
    if (virTypedParamsGetULLong(parameters, count, VIR_NODE_MEMORY_SHARED_PAGES_SHARING, &value) == 1)
        host->ksmSharing = value;
    virTypedParamsClear(parameters, count);
    if (host->ksmShared != VIR_MEM_UNKNOWN)
        host->ksm = host->ksmShared > 0;
}

int memoryHostGet(virConnectPtr conn, gboolean ksm, virMemHost **host, virMemError *err)
{
    char *capabilities = virConnectGetCapabilities(conn);
    if (!capabilities)
        return memoryErrorFromLibvirt(err, conn);
    g_autoptr(virMemHost) made = memoryHostParse(capabilities, err);
    free(capabilities);
    if (!made)
        return VIR_MEM_ERR_UNREADABLE;
    for (size_t i = 0; i < made->nnodes; i++)
        addFree(conn, made->nodes[i]);
    addAvailable(conn, made);
    if (ksm)
        addKsm(conn, made);
    if (virConnectIsAlive(conn) != 1)
        return memoryErrorSet(err, VIR_MEM_ERR_LOST, "the connection to libvirt was lost");
    virResetLastError();
    *host = g_steal_pointer(&made);
    return VIR_MEM_OK;
}

int virMemGetHost(virConnectPtr conn, virMemHost **host, virMemError *err)
{
    memoryErrorClear(err);
    if (!conn || !host)
        return memoryErrorSet(err, VIR_MEM_ERR_INVALID_ARG, "%s must be given", conn ? "'host'" : "'conn'");
    return memoryHostGet(conn, TRUE, host, err);
}
