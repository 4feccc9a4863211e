#!/usr/bin/env bash
# start-watchdog.sh as on a server: WORKERS=4, all addresses, ENVIRONMENT=production, JSON logs. What the environment or .env says comes
# first. To have it start at boot, let systemd do it: deploy/vps/README.md.
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/start-watchdog.sh" --production "$@"
