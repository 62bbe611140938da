# SPDX-License-Identifier: LGPL-2.1-or-later
# Shorthands; the build itself is meson's. See README.md.

MAKEFLAGS += --no-print-directory
.PHONY: all check demo bench fuzz interop install soak clean

all:
	@scripts/configure build
	@meson compile -C build

check:
	@scripts/check

demo:
	@demo/demo

bench: all
	@scripts/install-deps interop
	@build/run bench/bench

fuzz:
	@scripts/install-deps fuzz
	@fuzz/run

interop: all
	@scripts/install-deps interop
	@build/run tests/interop/compare.py
	@build/run tests/interop/clients.py
	@build/run tests/interop/host.py
	@build/run tests/interop/operations.py

soak: all
	@scripts/install-deps interop
	@build/run tests/soak/soak.py

install: all
	@meson install -C build

clean:
	@rm -rf build build-asan build-fuzz
