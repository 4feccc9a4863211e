package stack

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// readLog reads a log that nobody writes to any more.
func readLog(path string) ([]LogLine, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadLog(f)
}

// ReadLog reads one JSON object a line. Every line must be whole: a torn one is an error, since the watchdog promises that
// there is none.
func ReadLog(r io.Reader) ([]LogLine, error) {
	var lines []LogLine
	scan := bufio.NewScanner(r)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		var line LogLine
		if err := json.Unmarshal(scan.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("line %d of the watchdog's log is not JSON: %w: %s", len(lines)+1, err, scan.Text())
		}
		lines = append(lines, line)
	}
	return lines, scan.Err()
}
