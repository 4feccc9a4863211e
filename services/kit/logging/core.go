package logging

import (
	"fmt"
	"sync"

	"go.uber.org/zap"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
)

// core encodes each entry once, blanks its secrets, and hands the line to every writer
// that wants it.
type core struct {
	zapcore.LevelEnabler
	enc     zapcore.Encoder
	redact  redactor
	metrics *metrics
	all     []*sink // every line
	worse   *sink   // warnings and up; may be nil
}

// With implements zapcore.Core.
func (c *core) With(fields []zapcore.Field) zapcore.Core {
	clone := *c
	clone.enc = c.enc.Clone()
	for i := range fields {
		fields[i].AddTo(clone.enc)
	}
	return &clone
}

// Check implements zapcore.Core.
func (c *core) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return checked.AddCore(e, c)
	}
	return checked
}

var scratch = sync.Pool{New: func() any { return new([]byte) }}

// Write implements zapcore.Core.
func (c *core) Write(e zapcore.Entry, fields []zapcore.Field) error {
	c.metrics.count(e.Level)
	buf, err := c.encode(e, fields)
	if err != nil {
		return err
	}
	clean := scratch.Get().(*[]byte)
	line := buf.Bytes()
	if out, changed := c.redact.redact((*clean)[:0], line); changed {
		*clean, line = out, out
	}
	for _, s := range c.all {
		s.add(line)
	}
	if c.worse != nil && e.Level >= zapcore.WarnLevel {
		c.worse.add(line)
	}
	if cap(*clean) <= chunkBytes {
		scratch.Put(clean)
	}
	buf.Free()
	if e.Level > zapcore.ErrorLevel { // the process is about to end
		return c.Sync()
	}
	return nil
}

// encode contains the panic of a value that cannot be written: the line then says so.
func (c *core) encode(e zapcore.Entry, fields []zapcore.Field) (buf *buffer.Buffer, err error) {
	defer func() {
		if v := recover(); v != nil {
			buf, err = c.enc.EncodeEntry(e, []zapcore.Field{zap.String("fields_lost", fmt.Sprint(v))})
		}
	}()
	return c.enc.EncodeEntry(e, fields)
}

// Sync implements zapcore.Core: it waits for the writers, for a bounded time.
func (c *core) Sync() error {
	var first error
	for _, s := range c.all {
		if err := s.sync(); err != nil && first == nil {
			first = err
		}
	}
	if c.worse != nil {
		if err := c.worse.sync(); err != nil && first == nil {
			first = err
		}
	}
	return first
}
