#!/usr/bin/env bash
# The servers that tests run against: Redis, promtool and Chromium from Debian where that is possible, in CI also Java, Maven, a compiler, and Go,
# which builds Toxiproxy into .cache/.
# What stays missing is named; its tests skip with a reason, in CI (CI=true) they fail.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

# program, Debian package, and the services that the package would start by itself
wanted=("redis-server redis-server redis-server" "promtool prometheus prometheus prometheus-node-exporter" "chromium chromium")
kafka=("java default-jre-headless" "mvn maven")
compiler=("cc gcc")
go=()
[ -n "$(compgen -G '.cache/toxiproxy/*/server')" ] || go=("go golang-go")

missing() {
  local entry
  for entry in "$@"; do
    command -v "${entry%% *}" >/dev/null || printf '%s\n' "$entry"
  done
}

stop_services() {
  local service
  [ -d /run/systemd/system ] || return 0
  for service in "$@"; do
    as_root systemctl disable --now --quiet "$service" 2>/dev/null || true
  done
}

if [ "${CI:-}" = true ]; then
  wanted+=("${kafka[@]}" "${compiler[@]}" "${go[@]}")
fi
mapfile -t lacking < <(missing "${wanted[@]}")
if [ "${#lacking[@]}" -gt 0 ] && can_apt; then
  packages=() services=()
  for entry in "${lacking[@]}"; do
    read -r _ package starts <<<"$entry"
    packages+=("$package")
    read -r -a started <<<"$starts"
    services+=("${started[@]}")
  done
  apt_install "${packages[@]}" || say "apt-get could not install all of: ${packages[*]}"
  stop_services "${services[@]}"
fi

while read -r program package _; do
  [ -z "$program" ] || say "$program is missing, so its tests cannot run: apt-get install $package"
done < <(missing "${wanted[@]}" "${kafka[@]}" "${compiler[@]}" "${go[@]}" | sort -u)

if ! can_compile .venv/bin/python; then
  if [ "${CI:-}" != true ] || ! can_apt || ! apt_install python3-dev; then
    say "Python's headers are missing, so the test of the compiled program cannot run: apt-get install python3-dev"
  fi
fi
