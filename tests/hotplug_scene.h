/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hotplug_scene.h: a driver with one running domain whose QEMU is a QemuModel: changes of its memory, and what they left */
#pragma once

#include "qemu/qemu_domain.h"
#include "qemu/qemu_driver_priv.h"
#include "qemumodel.h"

/* The driver is the real one, in a folder of its own, and so is the monitor; the process is one that sleeps. */
typedef struct {
    char *folder;
    QemuDriver *driver;
    QemuDomain *dom;
    QemuModel *model;
    QemuCaps *caps;
    char *configBefore, *liveBefore;    /* what they have of memory */
    GMutex lock;
    GCond changed;
    GString *events;                    /* under lock: one a line */
} HotplugScene;

/* Once per program, before the first scene and after the last. */
void hotplugSceneSetUp(void);
void hotplugSceneTearDown(void);

/* @xml: of a domain, defined and started. */
HotplugScene *hotplugSceneNew(const char *xml);
/* Checks that the model found nothing wrong. */
/* As after a start by this daemon: the balloon is whole, and has said nothing since. */
void hotplugSceneKnowBalloon(HotplugScene *scene);
void hotplugSceneFree(HotplugScene *scene);

/* Do "attach", "detach", "detach-alias", "update", "setmem", "setmaxmem", "period", "stats" or "messages". @argument: the device's XML,
 * its alias, or a number; @flags: VIR_DOMAIN_AFFECT_*. *@text (may be NULL) is what a query answers; caller frees. */
gboolean hotplugSceneDo(HotplugScene *scene, const char *action, const char *argument, unsigned flags, char **text, GError **err);

/* Wait, the test fails when it takes too long: for an event, until nothing is open any more, until the domain is off. */
void hotplugSceneWaitEvent(HotplugScene *scene, const char *event);
void hotplugSceneWaitSettled(HotplugScene *scene);
void hotplugSceneWaitOff(HotplugScene *scene);

/* What the definition says of memory: totals and devices. Caller frees. */
char *hotplugSceneMemory(HotplugScene *scene, gboolean live);
char *hotplugSceneEvents(HotplugScene *scene);
/* @text without the scene's folder. Caller frees. */
char *hotplugSceneClean(HotplugScene *scene, const char *text);
/* The live definition, the status file and QEMU agree, and nothing is left that belongs to no device. */
void hotplugSceneCheck(HotplugScene *scene);
