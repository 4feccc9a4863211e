package logging

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func lost(s *sink) int { return int(testutil.ToFloat64(s.dropped)) }

func counter() prometheus.Counter { return prometheus.NewCounter(prometheus.CounterOpts{Name: "lost"}) }

// disk is a writer with room for so many bytes, as a full file system behaves.
type disk struct {
	mu   sync.Mutex
	room int
	data bytes.Buffer
}

var errFull = errors.New("no space left on device")

func (d *disk) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := min(len(p), d.room)
	d.room -= n
	d.data.Write(p[:n])
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

func TestAFullDiskLosesLinesAndCountsThem(t *testing.T) {
	d := &disk{room: 25}
	s := newSink("test", d, 1<<20, time.Second, counter(), func(lost int) []byte { return fmt.Appendf(nil, "%d are missing\n", lost) })
	say := func(i int) {
		s.add(fmt.Appendf(nil, "line %04d\n", i)) // 10 bytes
		if err := s.sync(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 { // two fit, the third is cut, two are lost
		say(i)
	}
	if lost(s) != 3 {
		t.Errorf("lost %d lines, want 3", lost(s))
	}
	d.mu.Lock()
	d.room = 1000
	d.mu.Unlock()
	say(5)
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	if got, want := d.data.String(), "line 0000\nline 0001\nline \n3 are missing\nline 0005\n"; got != want {
		t.Errorf("the file holds %q, want %q", got, want)
	}
	if lost(s) != 3 {
		t.Errorf("lost %d lines in the end, want 3", lost(s))
	}
}

// stuck is a writer that blocks until it is let go, as a pipe without a reader does.
type stuck struct {
	free chan struct{}
	mu   sync.Mutex
	got  int
}

func (w *stuck) Write(p []byte) (int, error) {
	<-w.free
	w.mu.Lock()
	defer w.mu.Unlock()
	w.got += bytes.Count(p, []byte("\n"))
	return len(p), nil
}

func TestABlockedWriterBlocksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &stuck{free: make(chan struct{})}
		s := newSink("test", w, 1000, 2*time.Second, counter(), nil)
		s.add([]byte("first one\n"))
		synctest.Wait() // the goroutine hangs in it now
		start := time.Now()
		for range 500 { // 100 fit into the queue
			s.add([]byte("some line\n"))
		}
		if took := time.Since(start); took != 0 || lost(s) != 400 {
			t.Errorf("500 lines took %v and lost %d, want no time and 400", took, lost(s))
		}
		if err := s.sync(); err == nil || time.Since(start) != 2*time.Second {
			t.Errorf("sync: %v after %v, want it to give up after 2s", err, time.Since(start))
		}
		if err := s.close(); err == nil || err.Error() != "log test: its writer did not finish within 2s" {
			t.Errorf("close: %v", err)
		}
		close(w.free)
		synctest.Wait()
		if w.got != 101 { // the one that hung and what was queued
			t.Errorf("the writer got %d lines in the end, want 101", w.got)
		}
	})
}

func TestSyncWaitsOnlyForWhatWasThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &stuck{free: make(chan struct{}, 1)}
		s := newSink("test", w, 1000, time.Minute, counter(), nil)
		s.add([]byte("one\n"))
		synctest.Wait()
		w.free <- struct{}{}
		if err := s.sync(); err != nil {
			t.Fatal(err)
		}
		s.add([]byte("two\n")) // hangs, yet was not there
		if w.got != 1 {
			t.Errorf("got %d lines", w.got)
		}
		close(w.free)
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
}

func TestChunksAreWholeLines(t *testing.T) {
	var chunks []string
	s := &sink{out: writerFunc(func(p []byte) (int, error) {
		chunks = append(chunks, string(p))
		return len(p), nil
	})}
	long := strings.Repeat("x", 2*chunkBytes) + "\n"
	batch := strings.Repeat("short\n", chunkBytes/4) + long + "end\n"
	s.writeAll([]byte(batch))
	for i, c := range chunks {
		if !strings.HasSuffix(c, "\n") || (len(c) > chunkBytes && c != long) {
			t.Errorf("chunk %d has %d bytes and ends in %q", i, len(c), c[len(c)-1:])
		}
	}
	if strings.Join(chunks, "") != batch {
		t.Error("the chunks are not the batch")
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestAClosedSinkCounts(t *testing.T) {
	s := newSink("test", &disk{room: 100}, 100, time.Second, counter(), nil)
	if err := errors.Join(s.close(), s.close()); err != nil {
		t.Fatal(err)
	}
	s.add([]byte("late\n"))
	if err := s.sync(); err != nil || lost(s) != 1 {
		t.Errorf("sync %v, lost %d; want 1 lost", err, lost(s))
	}
}

func BenchmarkSink(b *testing.B) {
	s := newSink("bench", writerFunc(func(p []byte) (int, error) { return len(p), nil }), 4<<20, time.Second, counter(), nil)
	line := []byte(strings.Repeat("x", 249) + "\n")
	b.ReportAllocs()
	for b.Loop() {
		s.add(line)
	}
	_ = s.close()
	b.ReportMetric(float64(lost(s))/float64(b.N), "lost/op")
}
