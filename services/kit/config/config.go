// Package config reads a struct from the environment and reports all faults at once, one line each, naming the variable, its
// value and what is allowed. Fields carry caarlos0/env's tags and one more, `allowed`, which says in words what is:
//
//	type Config struct {
//		Port     uint16         `env:"PORT" envDefault:"8000" allowed:"a port from 0 to 65535"`
//		Interval units.Duration `env:"INTERVAL" envDefault:"30" allowed:"seconds (30) or a duration (1m30s)"`
//	}
//
// An empty variable counts as not set.
package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/caarlos0/env/v10"
)

// Fault is one variable that cannot be meant.
type Fault struct{ Variable, Value, Allowed string }

// Error is the line that the user reads.
func (f *Fault) Error() string { return fmt.Sprintf("%s=%q: want %s", f.Variable, f.Value, f.Allowed) }

// Load reads a T from an environment as os.Environ gives it. Then outOfRange, unless nil, names the fields whose values
// are of the right kind and still make no sense. The error joins one *Fault per variable.
func Load[T any](environ []string, outOfRange func(T) []string) (T, error) {
	variables := env.ToMap(environ)
	for name, value := range variables {
		if value == "" {
			delete(variables, name)
		}
	}
	var c T
	err := env.ParseWithOptions(&c, env.Options{Environment: variables})
	var faults []error
	broken := map[string]bool{}
	add := func(field string) {
		f := describe[T](field, variables)
		if !broken[f.Variable] {
			broken[f.Variable] = true
			faults = append(faults, f)
		}
	}
	switch all := (env.AggregateError{}); {
	case err == nil:
	case errors.As(err, &all):
		for _, one := range all.Errors {
			if parse, ok := errors.AsType[env.ParseError](one); ok {
				add(parse.Name)
			} else {
				faults = append(faults, one)
			}
		}
	default:
		faults = append(faults, err)
	}
	if outOfRange != nil {
		for _, field := range outOfRange(c) {
			add(field)
		}
	}
	return c, errors.Join(faults...)
}

// describe makes a fault of a field by its tags.
func describe[T any](field string, variables map[string]string) *Fault {
	f, ok := reflect.TypeFor[T]().FieldByName(field)
	if !ok {
		return &Fault{Variable: field, Allowed: "a field of the configuration"} // a mistake of the program, not of its user
	}
	v := variable(f)
	value, set := variables[v.Name]
	if !set {
		value = v.Default
	}
	if f.Type == reflect.TypeFor[Secret]() {
		value = Secret(value).String()
	}
	return &Fault{Variable: v.Name, Value: value, Allowed: v.Allowed}
}

// Variable describes one variable, for a --help.
type Variable struct{ Name, Default, Allowed string }

// Variables lists every variable that Load reads into a T, in the order of its fields.
func Variables[T any]() []Variable {
	t := reflect.TypeFor[T]()
	all := make([]Variable, 0, t.NumField())
	for i := range t.NumField() {
		all = append(all, variable(t.Field(i)))
	}
	return all
}

func variable(f reflect.StructField) Variable {
	name, _, _ := strings.Cut(f.Tag.Get("env"), ",")
	return Variable{name, f.Tag.Get("envDefault"), f.Tag.Get("allowed")}
}
