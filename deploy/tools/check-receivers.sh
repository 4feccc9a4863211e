#!/usr/bin/env bash
# Renders Alertmanager's configuration with `setup`, without receivers and with all of them, and lets the programs of the
# pinned image say whether they would take it, who would be told of each alert of prometheus/rules, and who can read the secrets.
# usage: check-receivers.sh ALERTMANAGER_IMAGE
set -euo pipefail
cd "$(dirname "$0")/../.."
alertmanager=$1
export UPKEEP_VERSION=check-receivers UPKEEP_REVISION= # not the images of a stack that runs here
docker compose build --quiet setup >/dev/null
volume=upkeep-check-receivers-$$
image=ghcr.io/upkeephq/upkeep-setup:$UPKEEP_VERSION
log=$(mktemp)
trap 'rm -f "$log"; docker volume rm -f "$volume" >/dev/null; docker image rm --no-prune "$image" >/dev/null 2>&1 || true' EXIT # the layers stay, as a cache
docker volume create "$volume" >/dev/null

# setup FOLDER NAME=VALUE... renders into a folder of the volume, as Compose runs it.
setup() {
  local folder=$1 environment=()
  shift
  for pair; do environment+=(-e "$pair"); done
  docker run --rm --network none --user 0:0 --cap-drop ALL --cap-add CHOWN --read-only -e CONFIG_DIR="/config/$folder" -e TEMPLATES_DIR=/templates \
    "${environment[@]}" -v "$volume:/config" -v "$PWD/deploy/alertmanager:/templates:ro" "$image" 2>&1 >"$log" || { echo "setup fails for $folder:"; cat "$log"; exit 1; }
}

every=(
  ALERT_SLACK_WEBHOOK_URL=https://hooks.slack.com/services/T0/B0/hush 'ALERT_SLACK_CHANNEL=#ops'
  ALERT_TELEGRAM_BOT_TOKEN=123456:hush ALERT_TELEGRAM_CHAT_ID=-1001234567890
  ALERT_DISCORD_WEBHOOK_URL=https://discord.com/api/webhooks/1/hush
  'ALERT_EMAIL_TO=Ann <ann@example.com>, ops@example.com' ALERT_EMAIL_FROM=upkeep@example.com ALERT_EMAIL_SMARTHOST=smtp.example.com:587
  ALERT_EMAIL_USERNAME=ann "ALERT_EMAIL_PASSWORD=hush \$'\"\\"
  ALERT_PAGERDUTY_ROUTING_KEY=hush0123456789 ALERT_MSTEAMS_WEBHOOK_URL=https://example.com/hush
  ALERT_NTFY_URL=https://ntfy.sh/hush ALERT_NTFY_TOKEN=tk_hush ALERT_WEBHOOK_URL=http://127.0.0.1:9/hush
  ALERT_DEADMANSSWITCH_URL=https://hc-ping.com/hush ALERT_QUIET_HOURS=22:00-07:00 ALERT_QUIET_DAYS=saturday,sunday
)
setup none NOBODY=
setup every "${every[@]}"
setup zone "${every[@]}" ALERT_TIMEZONE=Europe/Berlin

# Who is told of what: the receivers, then the labels. Of the rules, each alert with its severity.
all=slack,telegram,discord,email,pagerduty,msteams,ntfy,webhook
once=slack-once,telegram-once,discord-once,email-once,msteams-once,ntfy-once,webhook-once
routes() {
  awk -v all=$all -v once=$once '
    BEGIN { to["critical"] = to["warning"] = all; to["info"] = once; to["none"] = "nobody" }
    $1 == "-" && $2 == "alert:" { name = $3 }
    $1 == "severity:" { print (name == "Watchdog" ? "deadmansswitch" : to[$2] ? to[$2] : "an unknown severity:"), "alertname=" name, "severity=" $2, "job=api", "target=upkeep-api-1" }
  ' prometheus/rules/*.yml
  cat <<CASES
$all alertname=MyOwn severity=critical
$all alertname=MyOwn severity=warning
$all alertname=MyOwn severity=page
$all alertname=MyOwn
$once alertname=MyOwn severity=info
nobody alertname=MyOwn severity=none
deadmansswitch alertname=Watchdog severity=none
deadmansswitch alertname=Watchdog severity=critical
$all alertname=TestNotification severity=critical run=1
CASES
}
routes | docker run --rm -i --network none -v "$volume:/config:ro" --entrypoint sh "$alertmanager" -euc '
  amtool check-config /config/none/alertmanager/alertmanager.yml /config/every/alertmanager/alertmanager.yml
  if [ -d /usr/share/zoneinfo ]; then amtool check-config /config/zone/alertmanager/alertmanager.yml
  else echo "*** NOT CHECKED: this image has no time zones, so ALERT_TIMEZONE was not tried ***"; fi
  cases=0
  while read -r receivers labels; do
    amtool config routes test --config.file=/config/every/alertmanager/alertmanager.yml --verify.receivers="$receivers" $labels >/tmp/said 2>&1 ||
      { echo "routes: $labels: want $receivers"; cat /tmp/said; exit 1; }
    amtool config routes test --config.file=/config/none/alertmanager/alertmanager.yml --verify.receivers=nobody $labels >/tmp/said 2>&1 ||
      { echo "routes without receivers: $labels: want nobody"; cat /tmp/said; exit 1; }
    cases=$((cases + 1))
  done
  [ $cases -gt 9 ] || { echo "no alert was found in prometheus/rules"; exit 1; }
  for secret in /config/every/alertmanager/secrets/* /config/every/alertmanager/templates/zz-ntfy-topic.tmpl; do
    cat "$secret" | grep -q . || { echo "Alertmanager cannot read $secret"; exit 1; }
  done
  echo "$cases alerts go where they should"
'
# The other services that have the volume, as they run: the watchdog, and Grafana with its group 0.
for user in 65532:65532 472:0; do
  docker run --rm --network none --user $user -v "$volume:/config:ro" --entrypoint sh "$alertmanager" -euc '
    for file in $(find /config/every -type f); do
      if cat "$file" 2>/dev/null | grep -q hush; then echo "user '$user' can read a secret in $file"; exit 1; fi
    done'
done
echo 'nobody but Alertmanager can read the secrets'
