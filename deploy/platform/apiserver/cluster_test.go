package apiserver

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cluster is an API server with its etcd, on loopback, for as long as a test runs. No controller and no kubelet belongs to it.
type cluster struct{ bin, dir, url string }

const token = "for-the-test-alone" // on a server that listens on loopback and ends with the test

// start builds the programs where the build cache lacks them, starts them, and waits until the API server is ready.
func start(t *testing.T) *cluster {
	t.Helper()
	if testing.Short() {
		t.Skip("compiles an API server")
	}
	c := &cluster{bin: t.TempDir(), dir: t.TempDir()}
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", c.bin, "tool")
	build.Env = append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the tools: %v\n%s", err, out)
	}
	etcd, peer, api := freePort(t), freePort(t), freePort(t)
	c.url = "https://" + api
	c.write(t, "tokens.csv", []byte(token+",test,test,system:masters\n"))
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	accounts := c.write(t, "accounts.key", pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))

	c.run(t, "server", "--data-dir="+filepath.Join(c.dir, "etcd"), "--unsafe-no-fsync",
		"--listen-client-urls=http://"+etcd, "--advertise-client-urls=http://"+etcd,
		"--listen-peer-urls=http://"+peer, "--initial-advertise-peer-urls=http://"+peer, "--initial-cluster=default=http://"+peer)
	_, port, _ := net.SplitHostPort(api)
	c.run(t, "kube-apiserver", "--etcd-servers=http://"+etcd, "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port="+port,
		"--cert-dir="+filepath.Join(c.dir, "certificates"), "--token-auth-file="+filepath.Join(c.dir, "tokens.csv"),
		"--authorization-mode=RBAC", "--service-cluster-ip-range=10.0.0.0/24", "--endpoint-reconciler-type=none",
		"--disable-admission-plugins=ServiceAccount", // no controller makes the accounts that it wants
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+accounts, "--service-account-signing-key-file="+accounts)
	c.await(t)
	return c
}

// run starts a program, and ends it with the test. When the test failed, its last words are shown.
func (c *cluster) run(t *testing.T, program string, args ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(c.dir, program+".log"))
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(filepath.Join(c.bin, program), args...)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		_ = log.Close()
		if text, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("%s:\n%s", program, text[max(0, len(text)-3000):])
		}
	})
}

func (c *cluster) await(t *testing.T) {
	t.Helper()
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // it has just made its certificate itself
	}}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+token)
		if answer, err := client.Do(request); err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-ctx.Done():
			t.Fatal("the API server is not ready after two minutes")
		case <-time.After(100 * time.Millisecond): // it tells nobody when it is
		}
	}
}

// install makes the kinds of the Prometheus Operator from its Go types, as the operator itself does.
func (c *cluster) install(t *testing.T, group string) {
	t.Helper()
	kinds := filepath.Join(c.dir, "kinds")
	generate := exec.CommandContext(t.Context(), filepath.Join(c.bin, "controller-gen"), "crd:crdVersions=v1,maxDescLen=0",
		"paths=github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1", "output:crd:dir="+kinds)
	generate.Env = append(os.Environ(), "GOWORK=off")
	if out, err := generate.CombinedOutput(); err != nil {
		t.Fatalf("controller-gen: %v\n%s", err, out)
	}
	for _, kind := range []string{"servicemonitors", "prometheusrules"} {
		c.kubectl(t, "", "create", "-f", filepath.Join(kinds, group+"_"+kind+".yaml"))
		c.kubectl(t, "", "wait", "--for=condition=Established", "--timeout=60s", "crd/"+kind+"."+group)
	}
}

// pod is one pod as the Deployment would make it, in JSON.
func (c *cluster) pod(t *testing.T) string {
	t.Helper()
	var deployment struct {
		Spec struct {
			Template struct{ Metadata, Spec map[string]any }
		}
	}
	read(t, c.kubectl(t, "", "-n", "upkeep", "get", "deployment", "api", "-o", "json"), &deployment)
	template := deployment.Spec.Template
	template.Metadata["name"] = "one"
	text, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": template.Metadata, "spec": template.Spec})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (c *cluster) kubectl(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	out, err := c.try(stdin, args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (c *cluster) try(stdin string, args ...string) (string, error) {
	command := exec.Command(filepath.Join(c.bin, "kubectl"),
		append([]string{"--server=" + c.url, "--token=" + token, "--insecure-skip-tls-verify=true", "--cache-dir=" + filepath.Join(c.dir, "cache")}, args...)...)
	command.Env = append(os.Environ(), "KUBECONFIG="+filepath.Join(c.dir, "none"), "HOME="+c.dir)
	command.Stdin = strings.NewReader(stdin)
	out, err := command.CombinedOutput()
	return string(out), err
}

func (c *cluster) kustomization(t *testing.T, dir, text string) {
	t.Helper()
	text = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n" + text
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (c *cluster) write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return fmt.Sprint(listener.Addr())
}
