package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/upkeephq/upkeep/services/kit/config"
	"github.com/upkeephq/upkeep/services/kit/units"
)

type settings struct {
	Port     uint16         `env:"PORT" envDefault:"8000" allowed:"a port from 0 to 65535"`
	Interval units.Duration `env:"INTERVAL" envDefault:"30" allowed:"seconds (30) or a duration (1m30s), more than 0"`
	Name     string         `env:"NAME" envDefault:"api" allowed:"any text"`
}

func positive(s settings) []string {
	if s.Interval <= 0 {
		return []string{"Interval"}
	}
	return nil
}

func TestLoad(t *testing.T) {
	for _, c := range []struct {
		name    string
		environ string
		want    string // the settings, or the whole error
	}{
		{"defaults", "", "{8000 30s api}"},
		{"all set", "PORT=9 INTERVAL=1m30s NAME=x OTHER=y", "{9 1m30s x}"},
		{"empty is not set", "PORT= INTERVAL= NAME=", "{8000 30s api}"},
		{"one fault", "PORT=70000", `PORT="70000": want a port from 0 to 65535`},
		{"out of range", "INTERVAL=0", `INTERVAL="0": want seconds (30) or a duration (1m30s), more than 0`},
		{"all faults at once, each variable once", "PORT=x INTERVAL=soon",
			"PORT=\"x\": want a port from 0 to 65535\nINTERVAL=\"soon\": want seconds (30) or a duration (1m30s), more than 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := config.Load(strings.Fields(c.environ), positive)
			s := fmt.Sprint(got)
			if err != nil {
				s = err.Error()
			}
			if s != c.want {
				t.Errorf("got  %s\nwant %s", s, c.want)
			}
		})
	}
}

func ExampleLoad() {
	_, err := config.Load[settings]([]string{"PORT=http", "INTERVAL=-1"}, nil)
	fmt.Println(err)
	for _, v := range config.Variables[settings]() {
		fmt.Printf("%-8s %-5s %s\n", v.Name, v.Default, v.Allowed)
	}
	// Output:
	// PORT="http": want a port from 0 to 65535
	// INTERVAL="-1": want seconds (30) or a duration (1m30s), more than 0
	// PORT     8000  a port from 0 to 65535
	// INTERVAL 30    seconds (30) or a duration (1m30s), more than 0
	// NAME     api   any text
}
