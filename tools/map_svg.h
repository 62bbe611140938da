/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* map_svg.h: a guest's memory as a picture that a browser shows */
#pragma once

#include "map_model.h"

/* A whole SVG document. @subtitle is below the title. Caller frees. */
char *mapSvg(Map *map, const char *subtitle);
