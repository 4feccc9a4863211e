// Package journal keeps what the watchdog must not forget, and what people want to read afterwards, as files in one
// directory:
//
//	watchdog.log             events, one JSON object a line, rotated and compressed
//	watchdog_ledger.jsonl    the restart history of every target; survives kill -9 and changes of the wall clock
//	watchdog_outages.jsonl   when targets were down, for the uptime ratios
//	watchdog_status.json     the latest state of everything, always whole
//	incidents/ID.json        one report for each outage
//
// A Journal writes them and belongs to the running watchdog, which locks the directory. A Dir reads them, at any time and
// from any process.
package journal
