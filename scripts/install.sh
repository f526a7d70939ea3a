#!/usr/bin/env bash
# Installs Firstline as it is run, its hot modules compiled where there is a C compiler (docs/decisions/0012). Tests and the other
# commands of the Makefile use the sources as they are.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

sync=(scripts/uv.sh sync --locked --no-dev --inexact)

uncompiled() {
  say "$1, so Firstline runs uncompiled, at about half its speed"
  exec "${sync[@]}"
}

can_compile "$(scripts/uv.sh python find)" || uncompiled "no C compiler (apt-get install gcc python3-dev)"

"${sync[@]}" --no-install-project
sources=$(find pyproject.toml streams agents -type f ! -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c 1-16)
wheels=.cache/wheels/$sources
if [ -z "$(compgen -G "$wheels/*.whl")" ]; then
  say "compiling, which takes half a minute"
  rm -rf .cache/wheels
  scripts/compile.sh "$wheels" || uncompiled "compiling failed"
fi
scripts/uv.sh pip install --quiet --no-deps --reinstall "$wheels"/*.whl
