#!/usr/bin/env bash
# Style, types and shell scripts; every check runs, and one that fails fails the whole.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

scripts/uv.sh sync --locked --quiet || exit 1
status=0
.venv/bin/ruff check . || status=1
.venv/bin/ruff format --check . || status=1
.venv/bin/mypy || status=1
if [ "${CI:-}" = true ] && ! command -v shellcheck >/dev/null && can_apt; then
  apt_install shellcheck
fi
if command -v shellcheck >/dev/null; then
  shellcheck -x scripts/*.sh .ci/run || status=1
else
  say "shellcheck is missing, so the shell scripts are not checked: apt-get install shellcheck"
  [ "${CI:-}" != true ] || status=1
fi
exit "$status"
