package httpmetrics

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// ClientIP returns the address of the client. X-Forwarded-For counts only as far as trusted proxies
// vouch for it: read from its end, the first address that is no trusted proxy is the client. A
// peer on a Unix socket is a proxy on this machine, and trusted when any is.
func ClientIP(r *http.Request, trusted ...netip.Prefix) string {
	peer := r.RemoteAddr
	if host, _, err := net.SplitHostPort(peer); err == nil {
		peer = host
	}
	if len(trusted) == 0 {
		return peer
	}
	addr, err := netip.ParseAddr(peer)
	if err == nil && !vouches(trusted, addr) {
		return peer
	}
	if err != nil && peer != "" && peer[0] != '@' && peer[0] != '/' {
		return peer
	}
	return forwarded(r.Header["X-Forwarded-For"], trusted, peer)
}

// forwarded walks the header lines from their end. What is no address ends the walk, since whatever
// stands before it was not written by a proxy of ours.
func forwarded(lines []string, trusted []netip.Prefix, peer string) string {
	for i := len(lines) - 1; i >= 0; i-- {
		rest, more := lines[i], true
		for more {
			var last string
			if cut := strings.LastIndexByte(rest, ','); cut >= 0 {
				rest, last = rest[:cut], rest[cut+1:]
			} else {
				last, more = rest, false
			}
			addr, ok := hop(strings.TrimSpace(last))
			if !ok {
				return peer
			}
			peer = addr.String()
			if !vouches(trusted, addr) {
				return peer
			}
		}
	}
	return peer
}

// hop reads one element: an address, with a port or in brackets as some proxies have it.
func hop(s string) (netip.Addr, bool) {
	if at, err := netip.ParseAddrPort(s); err == nil {
		return at.Addr().Unmap().WithZone(""), true
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	return addr.Unmap().WithZone(""), err == nil
}

func vouches(trusted []netip.Prefix, addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	for _, p := range trusted {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
