package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// maxRestartStamps bounds what one line of the ledger can claim.
const maxRestartStamps = 10000

// record is one line of the ledger: the history of a target, its times as distances from the moment of saving.
type record struct {
	Target string `json:"target"`
	stamp
	RestartAges []float64 `json:"restart_ages_seconds,omitempty"` // oldest first
	Attempts    int       `json:"attempts,omitempty"`
	SentAge     *float64  `json:"restart_sent_age_seconds,omitempty"` // of the restart under way
	InstanceID  string    `json:"instance_id,omitempty"`
	StartedAt   time.Time `json:"instance_started_at,omitzero"`
	Running     bool      `json:"running,omitempty"`
	Stopped     bool      `json:"stopped,omitempty"`
	Signalled   time.Time `json:"signalled_at,omitzero"` // by the engine's clock, as started_at is
	Paused      bool      `json:"paused,omitempty"`
	PauseLeft   *float64  `json:"pause_left_seconds,omitempty"` // absent: until resumed
	ConfigHash  string    `json:"config_hash,omitempty"`
	Gone        bool      `json:"gone,omitempty"` // the target is forgotten
}

// sealed carries the checksum of the record, since a flipped bit can leave good JSON behind.
type sealed struct {
	CRC   string          `json:"crc"`
	Entry json.RawMessage `json:"entry"`
}

var errDamaged = errors.New("damaged line")

func newRecord(target string, h supervise.History, c Clock) record {
	rec := record{
		Target: target, stamp: c.stamp(), Attempts: h.Attempts,
		InstanceID: h.Instance.ID, StartedAt: h.Instance.StartedAt.UTC().Round(0),
		Running: h.Running, Stopped: h.Stopped, Signalled: h.Signalled.UTC().Round(0), Paused: h.Paused, ConfigHash: h.ConfigHash,
	}
	now := c.Now()
	for _, at := range h.Restarts {
		rec.RestartAges = append(rec.RestartAges, seconds(max(now.Sub(at), 0)))
	}
	if !h.Sent.IsZero() {
		age := seconds(max(now.Sub(h.Sent), 0))
		rec.SentAge = &age
	}
	if !h.PausedUntil.IsZero() {
		left := seconds(h.PausedUntil.Sub(now))
		rec.PauseLeft = &left
	}
	return rec
}

// history is the record seen from now.
func (r record) history(c Clock) supervise.History {
	h := supervise.History{
		Attempts: max(r.Attempts, 0), Instance: supervise.Instance{ID: r.InstanceID, StartedAt: r.StartedAt},
		Running: r.Running, Stopped: r.Stopped, Signalled: r.Signalled, Paused: r.Paused, ConfigHash: r.ConfigHash,
	}
	now, passed := c.Now(), c.since(r.stamp)
	ages := r.RestartAges[max(len(r.RestartAges)-maxRestartStamps, 0):]
	for _, age := range ages {
		h.Restarts = append(h.Restarts, now.Add(-passed-max(duration(age), 0)))
	}
	slices.SortFunc(h.Restarts, time.Time.Compare)
	if r.SentAge != nil {
		h.Sent = now.Add(-passed - max(duration(*r.SentAge), 0))
	}
	if r.PauseLeft != nil {
		h.PausedUntil = now.Add(duration(*r.PauseLeft) - passed)
	}
	return h
}

func (r record) encode() ([]byte, error) {
	entry, err := marshalLine(r)
	if err != nil {
		return nil, err
	}
	entry = bytes.TrimSuffix(entry, []byte{'\n'})
	return marshalLine(sealed{CRC: checksum(entry), Entry: entry})
}

// decodeRecord reads one line, which may hold anything.
func decodeRecord(line []byte) (record, error) {
	var s sealed
	var r record
	if err := json.Unmarshal(line, &s); err != nil {
		return r, fmt.Errorf("%w: %w", errDamaged, err)
	}
	if checksum(s.Entry) != s.CRC {
		return r, fmt.Errorf("%w: its checksum is %s, not %s", errDamaged, checksum(s.Entry), s.CRC)
	}
	if err := json.Unmarshal(s.Entry, &r); err != nil {
		return record{}, fmt.Errorf("%w: %w", errDamaged, err)
	}
	if r.Target == "" {
		return record{}, fmt.Errorf("%w: no target", errDamaged)
	}
	return r, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) string {
	return fmt.Sprintf("%08s", strconv.FormatUint(uint64(crc32.Checksum(b, castagnoli)), 16))
}
