// Package standalone tests the image that runs the watchdog as PID 1 with the API as its workers, as platforms run it that give one
// container and a PORT; and it runs the commands of the quick start in a fresh clone. Both need the engine.
package standalone
