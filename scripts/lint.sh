#!/usr/bin/env bash
# Style, types and shell scripts; every check runs, and one that fails fails the whole.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

scripts/uv.sh sync --locked --quiet || exit 1
status=0
.venv/bin/ruff check . || status=1
.venv/bin/ruff format --check . || status=1
.venv/bin/mypy || status=1
if command -v shellcheck >/dev/null; then
  shellcheck -x scripts/*.sh .ci/run || status=1
else
  echo "shellcheck is missing, so shell scripts are not checked: apt-get install shellcheck"
fi
exit "$status"
