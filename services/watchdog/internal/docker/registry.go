package docker

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// registry knows every container by its identity, and which of them stands for which target. What it tells goes out while
// it is locked, so that nothing is told of a target after its end.
type registry struct {
	mu       sync.Mutex
	defaults supervise.Policy
	selects  func(labels map[string]string) bool
	self     string // ID, its beginning or name of the watchdog's own container
	tell     func(observe.Notice)
	all      map[string]*entry // by container ID
	owners   map[string]*entry // by target: the container that stands for it
	told     map[string]bool   // targets of which an EventSeen was told
}

// entry is one container.
type entry struct {
	identity
	created  int64         // of several for one target, the newest counts
	depends  []string      // targets after which it is restarted
	info     *observe.Info // of the latest look, like all below
	look     *look
	where    address
	lastDie  time.Time // time of the latest die event
	awaiting time.Time // since when a look that found it ended waits for the event of that end
	ooms     int
	thawed   time.Time // the latest health check when docker unpause was seen; see thaw
}

func newRegistry(defaults supervise.Policy, self string, tell func(observe.Notice)) *registry {
	return &registry{
		defaults: defaults, selects: selected, self: self, tell: tell,
		all: map[string]*entry{}, owners: map[string]*entry{}, told: map[string]bool{},
	}
}

// known is what a list or an event tells of a container.
type known struct {
	id, name string
	labels   map[string]string
	created  int64
	running  bool // by the list
}

// add notes containers and returns the IDs of those that need a look because of it.
func (r *registry) add(list ...known) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	changed := false
	for _, k := range list {
		if e := r.all[k.id]; e != nil {
			if name := strings.TrimPrefix(k.name, "/"); name != "" && name != e.name {
				e.identity, changed = e.renamed(name), true
			}
			continue
		}
		e := &entry{identity: identify(k.id, k.name, k.labels, r.defaults, r.selects), created: k.created}
		if r.isSelf(e) {
			e.target = false
		}
		r.all[k.id], changed = e, true
	}
	if !changed {
		return nil
	}
	return r.settle()
}

func (r *registry) isSelf(e *entry) bool {
	return r.self != "" && (e.name == r.self || len(r.self) >= 12 && strings.HasPrefix(e.id, r.self))
}

// setSelf notes the full ID of the watchdog's own container, once it is known.
func (r *registry) setSelf(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.self = id
	if e := r.all[id]; e != nil && e.target {
		e.target = false
		r.settle()
	}
}

// drop forgets a container that no longer exists, and tells so when nothing else stands for its target.
func (r *registry) drop(id string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all[id] == nil {
		return nil
	}
	delete(r.all, id)
	return r.settle()
}

// settle works out anew who stands for which target and who depends on whom. It returns the IDs of the containers for
// which that changed something.
func (r *registry) settle() []string {
	owners := map[string]*entry{}
	var pullers []*entry // that pull others along by name
	for _, e := range r.all {
		if !e.target {
			continue
		}
		if o := owners[e.key]; o == nil || e.before(o) {
			owners[e.key] = e
		}
		if len(e.restartWith) > 0 {
			pullers = append(pullers, e)
		}
	}
	for key := range r.owners {
		if owners[key] == nil && r.told[key] {
			delete(r.told, key)
			r.tell(observe.Notice{Event: supervise.Event{Kind: supervise.EventGone, At: time.Now(), Target: key}})
		}
	}
	var changed []string
	for key, e := range owners {
		depends := dependencies(e, r.all, pullers)
		if r.owners[key] != e || !slices.Equal(depends, e.depends) {
			changed = append(changed, e.id)
		}
		e.depends = depends
	}
	r.owners = owners
	return changed
}

// before reports whether e stands for its target rather than o.
func (e *entry) before(o *entry) bool {
	if e.temporary != o.temporary {
		return o.temporary
	}
	if e.created != o.created {
		return e.created > o.created
	}
	return e.id > o.id
}

func dependencies(e *entry, all map[string]*entry, pullers []*entry) []string {
	keys := map[string]bool{}
	if len(e.needs) > 0 || e.donor != "" {
		for _, dep := range all {
			if e.follows(&dep.identity) {
				keys[dep.key] = true
			}
		}
	}
	for _, dep := range pullers {
		if e.follows(&dep.identity) {
			keys[dep.key] = true
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

// targets returns the IDs of the containers that stand for targets.
func (r *registry) targets() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make([]string, 0, len(r.owners))
	for _, e := range r.owners {
		ids = append(ids, e.id)
	}
	slices.Sort(ids)
	return ids
}

// missing returns the IDs of known containers that are not in a list.
func (r *registry) missing(list []known) []string {
	listed := make(map[string]bool, len(list))
	for _, k := range list {
		listed[k.id] = true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var ids []string
	for id := range r.all {
		if !listed[id] {
			ids = append(ids, id)
		}
	}
	return ids
}

// concerned returns the IDs to look at after an event about a container: itself when it stands for a target, and those
// that share its network.
func (r *registry) concerned(id string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ids []string
	for _, e := range r.owners {
		if e.id == id || e.donor == id {
			ids = append(ids, e.id)
		}
	}
	return ids
}

// latest returns a copy of what is known of a target.
func (r *registry) latest(target string) (entry, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.owners[target]
	if e == nil || e.look == nil {
		return entry{}, false
	}
	return *e, true
}
