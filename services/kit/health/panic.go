package health

import (
	"bytes"
	"strings"
)

// firstFrame finds the line of a stack dump where the panic happened, so that
// the one line that a check may show leads to the fault.
func firstFrame(stack []byte) string {
	lines := bytes.Split(stack, []byte("\n"))
	for i, line := range lines {
		if !bytes.HasPrefix(line, []byte("panic(")) {
			continue
		}
		for _, rest := range lines[i+1:] {
			where := strings.TrimSpace(string(rest))
			file, _, _ := strings.Cut(where, " +0x")
			if strings.Contains(file, ".go:") && !strings.Contains(file, "/runtime/") {
				return file
			}
		}
	}
	return "an unknown place"
}
