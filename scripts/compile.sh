#!/usr/bin/env bash
# Builds the wheel with the hot modules compiled into the folder that is given, from a copy of the sources: mypyc puts what it makes
# beside them, where it would be run instead of them. What is said is shown only if it fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

to=$(realpath -m "$1")
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r pyproject.toml README.md LICENSE streams agents "$copy"
HATCH_BUILD_HOOK_ENABLE_MYPYC=true scripts/uv.sh build --wheel --out-dir "$to" "$copy" >"$copy/log" 2>&1 || { cat "$copy/log" >&2; exit 1; }
