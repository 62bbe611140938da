/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* monitormock.h: a scripted QEMU at the other end of a monitor, as strict as the real one */
#pragma once

#include <glib.h>

/* The script is written first (Expect, Say, HangUp), then run by a thread, step by step:
 *   Expect  waits for one line, which must be the given command (without its id) and agree with the recorded schema, then answers
 *   Say     sends bytes as they are
 *   HangUp  closes the connection
 * The greeting and qmp_capabilities are played before. It is a failure if another command comes, or none, or one that the schema
 * does not know; if a step was not reached; and if something comes after the last one. Finish reports it. */
typedef struct MonitorMock MonitorMock;

/* @schema: a recorded query-qmp-schema. */
MonitorMock *monitorMockNew(const char *schema);
/* One that says @stale before it answers the first command. */
MonitorMock *monitorMockNewStale(const char *schema, const char *stale);
/* @request: {"execute":...}, with "id":true if it must carry one, whichever; @reply: {"return":...} or {"error":...} without id, or NULL for silence. */
void monitorMockExpect(MonitorMock *mock, const char *request, const char *reply);
/* Bytes sent in the order of the script; @length -1: a string. */
void monitorMockSay(MonitorMock *mock, const char *bytes, gssize length);
void monitorMockHangUp(MonitorMock *mock);
/* Write in pieces of @bytes, so that the reader sees torn lines. 0: whole. */
void monitorMockTear(MonitorMock *mock, gsize bytes);
/* Do not read before Finish (a QEMU that hangs). */
void monitorMockDeaf(MonitorMock *mock);

/* Start the thread; the connected descriptor, the caller's. */
int monitorMockStart(MonitorMock *mock);
/* The other side has hung up or will: wait for the thread and free. NULL: all went by the script; else what went wrong. */
char *monitorMockFinish(MonitorMock *mock);

/* Why @request is no command of the schema; NULL: it is one. @schema as above, cached. For use by itself, too. */
char *monitorMockCheckCommand(const char *schema, const char *request);
