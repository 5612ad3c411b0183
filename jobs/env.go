package jobs

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// interpolate replaces ${NAME} and ${NAME:-default} in the string values
// below n; $${ stands for a literal ${. Keys are left alone.
func (p *parsing) interpolate(n ast.Node, getenv func(string) (string, bool)) {
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			p.interpolate(v, getenv)
		}
	case *ast.MappingValueNode:
		n.Value = p.interpolated(n.Value, getenv)
	case *ast.SequenceNode:
		for i := range n.Values {
			n.Values[i] = p.interpolated(n.Values[i], getenv)
		}
	}
}

func (p *parsing) interpolated(n ast.Node, getenv func(string) (string, bool)) ast.Node {
	s, ok := n.(*ast.StringNode)
	if !ok {
		p.interpolate(n, getenv)
		return n
	}
	if !strings.Contains(s.Value, "${") {
		return n
	}
	value, err := expandEnv(s.Value, getenv)
	if err != nil {
		p.fault(s.GetToken(), err.Error(), "Set it in the environment, or write ${NAME:-default}.")
		return n
	}
	p.replaceText(s, value)
	return s
}

// retyped returns the value n for a field of type t. A number for a text field
// becomes the text as it is written: decoding would print it anew, 1.50 as 1.5
// and 0x1F as 31. A value from the environment or from expand takes the type of
// its field, since ${NAME} within braces has to be quoted and would be text.
func (p *parsing) retyped(n ast.Node, t reflect.Type) ast.Node {
	if t.Kind() == reflect.String {
		return asText(n)
	}
	s, ok := n.(*ast.StringNode)
	if !ok || !p.fromEnv[n] {
		return n
	}
	switch t.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
	default:
		return n
	}
	typed := scalarNode(s.Value)
	if typed == nil {
		return n
	}
	typed.GetToken().Position = s.Token.Position
	return typed
}

// asText returns a number or boolean as the text that it is written with, and
// any other node as it is.
func asText(n ast.Node) ast.Node {
	switch n.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return ast.String(n.GetToken())
	}
	return n
}

// scalarNode parses text as a YAML scalar other than a string; nil when it is
// not one.
func scalarNode(text string) ast.Node {
	file, err := parser.ParseBytes([]byte(text), 0)
	if err != nil || len(file.Docs) != 1 {
		return nil
	}
	switch n := file.Docs[0].Body.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n
	}
	return nil
}

// expandEnv replaces the references in s. An unset variable without a default
// is an error: an empty credential is never what was meant.
func expandEnv(s string, getenv func(string) (string, bool)) (string, error) {
	var b strings.Builder
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			b.WriteString(s)
			return b.String(), nil
		}
		if i > 0 && s[i-1] == '$' {
			b.WriteString(s[:i-1] + "${")
			s = s[i+2:]
			continue
		}
		b.WriteString(s[:i])
		ref, rest, ok := strings.Cut(s[i+2:], "}")
		if !ok {
			return "", fmt.Errorf("${ without a closing }")
		}
		name, fallback, hasFallback := strings.Cut(ref, ":-")
		v, set := getenv(name)
		switch {
		case set && v != "":
			b.WriteString(v)
		case hasFallback:
			b.WriteString(fallback)
		case set:
			return "", fmt.Errorf("the environment variable %s is empty", name)
		default:
			return "", fmt.Errorf("the environment variable %s is not set", name)
		}
		s = rest
	}
}

// inProcessList reports whether an override of a path would show a secret.
func inProcessList(path string) bool {
	steps := splitPath(path)
	last := steps[len(steps)-1]
	if len(steps) < 2 || steps[0] != "gateway" || steps[1] != "credentials" {
		return last == "api_key"
	}
	return !slices.Contains([]string{"token_file", "redirect_uri", "per_second", "per_day"}, last)
}

// set applies one --set override, "gateway.limits.per_second=2" or
// "output[0].url=out/x", to the tree. Missing mappings are made.
func (p *parsing) set(root ast.Node, override string) {
	path, value, ok := strings.Cut(override, "=")
	if !ok || path == "" {
		p.faults = append(p.faults, Fault{File: "--set " + override, Message: "not of the form path=value, such as gateway.limits.per_second=2"})
		return
	}
	if inProcessList(path) {
		p.faults = append(p.faults, Fault{File: "--set " + path, Message: "a secret on the command line can be read by every user of this machine", Hint: "Write ${NAME} in the job file and set NAME in the environment."})
		return
	}
	added, err := setPath(root, splitPath(path), value)
	if err != nil {
		p.faults = append(p.faults, Fault{File: "--set " + override, Message: err.Error()})
		return
	}
	ast.Walk(visitor(func(n ast.Node) {
		if tk := n.GetToken(); tk != nil {
			p.overrides[tk] = override
		}
	}), added)
	p.checkPlain(added)
}
