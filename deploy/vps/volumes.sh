# shellcheck shell=bash
# What backup.sh and restore.sh share. To be sourced.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# A volume, and the service that must not write to it while it is copied. The others are copied as they are: log files only
# grow, and Caddy and setup write whole files and rename them.
# shellcheck disable=SC2034 # used by those who source this
volumes=(
  prometheus-data:prometheus
  alertmanager-data:alertmanager
  grafana-data:grafana
  watchdog-logs:watchdog
  config:
  api-logs:
  caddy-data:
)

say() { printf '%s: %s\n' "$(basename "$0")" "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }
need() { command -v "$1" >/dev/null || die "$1 is missing"; }
usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$1"; }

# find_project: the name of the Compose project.
find_project() {
  need docker
  project=$(docker compose config --no-interpolate --format json | sed -n '/^  "name": /{s/.*: "\(.*\)".*/\1/p;}') || true
  [ -n "$project" ] || die "docker compose cannot read $root/docker-compose.yml"
}

# exists VOLUME, running SERVICE
exists() { docker volume inspect "${project}_$1" >/dev/null 2>&1; }
running() { [ -n "$(docker compose ps -q --status running "$1" 2>/dev/null)" ]; }

# inside VOLUME ro|rw COMMAND...: runs it with the volume at /volume. It may read and hand out the files of all users, and
# nothing else.
inside() {
  local volume=$1 mode=$2
  shift 2
  docker run --rm -i --network none --read-only --user 0:0 --cap-drop ALL --cap-add DAC_OVERRIDE --cap-add CHOWN --cap-add FOWNER \
    --security-opt no-new-privileges --volume "${project}_$volume:/volume:$mode" busybox:1.37.0 "$@"
}
