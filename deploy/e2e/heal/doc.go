// Package heal tests the healing of containers: the watchdog and the guard as they ship, as processes of this machine, on
// the engine that DOCKER_HOST names, or on the local one. What the watchdog shall do is judged by what the engine itself
// tells, not by the watchdog's word alone. `go test -short` leaves all of it out.
package heal
