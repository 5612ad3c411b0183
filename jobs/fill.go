package jobs

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

var (
	// nameUse is a use of a name of expand in a text, or {{name}}, which stands
	// for the text {name}. ${NAME} is none: names are in lower case.
	nameUse     = regexp.MustCompile(`\{?\{[a-z][a-z0-9_]*\}\}?`)
	bracedName  = regexp.MustCompile(`\{[a-z][a-z0-9_]*\}`)
	escapedName = regexp.MustCompile(`\{(\{[a-z][a-z0-9_]*\})\}`)
)

// escapeNames makes a text that did not come from the job file stand for itself.
func escapeNames(s string) string { return bracedName.ReplaceAllString(s, "{$0}") }

// escaping returns getenv for a job file at root: with expand, what comes from
// the environment is no place for its values.
func escaping(root ast.Node, getenv func(string) (string, bool)) func(string) (string, bool) {
	entries, _ := mapValues(root)
	if !slices.ContainsFunc(entries, func(v *ast.MappingValueNode) bool { return keyText(v) == "expand" }) {
		return getenv
	}
	return func(name string) (string, bool) {
		v, ok := getenv(name)
		return escapeNames(v), ok
	}
}

func unescapeNames(s string) string { return escapedName.ReplaceAllString(s, "$1") }

// filling replaces the names of expand by the values of a shard.
type filling struct {
	p      *parsing
	values map[string]string
	used   map[string]bool
}

// fill replaces the names in all values below root but name, and reports names
// that expand does not have, or that nothing uses.
func (p *parsing) fill(root ast.Node, e Expand, values map[string]string) {
	f := &filling{p: p, values: values, used: map[string]bool{}}
	m, ok := root.(*ast.MappingNode)
	if !ok {
		return
	}
	for _, v := range m.Values {
		switch keyText(v) {
		case "name":
		case "sources":
			f.sources(v, e)
		default:
			v.Value = f.node(v.Value)
		}
	}
	for i, d := range e {
		if !f.used[d.Name] && !d.Dates {
			p.fault(p.dimensions[i], "expand."+d.Name+": is not used", fmt.Sprintf("Write {%s} where its values belong, or remove it.", d.Name))
		}
	}
}

// sources fills the sources. Each of them has to ask about the date if that is
// what the dates are for.
func (f *filling) sources(n *ast.MappingValueNode, e Expand) {
	seq, ok := n.Value.(*ast.SequenceNode)
	if !ok {
		n.Value = f.node(n.Value)
		return
	}
	dates := e.dates()
	before := f.used[dateName]
	for i := range seq.Values {
		f.used[dateName] = false
		seq.Values[i] = f.node(seq.Values[i])
		if dates != nil && dates.Parameter && !f.used[dateName] {
			f.p.fault(seq.Values[i].GetToken(), fmt.Sprintf("sources[%d]: does not use {date}", i),
				"With expand.date.as: parameter, every source asks about the date; others show what is there today.")
		}
		before = before || f.used[dateName]
	}
	f.used[dateName] = before
}

// node returns n with the names replaced.
func (f *filling) node(n ast.Node) ast.Node {
	switch n := n.(type) {
	case *ast.StringNode:
		return f.text(n)
	case *ast.SequenceNode:
		for i := range n.Values {
			n.Values[i] = f.node(n.Values[i])
		}
	case *ast.MappingValueNode:
		n.Value = f.node(n.Value)
	case *ast.MappingNode:
		if name, ok := f.bareName(n); ok {
			return f.text(ast.String(token.New("{"+name+"}", "{"+name+"}", n.GetToken().Position)))
		}
		for _, v := range n.Values {
			v.Value = f.node(v.Value)
		}
	}
	return n
}

// bareName recognises {name} without quotes, which YAML reads as a mapping.
func (f *filling) bareName(n *ast.MappingNode) (string, bool) {
	if !n.IsFlowStyle || len(n.Values) != 1 {
		return "", false
	}
	name := keyText(n.Values[0])
	_, known := f.values[name]
	_, null := n.Values[0].Value.(*ast.NullNode)
	return name, known && null
}

func (f *filling) text(s *ast.StringNode) ast.Node {
	if !nameUse.MatchString(s.Value) {
		return s
	}
	value := nameUse.ReplaceAllStringFunc(s.Value, func(use string) string {
		if escapedName.MatchString(use) {
			return unescapeNames(use)
		}
		name := strings.Trim(use, "{}")
		v, ok := f.values[name]
		if !ok {
			f.unknown(s.GetToken(), name)
		}
		f.used[name] = true
		return strings.Replace(use, "{"+name+"}", v, 1)
	})
	f.p.replaceText(s, value)
	return s
}

func (f *filling) unknown(tk *token.Token, name string) {
	names := slices.Sorted(maps.Keys(f.values))
	hint := fmt.Sprintf("expand has: %s. Write {{%s}} for the text itself.", strings.Join(names, ", "), name)
	if n := nearest(name, names); n != "" {
		hint = fmt.Sprintf("Did you mean {%s}? %s", n, hint)
	}
	f.p.fault(tk, fmt.Sprintf("{%s} is not a name of expand", name), hint)
}

// replaceText puts another text in the place of s, which then takes the type of
// its field.
func (p *parsing) replaceText(s *ast.StringNode, value string) {
	// Decoding reads some values back from their token.
	tk := *s.Token
	tk.Type, tk.Value, tk.Origin, tk.Prev, tk.Next = token.DoubleQuoteType, value, strconv.Quote(value), nil, nil
	if set, ok := p.overrides[s.Token]; ok {
		p.overrides[&tk] = set
	}
	s.Token, s.Value = &tk, value
	p.fromEnv[s] = true
}
