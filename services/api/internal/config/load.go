package config

import (
	"errors"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/caarlos0/env/v10"
)

// Load reads the configuration from an environment as os.Environ gives it. All
// faults are reported at once, one line each.
func Load(environ []string) (Config, error) {
	variables := env.ToMap(environ)
	var c Config
	err := env.ParseWithOptions(&c, env.Options{Environment: variables})
	var faults []error
	switch all := (env.AggregateError{}); {
	case err == nil:
	case errors.As(err, &all):
		for _, one := range all.Errors {
			parse, known := errors.AsType[env.ParseError](one)
			if !known {
				faults = append(faults, one)
				continue
			}
			faults = append(faults, fault(parse.Name, variables))
		}
	default:
		faults = append(faults, err)
	}
	broken := map[string]bool{}
	for _, f := range faults {
		if one, ok := errors.AsType[*Fault](f); ok {
			broken[one.Variable] = true
		}
	}
	for _, field := range c.outOfRange() {
		if one := fault(field, variables); !broken[one.Variable] {
			faults = append(faults, one)
			broken[one.Variable] = true
		}
	}
	return c, errors.Join(faults...)
}

// Fault is one variable that cannot be meant.
type Fault struct{ Variable, Value, Allowed string }

// Error is the line that the user reads.
func (f *Fault) Error() string {
	return fmt.Sprintf("%s=%q: want %s", f.Variable, f.Value, f.Allowed)
}

// fault describes a field by its tags.
func fault(field string, variables map[string]string) *Fault {
	f, _ := reflect.TypeFor[Config]().FieldByName(field)
	name := f.Tag.Get("env")
	return &Fault{Variable: name, Value: variables[name], Allowed: f.Tag.Get("allowed")}
}

// outOfRange names the fields whose values are of the right kind and still
// make no sense.
func (c Config) outOfRange() []string {
	var fields []string
	want := func(ok bool, field string) {
		if !ok {
			fields = append(fields, field)
		}
	}
	want(c.Workers >= 1 && c.Workers <= 64, "Workers")
	want(c.LogMaxSizeMB >= 1, "LogMaxSizeMB")
	want(c.LogMaxBackups >= 1, "LogMaxBackups")
	want(c.LogMaxAgeDays >= 1, "LogMaxAgeDays")
	want(c.HealthCheckInterval > 0, "HealthCheckInterval")
	want(c.ShutdownTimeout > 0, "ShutdownTimeout")
	for i, p := range c.DiskPaths {
		want(path.IsAbs(p) && !slices.Contains(c.DiskPaths[:i], p), "DiskPaths")
	}
	return fields
}

// Variable describes one variable, for --help.
type Variable struct{ Name, Default, Allowed string }

// Variables lists every variable that Load reads.
func Variables() []Variable {
	var all []Variable
	t := reflect.TypeFor[Config]()
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		name, _, _ := strings.Cut(tag.Get("env"), ",")
		all = append(all, Variable{name, tag.Get("envDefault"), tag.Get("allowed")})
	}
	return all
}
