// Package serve opens listeners and runs an HTTP server whose end is as well ordered as its start.
//
// Listen takes a TCP address, a Unix socket ("unix:/run/app.sock"), or the
// socket that a parent process handed over (LISTEN_FDS, the systemd
// convention), so that a restart refuses no connection. Inherited takes one by
// the name that LISTEN_FDNAMES gives it.
//
// Run serves until its context is done. Then, in this order:
//
//  1. BeforeDrain runs; readiness should fall there.
//  2. Requests are still accepted for DrainDelay, while balancers take notice.
//  3. The listeners close and requests in flight finish.
//  4. The teardown steps run one after the other, by name.
//
// Steps 3 and 4 share one deadline, ShutdownTimeout. Whatever fails is
// reported with the name of its step; nothing is cut short in silence.
package serve
