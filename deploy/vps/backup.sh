#!/usr/bin/env bash
# Copies what the stack has on this machine into a folder: metrics, silences, dashboards' users and settings, the watchdog's
# events, incidents and restart history, passwords, certificates, and .env.
#
#   deploy/vps/backup.sh [FOLDER]      default: ./backups; a new folder named for the time is made in it
#
# Each service is stopped only while its own volume is copied, since a copy of open databases may be worthless; the API is
# never stopped. Ends with a status other than 0 when something is missing, and leaves no half backup behind.
set -euo pipefail
umask 077
. "$(dirname "$0")/volumes.sh"

case "${1:-}" in -h | --help) usage "$0"; exit 0 ;; -*) die "unknown option $1, see --help" ;; esac
target=$(realpath -m "${1:-$root/backups}")
cd "$root"
need gzip; need sha256sum; find_project
folder=$target/$(date -u +%Y%m%dT%H%M%SZ)
mkdir -p "$target"
mkdir "$folder.part" || die "$folder.part is there already: is another backup running?"

stopped=''
resume() {
  [ -z "$stopped" ] && return
  docker compose start "$stopped" >/dev/null 2>&1 || { say "could not start $stopped again: docker compose up -d"; return 1; }
  stopped=''
}
trap 'resume || true; rm -rf "$folder.part"' EXIT

copied=0
for entry in "${volumes[@]}"; do
  volume=${entry%%:*} service=${entry#*:}
  exists "$volume" || continue
  away='' began=$SECONDS
  if [ -n "$service" ] && running "$service"; then
    stopped=$service
    docker compose stop "$service" >/dev/null 2>&1 || die "could not stop $service"
  fi
  inside "$volume" ro sh -c 'tar -C /volume -cf - .' | gzip -1 >"$folder.part/$volume.tar.gz" || die "could not copy the volume $volume"
  if [ -n "$stopped" ]; then
    resume
    away=", $service was away for $((SECONDS - began)) s"
  fi
  copied=$((copied + 1))
  say "$volume: $(du -h "$folder.part/$volume.tar.gz" | cut -f1)$away"
done
[ "$copied" -gt 0 ] || die "no volume of the project $project is on this machine: was it ever started?"

[ ! -f .env ] || cp .env "$folder.part/env"
{ git rev-parse HEAD 2>/dev/null || echo unknown; docker compose config --images | sort -u; } >"$folder.part/versions"
(cd "$folder.part" && sha256sum -- * >SHA256SUMS)
mv "$folder.part" "$folder"
trap - EXIT
say "done: $folder ($(du -sh "$folder" | cut -f1)). It holds passwords: keep a copy on another machine, encrypted."
