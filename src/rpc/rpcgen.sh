#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# rpcgen.sh: run rpcgen where its include line comes out without a folder and old output does not stop it
# usage: rpcgen.sh -h|-c INPUT.x OUTPUT
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$2" "$work/$(basename "$2")"
output=$(realpath -m "$3")
cd "$work"
rpcgen "$1" -o out "$(basename "$2")"
mv out "$output"
