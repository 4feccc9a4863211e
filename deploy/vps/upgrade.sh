#!/usr/bin/env bash
# Takes this checkout and the stack to another version, or back to the one before.
#
#   deploy/vps/upgrade.sh v0.2.0         a tag or a commit. --no-backup before it: make no backup first
#   deploy/vps/upgrade.sh --rollback     to what ran before the last upgrade
#
# Makes a backup, checks the version out, builds and pulls its images while the old version goes on running, starts it and
# waits until every service is healthy. When that fails, the old version is started again and the status is 1.
set -euo pipefail
self=$(realpath "$0")
cd "$(dirname "$self")/../.."
before=refs/upkeep/before
say() { printf 'upgrade.sh: %s\n' "$*"; }
die() { printf 'upgrade.sh: %s\n' "$*" >&2; exit 1; }

backup=1 rollback='' version=''
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$self"; exit 0 ;;
    --no-backup) backup='' ;;
    --rollback) rollback=1 ;;
    -*) die "unknown option $1, see --help" ;;
    *) version=$1 ;;
  esac
  shift
done
[ -n "$version$rollback" ] || die 'which version? see --help'
[ -z "$version" ] || [ -z "$rollback" ] || die '--rollback goes to the version before, and to no other'
# .env and backups/ are nobody's business of git; anything else that was changed by hand would be lost or in the way.
git diff --quiet HEAD -- || die 'files of the checkout were changed: commit them, or put them into docker-compose.override.yml and .env'

was=$(git rev-parse HEAD)
if [ -n "$rollback" ]; then
  wanted=$(git rev-parse --verify --quiet "$before^{commit}") || die 'there was no upgrade yet'
else
  git fetch --quiet --tags origin || say 'could not fetch: going on with what is here'
  wanted=$(git rev-parse --verify --quiet "$version^{commit}") || die "there is no version $version; git tag lists them"
fi
[ "$wanted" != "$was" ] || { say "this is $(git describe --tags --always) already"; exit 0; }

# pin COMMIT: .env names the version of the images only where it was copied with that line; it must follow then.
pin() {
  local images
  images=$(git show "$1:.env.example" | sed -n 's/^UPKEEP_VERSION=//p')
  [ ! -f .env ] || [ -z "$images" ] || sed -i "s/^UPKEEP_VERSION=.*/UPKEEP_VERSION=$images/" .env
}
# start COMMIT: the checkout and the stack are of this commit, and all is healthy.
start() {
  git checkout --quiet --detach "$1" && pin "$1" &&
    UPKEEP_REVISION=$(git rev-parse --short "$1") && export UPKEEP_REVISION &&
    docker compose pull --quiet --policy missing --ignore-buildable && docker compose build --quiet &&
    docker compose up -d --wait --wait-timeout 300 --remove-orphans
}

if [ -n "$backup" ]; then deploy/vps/backup.sh || die 'no backup, no upgrade; --no-backup does without'; fi
say "from $(git describe --tags --always "$was") to $(git describe --tags --always "$wanted")"
if start "$wanted"; then
  git update-ref "$before" "$was"
  say "done. Back: deploy/vps/upgrade.sh --rollback"
  exit 0
fi
say "the new version is not healthy; what it says: docker compose logs --tail 50"
docker compose logs --tail 20 2>&1 | tail -n 60 || true
start "$was" || die "neither is the old one ($was). Look at: docker compose ps, docker compose logs"
die "$(git describe --tags --always "$was") runs again. Where the new version has changed data: deploy/vps/restore.sh"
