//go:build !unix

package serve

// closeOnExec has nothing to do where children inherit only what they are given.
func closeOnExec(int) {}
