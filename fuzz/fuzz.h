/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz.h: the entry point that libFuzzer, and replay.c, call */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
