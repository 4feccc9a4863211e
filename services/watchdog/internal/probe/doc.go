// Package probe asks a service whether it works: an HTTP request or a TCP connection with a deadline that holds whatever
// the other side does. A process that is frozen still has its connections accepted by the kernel, so only an answer counts.
//
// What to ask is written as a short text, as people put it on a container:
//
//	http://:8000/health/live         the status is 2xx or 3xx
//	http://:8000/health#"ok":true    and the body holds the text after the #
//	https://:8443/                   the certificate is not verified: the address of a container is in no certificate
//	tcp://:5432                      the port accepts a connection
//	none                             nothing is asked
//
// The host is left out, as the address of a container changes with every start; Spec.WithHost fills it in.
package probe
