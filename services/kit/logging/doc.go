// Package logging gives a service its three logs and never lets them hurt it.
//
// New returns a zap logger that writes to standard output and, when Config.Dir is
// set, to backend.log, with warnings and worse in errors.log too; and a second logger for
// access.log. Files are rotated by size and age, compressed, and opened anew by Reopen, which
// a service calls on SIGHUP. The level changes at run time by SetLevel.
//
// Writers are fed by bounded queues: a full disk, a slow disk or a blocked pipe drops
// lines and counts them, and the service goes on. A directory that cannot be written is no
// reason to be down either: New warns, and logs to standard output alone.
//
// Secrets are blanked in every line: values of fields and variables named like *_TOKEN,
// *_KEY, *SECRET*, *PASSWORD*, bearer credentials, and passwords in URLs.
package logging
