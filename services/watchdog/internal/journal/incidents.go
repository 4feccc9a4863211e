package journal

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
)

// The errors of Incident.
var (
	ErrNoIncident     = errors.New("no such incident")
	ErrManyIncidents  = errors.New("several incidents begin like that; give more of the id")
	ErrBadIncidentRef = errors.New("not the id of an incident, nor the beginning of one")
)

// incidentStore keeps the files of incidents within their bounds, and their summaries in memory.
type incidentStore struct {
	mu    sync.Mutex
	dir   Dir
	opts  Options
	known map[string]stored
}

type stored struct {
	Summary
	size int64
}

func openIncidents(dir Dir, opts Options, warn func(string, ...any)) (*incidentStore, error) {
	s := &incidentStore{dir: dir, opts: opts, known: map[string]stored{}}
	ids, err := dir.incidentIDs()
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		in, size, err := dir.readIncident(id)
		if err != nil {
			aside := dir.incidentPath(id) + ".corrupt"
			if os.Rename(dir.incidentPath(id), aside) == nil {
				warn("incident %s is damaged (%v); it was set aside as %s.json.corrupt", id, err, id)
			}
			continue
		}
		s.known[id] = stored{in.Summary(), size}
	}
	s.prune("")
	return s, nil
}

// SaveIncident writes an incident, new or changed, with its secrets masked, and drops the oldest ones beyond the bounds.
func (j *Journal) SaveIncident(in Incident) error {
	if !incidentID.MatchString(in.ID) {
		return fmt.Errorf("save incident %q: %w", in.ID, ErrBadIncidentRef)
	}
	in = in.tidy()
	data, err := json.MarshalIndent(in, "", "  ")
	if err != nil {
		return fmt.Errorf("save incident %s: %w", in.ID, err)
	}
	s := j.tales
	s.mu.Lock()
	defer s.mu.Unlock()
	err = writeWhole(s.dir.incidentPath(in.ID), append(data, '\n'))
	if errors.Is(err, os.ErrNotExist) && os.Mkdir(s.dir.path("incidents"), 0o750) == nil {
		err = writeWhole(s.dir.incidentPath(in.ID), append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("save incident %s: %w", in.ID, err)
	}
	s.known[in.ID] = stored{in.Summary(), int64(len(data) + 1)}
	s.prune(in.ID)
	return nil
}

// prune drops the oldest incidents beyond the bounds, but never the one that was just written.
func (s *incidentStore) prune(spare string) {
	var bytes int64
	for _, in := range s.known {
		bytes += in.size
	}
	for _, id := range slices.Sorted(maps.Keys(s.known)) {
		if len(s.known) <= s.opts.MaxIncidents && bytes <= s.opts.IncidentBytes {
			return
		}
		if id == spare {
			continue
		}
		if err := os.Remove(s.dir.incidentPath(id)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return // tried again with the next incident
		}
		bytes -= s.known[id].size
		delete(s.known, id)
	}
}

// Incidents lists the incidents that are kept, newest first, without reading a file.
func (j *Journal) Incidents() []Summary {
	j.tales.mu.Lock()
	defer j.tales.mu.Unlock()
	var all []Summary
	for _, in := range j.tales.known {
		all = append(all, in.Summary)
	}
	return newestFirst(all)
}

// Incident reads one incident by its id or the beginning of it.
func (j *Journal) Incident(ref string) (Incident, error) { return j.dir.Incident(ref) }

// Incidents lists the incidents that are kept, newest first. Damaged files are left out.
func (d Dir) Incidents() ([]Summary, error) {
	ids, err := d.incidentIDs()
	if err != nil {
		return nil, err
	}
	var all []Summary
	for _, id := range ids {
		if in, _, err := d.readIncident(id); err == nil {
			all = append(all, in.Summary())
		}
	}
	return newestFirst(all), nil
}

// Incident reads one incident by its id or the beginning of it.
func (d Dir) Incident(ref string) (Incident, error) {
	if !incidentPart.MatchString(ref) {
		return Incident{}, fmt.Errorf("%q: %w", clip(ref, 64), ErrBadIncidentRef)
	}
	ids, err := d.incidentIDs()
	if err != nil {
		return Incident{}, err
	}
	var found []string
	for _, id := range ids {
		if id == ref {
			found = []string{id}
			break
		}
		if strings.HasPrefix(id, ref) {
			found = append(found, id)
		}
	}
	switch len(found) {
	case 0:
		return Incident{}, fmt.Errorf("%q: %w", ref, ErrNoIncident)
	case 1:
		in, _, err := d.readIncident(found[0])
		return in, named("read incident "+found[0], err)
	default:
		return Incident{}, fmt.Errorf("%q: %w", ref, ErrManyIncidents)
	}
}

func (d Dir) incidentPath(id string) string { return d.path("incidents/" + id + ".json") }

// incidentIDs lists the files that are named like incidents.
func (d Dir) incidentIDs() ([]string, error) {
	entries, err := os.ReadDir(d.path("incidents"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list incidents: %w", err)
	}
	var ids []string
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), ".json"); ok && e.Type().IsRegular() && incidentID.MatchString(id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (d Dir) readIncident(id string) (Incident, int64, error) {
	var in Incident
	data, err := os.ReadFile(d.incidentPath(id))
	if err == nil {
		err = json.Unmarshal(data, &in)
	}
	if err == nil && in.ID != id {
		err = fmt.Errorf("it is about %q", in.ID)
	}
	return in, int64(len(data)), err
}

func newestFirst(all []Summary) []Summary {
	slices.SortFunc(all, func(a, b Summary) int { return cmp.Compare(b.ID, a.ID) })
	return all
}
