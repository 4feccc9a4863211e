#!/usr/bin/env bash
# Renders Alertmanager's configuration with `setup` for every kind of receiver and lets amtool of the pinned image check it.
# usage: check-receivers.sh ALERTMANAGER_IMAGE
set -euo pipefail
cd "$(dirname "$0")/../.."
alertmanager=$1
export UPKEEP_VERSION=e2e UPKEEP_REVISION= # not the images of a stack that runs here
docker compose build --quiet setup >/dev/null
volume=upkeep-check-receivers-$$
image=ghcr.io/upkeephq/upkeep-setup:$UPKEEP_VERSION
trap 'docker volume rm -f "$volume" >/dev/null; docker image rm --no-prune "$image" >/dev/null 2>&1 || true' EXIT # the layers stay, as a cache

slack=ALERT_SLACK_WEBHOOK_URL=https://hooks.slack.com/services/T0/B0/X webhook=ALERT_WEBHOOK_URL=http://127.0.0.1:9/alerts
for settings in 'NOBODY=' "$slack" "$webhook" "$slack $webhook ALERT_SLACK_CHANNEL=#ops"; do
  environment=()
  for pair in $settings; do environment+=(-e "$pair"); done
  docker volume create "$volume" >/dev/null
  docker run --rm --network none --user 0:0 --cap-drop ALL --cap-add CHOWN --read-only -e CONFIG_DIR=/config -e TEMPLATES_DIR=/templates \
    "${environment[@]}" -v "$volume:/config" -v "$PWD/deploy/alertmanager:/templates:ro" "$image" >/dev/null 2>&1 ||
    { echo "setup fails with: $settings"; exit 1; }
  docker run --rm --network none -v "$volume:/config:ro" --entrypoint amtool "$alertmanager" check-config /config/alertmanager/alertmanager.yml
  docker volume rm -f "$volume" >/dev/null
done
