#!/usr/bin/env bash
# Breaks the API on purpose and tells what the stack does about it, as it happens. Nothing here is canned: the lines marked
# "watchdog" are the watchdog's own, the times are measured. Starts the stack where it does not run, and leaves it running.
set -euo pipefail
cd "$(dirname "$0")/.."
compose() { docker compose "$@"; }
services=(guard api watchdog prometheus alertmanager) # all that takes part; dashboards are for looking on

bold='' plain=''
if [ -t 1 ]; then bold=$(tput bold 2>/dev/null || true) plain=$(tput sgr0 2>/dev/null || true); fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f", b - a }'; }
need() { command -v "$1" >/dev/null || { echo "demo: $1 is missing" >&2; exit 1; }; }
# await SECONDS COMMAND...: until the command succeeds
await() {
  local until=$((SECONDS + $1)); shift
  until "$@"; do
    ((SECONDS < until)) || { echo "demo: waited in vain for: $*" >&2; exit 1; }
    sleep 0.1
  done
}
need docker; need curl; need awk

say 'Is the stack up? (the first time, its images are built: a few minutes)'
compose up -d --wait "${services[@]}" >/dev/null 2>&1 || compose up -d --build --wait "${services[@]}"
began=$SECONDS
url=http://$(compose port api 8000)
prometheus=http://$(compose port prometheus 9090)
alertmanager=http://$(compose port alertmanager 9093)
container=$(compose ps -q api)
ready() { curl -fsS -m 0.3 -o /dev/null "$url/health/ready" 2>/dev/null; }
exited() { [ "$(docker inspect -f '{{.State.Status}}' "$container")" = exited ]; }
pid() { docker inspect -f '{{.State.Pid}}' "$container"; }
await 60 ready
compose exec -T watchdog watchdog status </dev/null

# tell: what the watchdog has written down since it was asked last, in its own words
told=''
events() { compose exec -T watchdog watchdog events -n 200 </dev/null; }
tell() {
  local all; all=$(events)
  last=$told awk 'found { sub(/^[^T]*T/, ""); print "  watchdog | " $0 } $0 == ENVIRON["last"] { found = 1 }' <<<"$all"
  told=$(tail -n 1 <<<"$all")
}
told=$(events | tail -n 1)

# crash: kill -9 of the main process from outside, which is what a bug or the kernel does. Not `docker kill`: that is a
# person's will, and is respected.
crash() {
  local victim; victim=$(pid)
  kill -9 "$victim" 2>/dev/null || docker run --rm --pid=host --network=none --user=0 busybox:1.37.0 sh -c "kill -9 $victim"
  local at; at=$(now)
  await 5 other "$victim"
  local ready_after='' asked=$SECONDS
  while [ -z "$ready_after" ]; do
    if ready; then ready_after=$(since "$at"); elif ((SECONDS - asked >= 2)); then tell; asked=$SECONDS; fi
    ((SECONDS - began < 110)) || { echo 'demo: it does not come back' >&2; exit 1; }
    sleep 0.05
  done
  sleep 0.5 # for the watchdog to have seen it too
  tell
  echo "  ready again after $ready_after s"
}
other() { [ "$(pid)" != "$1" ]; }

say '1. The API crashes: its main process gets kill -9.'
crash

say '2. It crashes again at once: now the watchdog waits a little longer each time, instead of burning its budget.'
crash

say '3. You stop it yourself: docker stop. The watchdog leaves it alone.'
docker stop -t 10 "$container" >/dev/null
await 20 exited
sleep 5
tell
exited && echo '  five seconds later it is still stopped, as you wanted'
docker start "$container" >/dev/null
await 30 ready
sleep 0.5
tell
echo '  you started it: it is back'

say '4. What is left of it: incidents, a metric, a notification.'
compose exec -T watchdog watchdog incidents </dev/null | sed -n 1,4p
query='sum by (target, reason) (watchdog_restarts_total) > 0'
counted() { curl -fsS -m 2 -G --data-urlencode "query=$query" "$prometheus/api/v1/query" | grep -o '"reason":"[^"]*","target":"[^"]*"},"value":\[[^]]*\]'; }
await 30 counted >/dev/null
printf '  Prometheus   | %s\n' "$(counted)"
alerts() { curl -fsS -m 2 "$alertmanager/api/v2/alerts?filter=alertname%3DTargetRestarted" | grep -o '"summary":"[^"]*"'; }
await 60 alerts >/dev/null
printf '  Alertmanager | %s\n' "$(alerts)"
compose logs --no-color --no-log-prefix setup 2>/dev/null | grep -iE 'told' | tail -n 1 | sed -E 's/.*"msg":"([^"]*)".*/\1/; s/^/  setup        | /' || true

say "That was $((SECONDS - began)) seconds. To look on: $(compose port grafana 3000 2>/dev/null | sed 's,^,Grafana http://,' || echo 'Grafana does not run'), the watchdog http://$(compose port watchdog 9095)/status"
