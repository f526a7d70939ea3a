# Shared by the scripts beside it; to be sourced.
# shellcheck shell=bash

say() { printf '%s\n' "$*" >&2; }

# Root, directly or through a sudo that asks nothing? FIRSTLINE_NO_APT=1 says: leave the system alone.
can_apt() {
  [ -z "${FIRSTLINE_NO_APT:-}" ] && command -v apt-get >/dev/null || return 1
  [ "$(id -u)" -eq 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

# Installs Debian packages: asking nothing, starting no service (RUNLEVEL=1 where the init scripts decide), silent unless it fails.
apt_install() {
  local log apt=(env DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes RUNLEVEL=1 apt-get -qq -o DPkg::Lock::Timeout=120)
  log=$(mktemp)
  say "installing with apt-get: $*"
  as_root "${apt[@]}" update >"$log" 2>&1 || say "apt-get update failed; trying with the package lists at hand"
  if ! as_root "${apt[@]}" install --yes --no-install-recommends "$@" >>"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

# Are there a C compiler and the headers of the Python that is given?
can_compile() {
  command -v cc >/dev/null &&
    "$1" -c 'import pathlib, sys, sysconfig; sys.exit(not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists())'
}
