package logging

import (
	"bytes"
	"strings"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// newEncoder writes the keys that the rest of the stack reads: ts, level, msg.
func newEncoder(json bool) zapcore.Encoder {
	c := zapcore.EncoderConfig{
		TimeKey: "ts", LevelKey: "level", NameKey: "logger", MessageKey: "msg", StacktraceKey: "stack",
		LineEnding:     zapcore.DefaultLineEnding,
		EncodeTime:     zapcore.RFC3339NanoTimeEncoder,
		EncodeLevel:    zapcore.LowercaseLevelEncoder,
		EncodeDuration: zapcore.SecondsDurationEncoder,
	}
	if json {
		return zapcore.NewJSONEncoder(c)
	}
	c.EncodeLevel = zapcore.CapitalLevelEncoder
	c.EncodeTime = zapcore.TimeEncoderOfLayout("2006-01-02T15:04:05.000Z07:00")
	c.ConsoleSeparator = "  "
	return zapcore.NewConsoleEncoder(c)
}

// gapLine makes the line that tells a reader where lines are missing.
func gapLine(json bool) func(lost int) []byte {
	enc := newEncoder(json)
	return func(lost int) []byte {
		e := zapcore.Entry{Level: zapcore.WarnLevel, Time: time.Now(), Message: "log lines were lost before this one"}
		buf, err := enc.EncodeEntry(e, []zapcore.Field{zap.Int("lost", lost)})
		if err != nil {
			return nil
		}
		defer buf.Free()
		return bytes.Clone(buf.Bytes())
	}
}

func upper(s string) string { return strings.ToUpper(strings.TrimSpace(s)) }
