// Package health tells whether a service is well, and says so over HTTP.
//
// Checks run in the background, each at its own pace. A request never waits
// for one: it reads the latest results, so a dependency that hangs for ever
// makes a check fail and nothing else.
//
//	checker := health.New(health.Options{Service: "shop", Version: "1.4.0"})
//	checker.Add(health.Check{Name: "database", Run: health.Ping(db)})
//	checker.Add(health.Check{Name: "mail", Run: health.TCP("mail:25"), Soft: true})
//	go checker.Run(ctx)
//
//	pages := health.NewPages(checker, health.PageOptions{Token: token})
//	pages.Mount(func(path string, h http.Handler) { mux.Handle(path, h) })
//
// # Status
//
// A check is unknown until its first verdict, then healthy, degraded or
// unhealthy. The service is as ill as its worst check: a critical check that
// fails makes it unhealthy, a soft one degraded. A result that has grown old
// counts as degraded, because nobody knows any more.
//
// # Groups
//
// Liveness answers "would a restart help?" and must hold nothing but canaries
// of the process itself: a database in it turns one outage into a storm of
// restarts. Readiness answers "may traffic come?" and holds what the service
// cannot work without. Startup holds what has to succeed once.
//
// The package needs the standard library only. Metrics for Prometheus are in
// the package healthmetrics beside it.
package health
