#!/usr/bin/env bash
# Installs what the tests need and runs them, with pytest's arguments; its closing line is the last that is printed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/uv.sh sync --locked --quiet
scripts/test-servers.sh
exec .venv/bin/pytest -r fEs "$@"
