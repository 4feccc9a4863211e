package proxy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/upkeephq/upkeep/services/guard/internal/engine"
	"github.com/upkeephq/upkeep/services/guard/internal/policy"
)

// passed are the engine's headers that a client may want.
var passed = []string{"Api-Version", "Builder-Version", "Content-Type", "Docker-Experimental", "Ostype", "Server", "Swarm"}

// A client that takes in nothing for this long is let go.
const writePatience = 30 * time.Second

// answer writes the engine's answer to the caller. An error means that it broke off half way.
func answer(w http.ResponseWriter, resp *http.Response, req policy.Request) error {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		say(w, http.StatusBadGateway, "guard: the engine wanted to switch protocols")
		return nil
	}
	for _, name := range passed {
		if v := resp.Header.Get(name); v != "" {
			w.Header().Set(name, v)
		}
	}
	if req.Rule.Redacted && resp.StatusCode == http.StatusOK {
		return answerRedacted(w, resp)
	}
	if resp.ContentLength >= 0 && req.Method != http.MethodHead {
		w.Header().Set("Content-Length", strconv.FormatInt(resp.ContentLength, 10))
	}
	w.WriteHeader(resp.StatusCode)
	if err := relay(w, resp.Body, req.Streams()); err != nil {
		return err
	}
	drain(resp.Body)
	return nil
}

// relay copies what comes as it comes. Of a stream the caller sees each piece at once.
func relay(w http.ResponseWriter, from io.Reader, stream bool) error {
	out := http.NewResponseController(w)
	buf := make([]byte, 32<<10)
	if stream {
		if err := out.Flush(); err != nil {
			return fmt.Errorf("send the header: %w", err)
		}
	}
	for {
		n, err := from.Read(buf)
		if n > 0 {
			_ = out.SetWriteDeadline(time.Now().Add(writePatience)) // not every writer has one
			if _, err := w.Write(buf[:n]); err != nil {
				return fmt.Errorf("write to the caller: %w", err)
			}
			if stream {
				if err := out.Flush(); err != nil {
					return fmt.Errorf("write to the caller: %w", err)
				}
			}
		}
		if errors.Is(err, io.EOF) {
			_ = out.SetWriteDeadline(time.Time{})
			return nil
		}
		if err != nil {
			return fmt.Errorf("read from the engine: %w", err)
		}
	}
}

func answerRedacted(w http.ResponseWriter, resp *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, engine.MaxInspection+1))
	if err != nil {
		return fmt.Errorf("read the inspection: %w", err)
	}
	if len(body) > engine.MaxInspection {
		say(w, http.StatusBadGateway, "guard: the inspection is too large")
		return nil
	}
	clean, err := redact(body)
	if err != nil {
		say(w, http.StatusBadGateway, "guard: the engine's inspection cannot be understood")
		return nil
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(clean)))
	w.WriteHeader(http.StatusOK)
	_, err = w.Write(clean)
	return err
}

// redact blanks the values of Config.Env of an inspection: NAME=secret becomes NAME=. All else stays as it was.
func redact(inspection []byte) ([]byte, error) {
	var whole map[string]json.RawMessage
	if err := json.Unmarshal(inspection, &whole); err != nil {
		return nil, err
	}
	for key, part := range whole {
		if !strings.EqualFold(key, "Config") {
			continue
		}
		var config map[string]json.RawMessage
		if err := json.Unmarshal(part, &config); err != nil {
			return nil, err
		}
		for name, value := range config {
			if !strings.EqualFold(name, "Env") {
				continue
			}
			var env []string
			if err := json.Unmarshal(value, &env); err != nil {
				return nil, err
			}
			for i, pair := range env {
				if at := strings.IndexByte(pair, '='); at >= 0 {
					env[i] = pair[:at+1]
				}
			}
			config[name] = mustJSON(env)
		}
		whole[key] = mustJSON(config)
	}
	return mustJSON(whole), nil
}

// mustJSON renders what came from JSON, which cannot fail.
func mustJSON(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("render decoded JSON: %v", err))
	}
	return b.Bytes()
}

// say answers in the form of the engine's own errors.
func say(w http.ResponseWriter, code int, message string) {
	write(w, code, map[string]string{"message": message})
}

func write(w http.ResponseWriter, code int, v map[string]string) {
	body := mustJSON(v)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(code)
	_, _ = w.Write(body)
}
