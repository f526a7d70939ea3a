#!/usr/bin/env bash
# Installs what the chaos suite needs and runs it, with the arguments of tests/chaos/run.py.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/uv.sh sync --locked --quiet
scripts/test-servers.sh
exec .venv/bin/python -m tests.chaos.run "$@"
