package docker

import (
	"bufio"
	"context"
	"io"
	"net/netip"
	"os"
	"regexp"

	"github.com/moby/moby/client"
)

// self is the watchdog's own container, or none.
type self struct {
	inside   bool // it runs in a container
	host     bool // with the host's network
	id       string
	donor    string // ID of the container whose network it shares
	networks map[string]bool
}

// address is where the watchdog reaches a container, or why it does not.
type address struct {
	addrs []netip.Addr
	why   string
}

var loopback = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}

// reach works out where a container is reached; donor is the one whose network it shares, if it does.
func (s self) reach(l look, donor *look) address {
	if l.donor != "" {
		if donor == nil {
			return address{why: "the container whose network it shares is gone"}
		}
		if s.inside && (donor.id == s.id || donor.id == s.donor) {
			return address{addrs: loopback}
		}
		l = *donor
	}
	if l.hostNetwork {
		if !s.inside || s.host {
			return address{addrs: loopback}
		}
		return address{why: "it uses the host's network: name a host in the probe"}
	}
	if s.inside && s.donor == l.id {
		return address{addrs: loopback}
	}
	var four, six []netip.Addr
	for _, n := range l.networks {
		switch {
		case s.inside && !s.host && !s.networks[n.network]:
		case n.address.Is4():
			four = append(four, n.address)
		default:
			six = append(six, n.address)
		}
	}
	switch {
	case len(four)+len(six) > 0:
		return address{addrs: append(four, six...)}
	case len(l.networks) > 0:
		return address{why: "it shares no network with the watchdog"}
	}
	return address{why: "it has no address"}
}

func (d *Driver) addresses(l look, donor *look) address {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.self.reach(l, donor)
}

// learnSelf looks at the watchdog's own container. Without one, every container's address is within reach.
func (d *Driver) learnSelf(ctx context.Context, cli *client.Client) {
	if d.opts.Self == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	l, err := inspect(ctx, cli, d.opts.Self)
	if err != nil {
		return // not in a container, or not in one of this engine
	}
	me := self{inside: true, id: l.id, host: l.hostNetwork, networks: map[string]bool{}}
	if donor, err := d.donorOf(ctx, cli, l); err == nil && donor != nil {
		me.donor, me.host, l.networks = donor.id, donor.hostNetwork, donor.networks
	}
	for _, n := range l.networks {
		me.networks[n.network] = true
	}
	d.mu.Lock()
	d.self = me
	d.mu.Unlock()
	d.reg.setSelf(l.id)
}

// Self returns the ID of the container that the process runs in, or nothing outside of one. It is found in the paths of
// the files that the engine mounts into every container, as the host name can be changed.
func Self() string {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	defer f.Close()
	return selfFrom(f)
}

var ownFile = regexp.MustCompile(`/containers/([0-9a-f]{64})/(?:hostname|hosts|resolv\.conf) `)

func selfFrom(mountinfo io.Reader) string {
	lines := bufio.NewScanner(mountinfo)
	for lines.Scan() {
		if m := ownFile.FindStringSubmatch(lines.Text()); m != nil {
			return m[1]
		}
	}
	return ""
}
