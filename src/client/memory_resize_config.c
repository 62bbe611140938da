/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_resize_config.c: plans for what a guest starts with next time, done: libvirt changes its definition at once */
#include "client/memory_resize_config.h"

#include <libvirt/virterror.h>

#include "client/memory_error.h"
#include "client/memory_plan_priv.h"

static int callStep(virDomainPtr dom, const virMemStep *step, gboolean undo)
{
    const virMemDevice device = {.xml = step->xml};
    g_autofree char *before = NULL;

    switch ((virMemStepKind) step->kind) {
    case VIR_MEM_STEP_VIRTIO_MEM:
        before = undo ? planVirtioMemXml(&device, step->fromKib) : NULL;
        return virDomainUpdateDeviceFlags(dom, undo ? before : step->xml, VIR_DOMAIN_AFFECT_CONFIG);
    case VIR_MEM_STEP_PLUG_DIMM:
    case VIR_MEM_STEP_UNPLUG_DIMM:
        if ((step->kind == VIR_MEM_STEP_PLUG_DIMM) == undo)
            return virDomainDetachDeviceFlags(dom, step->xml, VIR_DOMAIN_AFFECT_CONFIG);
        return virDomainAttachDeviceFlags(dom, step->xml, VIR_DOMAIN_AFFECT_CONFIG);
    case VIR_MEM_STEP_BALLOON:
        return virDomainSetMemoryFlags(dom, undo ? step->fromKib : step->toKib, VIR_DOMAIN_AFFECT_CONFIG);
    }
    return -1;
}

/* What the definition comes to after @done steps. */
static guint64 afterSteps(const virMemPlan *plan, size_t done)
{
    return done ? plan->steps[done - 1]->totalKib : plan->fromKib;
}

static gboolean declined(const virMemPlan *plan, const virMemRunOptions *options, size_t step, gboolean undoing)
{
    virMemProgress progress = {
        .fromKib = plan->fromKib, .nowKib = afterSteps(plan, step), .targetKib = undoing ? plan->fromKib : plan->reachesKib,
        .step = step, .nsteps = plan->nsteps, .running = plan->steps[step], .undoing = undoing,
    };

    return (options->progress && options->progress(&progress, options->opaque) != 0) || virMemCancelled(options->cancel);
}

/* Takes back the first @done steps, the last first; TRUE if all went back. */
static gboolean rollBack(virDomainPtr dom, const virMemPlan *plan, const virMemRunOptions *options, size_t done)
{
    gboolean complete = TRUE;

    for (size_t i = done; i-- > 0;) {
        declined(plan, options, i, TRUE);
        complete = callStep(dom, plan->steps[i], TRUE) == 0 && complete;
    }
    return complete;
}

static int runSteps(virDomainPtr dom, const virMemPlan *plan, const virMemRunOptions *options, virMemResult *result)
{
    virMemError error;

    for (size_t i = 0; i < plan->nsteps; i++) {
        if (declined(plan, options, i, FALSE)) {
            result->text = g_strdup_printf("cancelled after %zu of %zu changes", i, plan->nsteps);
            return VIR_MEM_DIAGNOSIS_CANCELLED;
        }
        if (callStep(dom, plan->steps[i], FALSE) < 0) {
            int code = memoryErrorFromDomain(&error, dom);
            result->libvirtCode = error.libvirtCode;
            result->alias = g_strdup(plan->steps[i]->alias);
            result->text = g_strdup_printf("libvirt refused to %s: %s", plan->steps[i]->text, error.message);
            return code == VIR_MEM_ERR_LOST ? VIR_MEM_DIAGNOSIS_LOST : VIR_MEM_DIAGNOSIS_REFUSED;
        }
        result->stepsDone++;
    }
    return VIR_MEM_DIAGNOSIS_NONE;
}

int memoryResizeConfig(virDomainPtr dom, const virMemPlan *plan, const virMemRunOptions *options, virMemResult **result,
                       virMemError *err)
{
    static const virMemRunOptions none;
    virMemResult *made = g_new0(virMemResult, 1);
    gint64 began = g_get_monotonic_time();
    int code = VIR_MEM_OK;

    options = options ? options : &none;
    made->fromKib = plan->fromKib;
    made->askedKib = plan->askedKib;
    made->diagnosis = runSteps(dom, plan, options, made);
    made->reachedKib = afterSteps(plan, made->stepsDone);
    if (made->diagnosis == VIR_MEM_DIAGNOSIS_LOST) {
        made->reachedKib = VIR_MEM_UNKNOWN;
    } else if (made->diagnosis != VIR_MEM_DIAGNOSIS_NONE && options->onFailure == VIR_MEM_ON_FAILURE_ROLLBACK) {
        made->rolledBack = rollBack(dom, plan, options, made->stepsDone) ? 1 : -1;
        made->reachedKib = made->rolledBack > 0 ? plan->fromKib : made->reachedKib;
    }
    if (made->diagnosis != VIR_MEM_DIAGNOSIS_NONE) {
        made->shortKib = MAX(made->askedKib, made->reachedKib) - MIN(made->askedKib, made->reachedKib);
        code = memoryErrorSet(err, made->diagnosis == VIR_MEM_DIAGNOSIS_LOST ? VIR_MEM_ERR_LOST : VIR_MEM_ERR_INCOMPLETE, "%s",
                              made->text);
        if (err)
            err->libvirtCode = made->libvirtCode;
    }
    made->elapsedMs = (guint64) (g_get_monotonic_time() - began) / 1000;
    if (result)
        *result = made;
    else
        virMemResultFree(made);
    return code;
}
