#!/usr/bin/env bash
# uv, with the given arguments; installs it into .cache/ first where it is missing. Nothing outside this folder is touched,
# but for Debian's python3-venv where Python has neither pip nor venv and apt-get may be used.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

export UV_PROJECT_ENVIRONMENT=.venv PIP_ROOT_USER_ACTION=ignore
venv=.cache/uv-venv
target=.cache/uv

find_uv() {
  local candidate
  for candidate in "$(command -v uv || true)" "$HOME/.local/bin/uv" "$venv/bin/uv" "$target/bin/uv"; do
    if [ -n "$candidate" ] && "$candidate" --version >/dev/null 2>&1; then
      printf '%s' "$candidate"
      return
    fi
  done
  return 1
}

# A private venv, since Debian's Python refuses to be installed into (PEP 668).
with_venv() {
  rm -rf "$venv"
  python3 -m venv "$venv" >/dev/null 2>&1 && "$venv/bin/python" -m pip install --quiet --disable-pip-version-check uv
}

# pip without venv: a folder of its own is no installation that Debian would have to manage.
with_pip() {
  python3 -m pip --version >/dev/null 2>&1 && python3 -m pip install --quiet --disable-pip-version-check --upgrade --target "$target" uv
}

with_apt() {
  can_apt && apt_install python3-venv && with_venv
}

install_uv() {
  if ! command -v python3 >/dev/null; then
    say "error: python3 is missing; install Python 3.11 or later: apt-get install python3 python3-venv"
    exit 1
  fi
  say "uv is missing; installing it into .cache/"
  if with_venv || with_pip || with_apt; then
    return
  fi
  say "error: uv could not be installed: Python has neither a working venv nor pip, or the package index cannot be reached."
  say "Do one of these, then try again:"
  say "  apt-get install python3-venv        (as root)"
  say "  https://docs.astral.sh/uv/          (uv's own installer)"
  exit 1
}

uv=$(find_uv) || { install_uv; uv=$(find_uv); }
exec "$uv" "$@"
