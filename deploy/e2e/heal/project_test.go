package heal

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// project is a Compose project out of testdata.
type project struct {
	*lab
	name, file, env string
	state           string // of all of its containers
}

// project prepares one, which is removed when the scenario ends.
func (l *lab) project(name, file string) *project {
	l.t.Helper()
	p := &project{lab: l, name: prefix + name, file: filepath.Join("testdata", file), env: filepath.Join(l.dir, ".env"), state: l.state()}
	p.set()
	l.t.Cleanup(func() { l.clean(p.args("down", "-v", "--remove-orphans", "--timeout", "1")...) })
	return p
}

// set says what .env holds.
func (p *project) set(env ...string) {
	p.t.Helper()
	must(p.t, os.WriteFile(p.env, []byte(strings.Join(append(env, "STATE="+p.state, ""), "\n")), 0o600))
}

func (p *project) args(more ...string) []string {
	return append([]string{"compose", "-p", p.name, "-f", p.file, "--env-file", p.env}, more...)
}

// up runs `docker compose up`.
func (p *project) up(more ...string) {
	p.t.Helper()
	p.docker(p.args(append([]string{"up", "-d", "--timeout", "1"}, more...)...)...)
}

// service is a container of the project.
func (p *project) service(name string, number int) *patient {
	full := fmt.Sprintf("%s-%s-%d", p.name, name, number)
	return &patient{lab: p.lab, name: full, target: full, state: p.state}
}

// all are the first containers of the services, once they are up.
func (p *project) all(services ...string) []*patient {
	p.t.Helper()
	var all []*patient
	for _, s := range services {
		one := p.service(s, 1)
		one.is("up")
		all = append(all, one)
	}
	return all
}

// down removes the containers.
func (p *project) down() {
	p.t.Helper()
	p.docker(p.args("down", "--timeout", "1")...)
}
