package health

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
)

// HTTP makes a check that asks a URL and is content with any 2xx. It follows
// no redirect: a dependency that sends elsewhere is not where it should be.
func HTTP(address string) Func {
	// One client for all runs, so that a healthy dependency costs no new
	// connection each time.
	client := &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 1},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return withoutURL(err)
		}
		request.Header.Set("User-Agent", "upkeep-health")
		response, err := client.Do(request)
		if err != nil {
			return withoutURL(err)
		}
		defer response.Body.Close()
		_, _ = io.CopyN(io.Discard, response.Body, 64<<10)
		if response.StatusCode/100 != 2 {
			return fmt.Errorf("got %s, want 2xx", response.Status)
		}
		return nil
	}
}

// withoutURL drops the address from an error: its query may hold a key, and
// the check's name says which dependency it is.
func withoutURL(err error) error {
	if inner, ok := errors.AsType[*url.Error](err); ok {
		return inner.Err
	}
	return err
}

// TCP makes a check that opens a connection and closes it again.
func TCP(address string) Func {
	return func(ctx context.Context) error {
		var dialer net.Dialer
		connection, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return connection.Close()
	}
}

// DNS makes a check that looks a host name up.
func DNS(host string) Func {
	return func(ctx context.Context) error {
		addresses, err := net.DefaultResolver.LookupHost(ctx, host)
		if err == nil && len(addresses) == 0 {
			err = fmt.Errorf("%s has no address", host)
		}
		return err
	}
}

// Pinger is what Ping needs of a database. *sql.DB is one.
type Pinger interface {
	PingContext(ctx context.Context) error
}

// Ping makes a check of a database/sql pool.
func Ping(db Pinger) Func {
	return func(ctx context.Context) error { return db.PingContext(ctx) }
}
