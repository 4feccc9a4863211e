// Package control is how people and programs reach a running watchdog: New is the read-only HTTP side with metrics,
// status, incidents, health and a page for people; Metrics holds what the loop counts; Commands is the side that changes
// something, which is served on a Unix socket alone, so that file permissions guard it.
package control
