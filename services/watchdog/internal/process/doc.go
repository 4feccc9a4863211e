// Package process drives targets that are child processes: it starts the workers of one program, hands them the listening
// socket that they share, tells what becomes of them as events of package supervise, and restarts, probes and examines
// them on request. It decides nothing.
//
// A worker inherits, as systemd's convention has it, from descriptor 3 on: the public socket (LISTEN_FDNAMES says http) and
// a Unix socket of its own (admin), on which it is probed and its metrics are read. The watchdog keeps the public socket
// open, so that connections wait in its queue, rather than being refused, while a worker is replaced. The admin socket
// belongs to one run of a worker: it is bound before the process starts, so that the first probe waits in its queue and is
// answered in the moment in which the worker is ready, and it is gone with the process, so that nothing is mistaken for
// the next run.
//
// LISTEN_PID is left out: it would have to hold the process ID of the child, which is known only after the fork, when Go
// lets nothing but exec happen. A program that insists on it is started through a shell:
//
//	watchdog run -- sh -c 'LISTEN_PID=$$ exec program'
package process
