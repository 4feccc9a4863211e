#!/usr/bin/env bash
# Runs the API under the watchdog on this machine, without Docker: builds both where their code has changed, looks whether they can
# run here, and becomes the watchdog. It works with the bash of macOS, 3.2.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

usage() {
  cat <<'TEXT'
Usage: deploy/start-watchdog.sh [OPTION...] [-- COMMAND...]

Builds the watchdog and the API where that is needed, and runs the API under the watchdog until Ctrl-C. With a COMMAND it runs
that instead of the API.

  --production   as on a server: all addresses, ENVIRONMENT=production, WORKERS=4, JSON logs; what start-production.sh does
  --no-build     take the programs in bin/ as they are
  --help         print this, and the options of watchdog run once it is built

All other options are those of watchdog run: --workers 2, --port 8080, --max-memory 512MiB. They come first, then the environment,
then .env in this repository, then the defaults: this machine only, ENVIRONMENT=development, port 8000, logs in logs/, the
watchdog's own page on http://127.0.0.1:9095. Ctrl-C stops all in order; kill -HUP replaces the workers one by one.
TEXT
}

die() {
  printf 'start-watchdog: %s\n' "$*" >&2
  exit 1
}

build=yes production=no options=() command=()
while (($#)); do
  case $1 in
    -h | --help)
      usage
      if [ -x "$root/bin/watchdog" ]; then echo && "$root/bin/watchdog" run --help; fi
      exit 0
      ;;
    --production) production=yes ;;
    --no-build) build=no ;;
    --)
      shift
      command=("$@")
      break
      ;;
    --*=*) options+=("$1") ;;
    --*)
      (($# > 1)) || die "$1 has no value; try --help"
      options+=("$1" "$2")
      shift
      ;;
    *) die "$1 is not understood; a command comes after --, try --help" ;;
  esac
  shift
done

# load_env FILE: its NAME=value lines, as Compose reads them: the last of a name counts. What is set already stays.
load_env() {
  local line name value given double='^"([^"]*)"' single="^'([^']*)'"
  given=" $(compgen -e | tr '\n' ' ')"
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line%$'\r'}
    [[ $line =~ ^[[:space:]]*(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$ ]] || continue
    name=${BASH_REMATCH[2]} value=${BASH_REMATCH[3]}
    if [[ $value =~ $double || $value =~ $single ]]; then
      value=${BASH_REMATCH[1]} # what follows is a comment
    else
      value=${value%%[[:space:]]#*} && value=${value%"${value##*[![:space:]]}"}
    fi
    [[ $given == *" $name "* ]] || export "$name=$value"
  done <"$1"
}
if [ -f "$root/.env" ]; then load_env "$root/.env"; fi

export LOG_DIR=${LOG_DIR:-$root/logs} WATCHDOG_LISTEN=${WATCHDOG_LISTEN:-127.0.0.1:9095}
if [ "$production" = yes ]; then
  export ENVIRONMENT=${ENVIRONMENT:-production} WORKERS=${WORKERS:-4} JSON_LOGS=${JSON_LOGS:-true}
else
  export ENVIRONMENT=${ENVIRONMENT:-development} LISTEN_HOST=${LISTEN_HOST:-127.0.0.1} JSON_LOGS=${JSON_LOGS:-false}
fi

# at_least A B: whether the version A is B or newer
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -t. -k1,1n -k2,2n -k3,3n | head -n 1)" = "$2" ]; }

build_programs() {
  local wanted have toolchain service
  wanted=$(sed -n 's/^go //p' "$root/go.work")
  command -v go >/dev/null ||
    die "Go is missing: install Go $wanted or newer from https://go.dev/dl, or run the whole stack in Docker: docker compose up -d"
  have=$(cd / && go env GOVERSION) toolchain=$(cd / && go env GOTOOLCHAIN)
  have=${have#go} have=${have%%[!0-9.]*}
  # Where it may, Go fetches a newer Go by itself.
  if ! at_least "$have" "$wanted" && { [ -z "$toolchain" ] || [ "$toolchain" = local ]; }; then
    die "Go $have is too old: install Go $wanted or newer from https://go.dev/dl"
  fi
  for service in watchdog api; do
    GOWORK=off CGO_ENABLED=0 go -C "$root/services/$service" build -trimpath -o "$root/bin/$service" . ||
      die "services/$service cannot be built, see above"
  done
}
if [ "$build" = yes ]; then
  build_programs
elif [ ! -x "$root/bin/watchdog" ]; then
  die 'there is no bin/watchdog: run it once without --no-build'
fi
((${#command[@]})) || command=("$root/bin/api")

# need_port PORT VARIABLE: stops when somebody listens there. What is no port is refused by the watchdog.
need_port() {
  [[ $1 =~ ^[1-9][0-9]{0,4}$ ]] || return 0
  if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then
    die "port $1 is taken, perhaps by the stack (docker compose ps) or by another watchdog: stop it, or set $2"
  fi
}
port=${PORT:-8000}
for ((i = 0; i < ${#options[@]}; i++)); do
  case ${options[i]} in
    --port) port=${options[i + 1]} ;;
    --port=*) port=${options[i]#--port=} ;;
  esac
done
need_port "$port" 'PORT or --port'
need_port "${WATCHDOG_LISTEN##*:}" WATCHDOG_LISTEN
mkdir -p "$LOG_DIR" 2>/dev/null || true
[ -w "$LOG_DIR" ] || die "the logs cannot be written: LOG_DIR=$LOG_DIR"

exec "$root/bin/watchdog" run ${options[@]+"${options[@]}"} -- "${command[@]}"
