package serve_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/upkeephq/upkeep/services/kit/serve"
)

// childEnv makes the test binary a service that inherits its sockets: its value lists the
// addresses to listen on.
const childEnv = "UPKEEP_SERVE_TEST_CHILD"

func maybeChild() bool {
	addrs := os.Getenv(childEnv)
	if addrs == "" {
		return false
	}
	for addr := range strings.SplitSeq(addrs, ",") {
		open := serve.Listen
		if strings.HasPrefix(addr, "name=") {
			open, addr = serve.Inherited, strings.TrimPrefix(addr, "name=")
		}
		ln, err := open(addr)
		if ln == nil && err == nil {
			fmt.Println("none")
			continue
		}
		if err != nil {
			fmt.Printf("error %v\n", err)
			continue
		}
		fmt.Printf("%s LISTEN_FDS=%q\n", ln.Addr(), os.Getenv("LISTEN_FDS"))
	}
	return true
}

func child(t *testing.T, addrs string, env []string, socks ...net.Listener) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(append(os.Environ(), childEnv+"="+addrs), env...)
	for _, ln := range socks {
		f, err := ln.(interface{ File() (*os.File, error) }).File()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

func TestInheritedSockets(t *testing.T) {
	one, two := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	defer one.Close()
	defer two.Close()
	path := filepath.Join(t.TempDir(), "s")
	unix := listen(t, "unix:"+path)
	defer unix.Close()
	port := func(ln net.Listener) string { return fmt.Sprint(":", ln.Addr().(*net.TCPAddr).Port) }

	got := child(t, port(two)+",unix:"+path+","+port(one), []string{"LISTEN_FDS=3"}, one, two, unix)
	for i, want := range []string{two.Addr().String(), path, one.Addr().String()} {
		if got[i] != want+` LISTEN_FDS=""` {
			t.Errorf("socket %d: %s, want %s and a clean environment", i, got[i], want)
		}
	}
	if got := child(t, "127.0.0.1:0", []string{"LISTEN_FDS=1"}, one); !strings.HasPrefix(got[0], one.Addr().String()) {
		t.Errorf("the only socket was not taken: %s", got)
	}
	if got := child(t, "127.0.0.1:0", []string{"LISTEN_FDS=1", "LISTEN_PID=1"}, one); strings.HasPrefix(got[0], one.Addr().String()) {
		t.Errorf("a socket meant for another process was taken: %s", got)
	}
	if got := child(t, ":0", []string{"LISTEN_FDS=many"}); got[0] != `error LISTEN_FDS="many": want a number from 0 to 256` {
		t.Errorf("got %s", got)
	}
	if got := child(t, ":0", []string{"LISTEN_FDS=2"}, one); !strings.HasPrefix(got[0], "error LISTEN_FDS=2: descriptor 4 is no listening socket") {
		t.Errorf("got %s", got)
	}
}

// A socket that was taken by its name is not taken again; the one that is left is the only one then.
func TestInheritedByName(t *testing.T) {
	public := listen(t, "127.0.0.1:0")
	defer public.Close()
	path := filepath.Join(t.TempDir(), "s")
	admin := listen(t, "unix:"+path)
	defer admin.Close()
	got := child(t, "name=nobody,name=admin,name=admin,:1", []string{"LISTEN_FDS=2", "LISTEN_FDNAMES=http:admin"}, public, admin)
	want := []string{"none", path, "none", public.Addr().String()}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("%d: got %s, want %s", i, got[i], want[i])
		}
	}
	if got := child(t, "name=admin,name=", []string{"LISTEN_FDS=1"}, public); got[0] != "none" || !strings.HasPrefix(got[1], public.Addr().String()) {
		t.Errorf("without names: %v", got)
	}
	if got := child(t, "name=admin", []string{"LISTEN_FDS=many"}); got[0] != `error LISTEN_FDS="many": want a number from 0 to 256` {
		t.Errorf("got %s", got)
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.sock")
	ln := listen(t, "unix:"+path)
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	_, stop := start(t, serve.Options{Listeners: []net.Listener{ln}, Handler: hello})
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	defer transport.CloseIdleConnections()
	if code, body, err := get(&http.Client{Transport: transport}, "http://app/"); code != 200 || body != "hello" {
		t.Errorf("%d %q %v", code, body, err)
	}
	if _, err := serve.Listen("unix:" + path); err == nil || !strings.Contains(err.Error(), "another process answers") {
		t.Errorf("a living socket: %v", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	again := listen(t, "unix:"+path) // left behind, as by a killed process
	_ = again.Close()
}

func TestAddressesThatAreRefused(t *testing.T) {
	busy := listen(t, "127.0.0.1:0")
	defer busy.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]string{
		busy.Addr().String():       "the address is in use: stop the process that holds it or choose another port",
		"unix:":                    "the path is empty",
		"unix:" + file:             "exists and is no socket",
		"unix:" + file + "/x":      "not a directory",
		"somewhere":                "missing port",
		"127.0.0.1:http-but-wrong": "unknown port",
		":70000":                   "invalid port",
	} {
		if ln, err := serve.Listen(addr); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Listen(%q) = %v, %v; want an error with %q", addr, ln, err, want)
		}
	}
}

func TestAPortAlone(t *testing.T) {
	ln := listen(t, "0")
	defer ln.Close()
	if ln.Addr().(*net.TCPAddr).Port == 0 {
		t.Error("no port was chosen")
	}
}

func Example() {
	ctx, stop := context.WithCancel(context.Background()) // a real service: signal.NotifyContext
	defer stop()
	ln, err := serve.Listen("127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	done := make(chan error)
	go func() {
		done <- serve.Run(ctx, serve.Options{
			Listeners:   []net.Listener{ln},
			Handler:     http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }),
			BeforeDrain: func() { fmt.Println("not ready any more") },
			Teardown: []serve.Step{{Name: "store", Func: func(context.Context) error {
				fmt.Println("store flushed")
				return nil
			}}},
		})
	}()
	res, err := http.Get("http://" + ln.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	fmt.Printf("%s\n", body)
	http.DefaultClient.CloseIdleConnections()
	stop()
	fmt.Println("error:", <-done)
	// Output:
	// hello
	// not ready any more
	// store flushed
	// error: <nil>
}
