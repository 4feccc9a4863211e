// Package process tests watchdog run with the real programs: the watchdog runs the api's processes, which are killed, hung
// and replaced under load. It needs no Docker. The timings that it prints are the machine's; only what must never happen fails.
package process
