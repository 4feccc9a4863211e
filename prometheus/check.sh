#!/bin/sh
# Checks the configuration, the rules and their tests with the promtool of the image that the stack runs.
# Ends with a status other than 0 when one of them fails.
set -eu
cd "$(dirname "$0")"
image=${PROMETHEUS_IMAGE:-prom/prometheus:v3.13.5}

# As in docker-compose.yml: the folder at /etc/prometheus, the token where `setup` writes it (here an empty file).
promtool() {
	docker run --rm --network none --entrypoint promtool --workdir /etc/prometheus \
		-v "$PWD:/etc/prometheus:ro" -v "$token:/config/prometheus/metrics-token:ro" "$image" "$@"
}

token=$(mktemp)
trap 'rm -f "$token"' EXIT
chmod 0444 "$token"

promtool check config --lint=all --lint-fatal prometheus.yml
promtool check rules --lint=all --lint-fatal rules/*.yml
promtool test rules tests/*.yml
