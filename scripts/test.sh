#!/usr/bin/env bash
# Installs what the tests need and runs them, with pytest's arguments; its closing line is the last that is printed. In CI the lint comes first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/uv.sh sync --locked --quiet
scripts/test-servers.sh
lint=0
if [ "${CI:-}" = true ]; then
  scripts/lint.sh || lint=1
fi
.venv/bin/pytest -r fEs "$@" || exit $?
exit "$lint"
