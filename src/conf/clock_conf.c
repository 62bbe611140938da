/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clock_conf.c: <clock> and its timers */
#include "conf/guest_conf.h"

#include "util/mem_error.h"

#include <errno.h>

MEM_ENUM_IMPL(clockOffset, CLOCK_LAST, "utc", "localtime", "variable", "absolute");
MEM_ENUM_IMPL(timerName, TIMER_LAST, "rtc", "pit", "hpet", "kvmclock", "hypervclock", "tsc", "armvtimer");
MEM_ENUM_IMPL(tickPolicy, TICKPOLICY_LAST, NULL, "delay", "catchup", "merge", "discard");
MEM_ENUM_IMPL(timerTrack, TIMER_TRACK_LAST, NULL, "guest", "wall");

static gboolean parseSeconds(const char *text, gint64 *seconds)
{
    char *end = NULL;

    errno = 0;
    *seconds = g_ascii_strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0';
}

static gboolean refuseTimer(const xmlNode *node, const char *attr, GError **err)
{
    g_autofree char *name = memXmlAttr(node, "name");
    g_autofree char *value = memXmlAttr(node, attr);

    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "timer '%s' with %s '%s' is not supported", name, attr,
                value ? value : "");
    return FALSE;
}

/* What each timer may be asked for, so that nothing is taken and then not done. */
static gboolean timerAllowed(const TimerDef *timer, const xmlNode *node, GError **err)
{
    gboolean ticks = timer->tickpolicy != TICKPOLICY_NONE;

    switch (timer->name) {
    case TIMER_RTC:
        if (timer->tickpolicy == TICKPOLICY_MERGE || timer->tickpolicy == TICKPOLICY_DISCARD)
            return refuseTimer(node, "tickpolicy", err);
        break;
    case TIMER_PIT:
        if (timer->tickpolicy == TICKPOLICY_MERGE)
            return refuseTimer(node, "tickpolicy", err);
        break;
    case TIMER_ARMVTIMER:
        if (ticks && timer->tickpolicy != TICKPOLICY_DISCARD && timer->tickpolicy != TICKPOLICY_DELAY)
            return refuseTimer(node, "tickpolicy", err);
        break;
    case TIMER_HPET:
    case TIMER_KVMCLOCK:
    case TIMER_HYPERVCLOCK:
    case TIMER_TSC:
        if (ticks)
            return refuseTimer(node, "tickpolicy", err);
        break;
    case TIMER_LAST:
        break;
    }
    if (timer->track != TIMER_TRACK_NONE && timer->name != TIMER_RTC)
        return refuseTimer(node, "track", err);
    if (timer->frequencyHz && timer->name != TIMER_TSC)
        return refuseTimer(node, "frequency", err);
    return TRUE;
}

static gboolean parseTimer(const xmlNode *node, TimerDef *timer, GError **err)
{
    static const char *const attrs[] = { "name", "present", "tickpolicy", "track", "frequency", NULL };
    static const char *const children[] = { NULL };
    g_autofree char *nameText = memXmlAttr(node, "name");
    g_autofree char *trackText = memXmlAttr(node, "track");
    int name = 0, present = 0, tickpolicy = 0, track = 0;

    if (g_strcmp0(nameText, "platform") == 0)
        return refuseTimer(node, "name", err);
    if (g_strcmp0(trackText, "boot") == 0)
        return refuseTimer(node, "track", err);
    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlOnlyChildren(node, children, err) ||
        !memXmlAttrEnum(node, "name", TRUE, timerNameFromString, &name, err) ||
        !memXmlAttrYesNo(node, "present", &present, err) ||
        !memXmlAttrEnum(node, "tickpolicy", FALSE, tickPolicyFromString, &tickpolicy, err) ||
        !memXmlAttrEnum(node, "track", FALSE, timerTrackFromString, &track, err) ||
        !memXmlAttrUint64(node, "frequency", FALSE, &timer->frequencyHz, err))
        return FALSE;
    timer->name = (TimerName)name;
    timer->present = (MemTristate)present;
    timer->tickpolicy = (TickPolicy)tickpolicy;
    timer->track = (TimerTrack)track;
    return timerAllowed(timer, node, err);
}

static gboolean parseTimers(const xmlNode *clock, ClockDef *def, GError **err)
{
    gsize count = memXmlCountChildren(clock, "timer");

    def->timers = g_new0(TimerDef, count);
    for (const xmlNode *node = memXmlChild(clock, "timer"); node; node = memXmlNext(node, "timer")) {
        TimerDef timer = { 0 };

        if (!parseTimer(node, &timer, err))
            return FALSE;
        if (clockDefTimer(def, timer.name)) {
            memErrorSet(err, VIR_ERR_XML_ERROR, "timer '%s' is given twice", timerNameToString(timer.name));
            return FALSE;
        }
        def->timers[def->ntimers++] = timer;
    }
    return TRUE;
}

static gboolean parseAdjustment(const xmlNode *node, ClockDef *def, GError **err)
{
    g_autofree char *adjustment = memXmlAttr(node, "adjustment");
    g_autofree char *basis = memXmlAttr(node, "basis");

    if (basis && g_strcmp0(basis, "utc") != 0 && g_strcmp0(basis, "localtime") != 0) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "clock basis '%s' is not 'utc' or 'localtime'", basis);
        return FALSE;
    }
    def->basisLocaltime = g_strcmp0(basis, "localtime") == 0;
    if (!adjustment)
        return TRUE;
    if (g_strcmp0(adjustment, "reset") == 0 && def->offset != CLOCK_VARIABLE)
        return TRUE;
    if (!parseSeconds(adjustment, &def->adjustmentSeconds)) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "clock adjustment '%s' is not a number of seconds", adjustment);
        return FALSE;
    }
    def->hasAdjustment = TRUE;
    return TRUE;
}

gboolean clockDefParse(const xmlNode *node, ClockDef *def, GError **err)
{
    static const char *const attrs[] = { "offset", "adjustment", "basis", "start", NULL };
    static const char *const children[] = { "timer", NULL };
    g_autofree char *offsetText = memXmlAttr(node, "offset");
    int offset = offsetText ? clockOffsetFromString(offsetText) : CLOCK_UTC;

    if (offset < 0) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "clock offset '%s' is not supported: use 'utc', 'localtime', 'variable' or 'absolute'", offsetText);
        return FALSE;
    }
    def->offset = (ClockOffset)offset;
    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlOnlyChildren(node, children, err) ||
        !parseAdjustment(node, def, err))
        return FALSE;
    if (def->offset == CLOCK_ABSOLUTE && !memXmlHasAttr(node, "start")) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "clock offset 'absolute' has no attribute 'start'");
        return FALSE;
    }
    /* a fixed adjustment makes the clock a variable one that started there, as libvirt stores it */
    if (def->hasAdjustment && (def->offset == CLOCK_UTC || def->offset == CLOCK_LOCALTIME)) {
        def->basisLocaltime = def->offset == CLOCK_LOCALTIME;
        def->offset = CLOCK_VARIABLE;
    }
    return memXmlAttrUint64(node, "start", FALSE, &def->startSeconds, err) && parseTimers(node, def, err);
}

void clockDefFormat(MemXmlOut *out, const ClockDef *def)
{
    memXmlOutStart(out, "clock");
    memXmlOutAttr(out, "offset", clockOffsetToString(def->offset));
    if (def->offset == CLOCK_VARIABLE) {
        memXmlOutAttrf(out, "adjustment", "%" G_GINT64_FORMAT, def->adjustmentSeconds);
        memXmlOutAttr(out, "basis", def->basisLocaltime ? "localtime" : "utc");
    }
    if (def->offset == CLOCK_ABSOLUTE)
        memXmlOutAttrUint64(out, "start", def->startSeconds);
    for (gsize i = 0; i < def->ntimers; i++) {
        const TimerDef *timer = &def->timers[i];

        memXmlOutStart(out, "timer");
        memXmlOutAttr(out, "name", timerNameToString(timer->name));
        memXmlOutAttr(out, "present", memTristateBoolToString(timer->present));
        memXmlOutAttr(out, "tickpolicy", tickPolicyToString(timer->tickpolicy));
        memXmlOutAttr(out, "track", timerTrackToString(timer->track));
        if (timer->frequencyHz)
            memXmlOutAttrUint64(out, "frequency", timer->frequencyHz);
        memXmlOutEnd(out);
    }
    memXmlOutEnd(out);
}

const TimerDef *clockDefTimer(const ClockDef *def, TimerName name)
{
    for (gsize i = 0; i < def->ntimers; i++) {
        if (def->timers[i].name == name)
            return &def->timers[i];
    }
    return NULL;
}

void clockDefClear(ClockDef *def)
{
    g_clear_pointer(&def->timers, g_free);
    def->ntimers = 0;
}
