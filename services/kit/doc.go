// Package kit is a set of packages that make a Go backend observable. Each can be imported alone; together
// they are a page of main (testdata/shop).
//
//   - health: background checks, health pages for people, probes and balancers
//   - hostinfo: CPU, memory, disks and network, measured against the limits of the container
//   - httpmetrics: request metrics, request ids and the access log of a gorilla/mux router
//   - logging: logs for people and machines, rotated, without secrets, that a full disk cannot hurt
//   - serve: listeners, inherited sockets, limits, and an ordered end
//   - config, units: settings from the environment
//   - build: the version, for --version, the health pages and the metric build_info
package kit
