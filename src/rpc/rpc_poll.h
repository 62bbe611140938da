/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_poll.h: many sockets in one GMainContext at the price of one */
#pragma once

#include <glib.h>
#include <sys/epoll.h>

/* GLib polls every descriptor anew in every turn of its loop; with a thousand clients that is the cost of a call.
 * Here all of them are in one epoll descriptor, and that one is in the loop. */
typedef struct RpcPoll RpcPoll;
typedef struct RpcWatch RpcWatch;

/* On the loop thread. @events: EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR. May remove any watch, its own too. */
typedef void (*RpcWatchFunc)(unsigned events, gpointer opaque);

RpcPoll *rpcPollNew(GMainContext *context, GError **err);
void rpcPollFree(RpcPoll *poll);

/* Loop thread. */
RpcWatch *rpcPollAdd(RpcPoll *poll, int fd, unsigned events, RpcWatchFunc func, gpointer opaque);
/* Loop thread; @func is not called again. Before the descriptor is closed. NULL is fine. */
void rpcPollRemove(RpcPoll *poll, RpcWatch *watch);
/* Any thread, while the watch is known to be there. */
void rpcPollChange(RpcPoll *poll, RpcWatch *watch, unsigned events);
