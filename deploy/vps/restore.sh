#!/usr/bin/env bash
# Puts a backup of backup.sh back, in place of what the stack has now.
#
#   deploy/vps/restore.sh [--yes] [--only VOLUME] FOLDER      --yes: do not ask. --only: one volume, e.g. grafana-data
#
# Checks the backup before it touches anything. Stops the stack meanwhile, and starts it again if it ran. .env is not
# replaced; the backup's is in FOLDER/env.
set -euo pipefail
. "$(dirname "$0")/volumes.sh"

yes='' only='' backup=''
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage "$0"; exit 0 ;;
    --yes) yes=1 ;;
    --only) only=${2:?--only wants the name of a volume}; shift ;;
    -*) die "unknown option $1, see --help" ;;
    *) [ -z "$backup" ] || die "one folder, not two: $backup and $1"; backup=$1 ;;
  esac
  shift
done
[ -n "$backup" ] || { usage "$0" >&2; exit 2; }
need gzip; need sha256sum
backup=$(realpath -e "$backup") || die "no such folder"
(cd "$backup" && sha256sum --check --quiet --strict SHA256SUMS) || die "$backup is damaged or no backup; nothing was touched"
cd "$root"
find_project

chosen=()
for entry in "${volumes[@]}"; do
  volume=${entry%%:*}
  [ -z "$only" ] || [ "$only" = "$volume" ] || continue
  [ ! -f "$backup/$volume.tar.gz" ] || chosen+=("$volume")
done
[ ${#chosen[@]} -gt 0 ] || die "$backup holds nothing to restore${only:+ for $only}"
for volume in "${chosen[@]}"; do gzip -t "$backup/$volume.tar.gz" || die "$volume.tar.gz is damaged; nothing was touched"; done
if ! docker compose config --images | sort -u | diff -q <(tail -n +2 "$backup/versions") - >/dev/null; then
  say "the backup was made with other versions than those of this checkout ($(head -n 1 "$backup/versions")):"
  docker compose config --images | sort -u | diff <(tail -n +2 "$backup/versions") - | sed 's/^/  /' || true
  say 'a newer Grafana or Prometheus reads older data; an older one may not read newer data.'
fi
if [ -z "$yes" ]; then
  printf 'The contents of %s in the project %s are replaced by %s. Go on? [y/N] ' "${chosen[*]}" "$project" "$backup"
  read -r answer || true
  [ "${answer:-}" = y ] || die 'nothing was touched'
fi

ran=$(docker compose ps --services --status running)
docker compose stop >/dev/null 2>&1 || die 'could not stop the stack'
for volume in "${chosen[@]}"; do
  # On a new machine: with the labels by which Compose knows its own.
  exists "$volume" || docker volume create --label com.docker.compose.project="$project" --label com.docker.compose.volume="$volume" \
    "${project}_$volume" >/dev/null || die "could not make the volume $volume"
  # shellcheck disable=SC2016 # for the shell in the container
  gzip -dc "$backup/$volume.tar.gz" | inside "$volume" rw sh -c 'cd /volume && rm -rf ./* ./.[!.]* ./..?* && tar -xf -' ||
    die "$volume is only partly restored, and the stack is stopped: run this again"
  say "$volume is restored"
done
if [ -n "$ran" ]; then
  # shellcheck disable=SC2086 # names of services, one a word
  docker compose up -d --wait $ran >/dev/null 2>&1 || die 'restored, but the stack is not healthy: docker compose ps'
  say 'the stack is up again'
else
  say 'the stack did not run, so it was not started: docker compose up -d --wait'
fi
