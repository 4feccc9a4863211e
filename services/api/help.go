package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/upkeephq/upkeep/services/api/internal/settings"
	"github.com/upkeephq/upkeep/services/kit/config"
)

const usage = `api is a backend with health checks, metrics and logs.

  api              serve until SIGTERM or SIGINT; SIGHUP reopens the log files,
                   SIGUSR1 switches debug lines on and off
  api healthcheck  exit 0 when the api of this machine is alive, else 1
  api --version    print version, revision and Go version
  api --help       print this

Environment (an empty variable counts as not set):

`

// writeHelp prints the usage with every variable that is read.
func writeHelp(out io.Writer) error {
	if _, err := io.WriteString(out, usage); err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, v := range config.Variables[settings.Settings]() {
		fmt.Fprintf(table, "  %s\t%s\t%s\n", v.Name, v.Default, v.Allowed)
	}
	return table.Flush()
}
