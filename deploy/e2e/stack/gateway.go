package stack

import (
	"context"
	"errors"
)

// Gateway makes a network and returns the address of this machine in it: containers of any network of the engine reach it, the
// world outside does not. remove takes the network away.
func Gateway(ctx context.Context, network string) (address string, remove func(context.Context) error, err error) {
	remove = func(ctx context.Context) error {
		_, err := Docker(ctx, "network", "rm", network)
		return err
	}
	if _, err := Docker(ctx, "network", "inspect", network); err == nil { // a killed run left it
		if err := remove(ctx); err != nil {
			return "", nil, err
		}
	}
	if _, err := Docker(ctx, "network", "create", network); err != nil {
		return "", nil, err
	}
	address, err = Docker(ctx, "network", "inspect", network, "--format", "{{(index .IPAM.Config 0).Gateway}}")
	if err != nil {
		return "", nil, errors.Join(err, remove(ctx))
	}
	return address, remove, nil
}
