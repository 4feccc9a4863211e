package stack

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

// ReadLog reads a file of one JSON object a line. Every line must be whole: a torn one is an error, since the watchdog
// promises that there is none.
func ReadLog(path string) ([]LogLine, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var lines []LogLine
	scan := bufio.NewScanner(f)
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
