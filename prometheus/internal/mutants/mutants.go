// Package mutants changes rules on purpose, one thing at a time, and asks promtool whether a test notices.
package mutants

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// Mutant is a rule file in which one thing of one rule is changed.
type Mutant struct {
	Alert  string // name of the rule; empty: a recording
	Record string
	Line   int    // of the rule, in the file as it was
	Change string // such as "for: 1m → 2m"
	Text   []byte // the rule file
}

// Make returns all mutants of a rule file: of its alerts, and of its recordings if asked. The first one is the file
// unchanged, but written anew as the others are, so that it tells whether that alone makes a test fail.
func Make(text []byte, recordings bool) ([]Mutant, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	encode := func() ([]byte, error) {
		var out bytes.Buffer
		encoder := yaml.NewEncoder(&out)
		err := encoder.Encode(&document)
		return out.Bytes(), err
	}
	unchanged, err := encode()
	if err != nil {
		return nil, err
	}
	all := []Mutant{{Change: "nothing", Text: unchanged}}
	for _, rule := range rulesOf(&document) {
		m := Mutant{Alert: value(rule, "alert"), Record: value(rule, "record"), Line: rule.Line}
		if m.Alert == "" && !recordings {
			continue
		}
		// set writes the file with another value of a field.
		set := func(field *yaml.Node, to, change string) error {
			was := *field
			field.Value, field.Style = to, yaml.DoubleQuotedStyle
			m.Change = change
			m.Text, err = encode()
			*field = was
			all = append(all, m)
			return err
		}
		expr := node(rule, "expr")
		if expr == nil {
			return nil, fmt.Errorf("line %d: a rule without expr", rule.Line)
		}
		changes, err := changesOf(expr.Value)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", rule.Line, err)
		}
		for _, c := range changes {
			if err := set(expr, c.to, c.what); err != nil {
				return nil, err
			}
		}
		for _, name := range []string{"for", "keep_firing_for"} {
			field := node(rule, name)
			if field == nil {
				continue
			}
			was, err := model.ParseDuration(field.Value)
			if err != nil {
				return nil, fmt.Errorf("line %d: %s: %w", rule.Line, name, err)
			}
			for _, to := range []time.Duration{2 * time.Duration(was), time.Duration(was) / 2, 0} {
				if err := set(field, model.Duration(to).String(), fmt.Sprintf("%s: %s → %s", name, field.Value, model.Duration(to))); err != nil {
					return nil, err
				}
			}
		}
	}
	return all, nil
}

// rulesOf returns the mappings that are rules.
func rulesOf(document *yaml.Node) []*yaml.Node {
	var rules []*yaml.Node
	if len(document.Content) == 0 {
		return nil
	}
	groups := node(document.Content[0], "groups")
	if groups == nil {
		return nil
	}
	for _, group := range groups.Content {
		if list := node(group, "rules"); list != nil {
			rules = append(rules, list.Content...)
		}
	}
	return rules
}

// node returns the value of a key of a mapping, or nil.
func node(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

func value(mapping *yaml.Node, key string) string {
	if n := node(mapping, key); n != nil {
		return n.Value
	}
	return ""
}

// change is another expression, and in which it differs.
type change struct{ to, what string }

var promql = parser.NewParser(parser.Options{})

// boundary is what a comparison becomes when its limit moves to the other side.
var boundary = map[parser.ItemType]parser.ItemType{
	parser.GTR: parser.GTE, parser.GTE: parser.GTR, parser.LSS: parser.LTE, parser.LTE: parser.LSS,
	parser.EQLC: parser.NEQ, parser.NEQ: parser.EQLC,
}

// changesOf moves each number of an expression up and down, and each comparison over its limit.
func changesOf(source string) ([]change, error) {
	expr, err := promql.ParseExpr(source)
	if err != nil {
		return nil, err
	}
	var changes []change
	took := func(what string) {
		to := expr.String()
		if _, e := promql.ParseExpr(to); e != nil {
			err = fmt.Errorf("%s: %w in %s", what, e, to)
		}
		changes = append(changes, change{to, what})
	}
	parser.Inspect(expr, func(n parser.Node, path []parser.Node) error {
		switch n := n.(type) {
		case *parser.NumberLiteral:
			if isVector(path) {
				return nil
			}
			was := n.Val
			for _, n.Val = range around(was, compared(path)) {
				took(fmt.Sprintf("%.6g → %.6g", was, n.Val))
			}
			n.Val = was
		case *parser.BinaryExpr:
			was, in := n.Op, short(n)
			if to, ok := boundary[was]; ok {
				n.Op = to
				took(fmt.Sprintf("%v → %v in %s", was, to, in))
				n.Op = was
			}
		}
		return nil
	})
	return changes, err
}

// around are two numbers, one on each side.
func around(x float64, equal bool) []float64 {
	if x == 0 || equal && x == math.Trunc(x) {
		return []float64{x + 1, x - 1}
	}
	const factor = 1.5
	return []float64{x * factor, x / factor}
}

// compared reports whether the nearest operator is == or !=, where half a step more is as good as a mile.
func compared(path []parser.Node) bool {
	if len(path) == 0 {
		return false
	}
	b, ok := path[len(path)-1].(*parser.BinaryExpr)
	return ok && (b.Op == parser.EQLC || b.Op == parser.NEQ)
}

// isVector reports whether the number is that of vector(1), which is no limit of anything.
func isVector(path []parser.Node) bool {
	for _, n := range path {
		if call, ok := n.(*parser.Call); ok && call.Func.Name == "vector" {
			return true
		}
	}
	return false
}

func short(n parser.Node) string {
	const most = 60
	text := []rune(n.String())
	if len(text) > most {
		return string(text[:most/2]) + "…" + string(text[len(text)-most/2:])
	}
	return string(text)
}
