package jobs

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// splitPath splits "output[0].url" into "output", "0", "url".
func splitPath(path string) []string {
	path = strings.ReplaceAll(strings.ReplaceAll(path, "[", "."), "]", "")
	return strings.Split(path, ".")
}

// setPath puts a value, in YAML, at steps below n and returns the node that it
// added.
func setPath(n ast.Node, steps []string, value string) (ast.Node, error) {
	if seq, ok := n.(*ast.SequenceNode); ok {
		i, err := strconv.Atoi(steps[0])
		if err != nil || i < 0 || i >= len(seq.Values) {
			return nil, fmt.Errorf("%q is not an element of a list of %d", steps[0], len(seq.Values))
		}
		if len(steps) > 1 {
			return setPath(seq.Values[i], steps[1:], value)
		}
		v, err := valueNode(value)
		if err == nil {
			seq.Values[i] = v
		}
		return v, err
	}
	values, ok := mapValues(n)
	if !ok {
		return nil, fmt.Errorf("%q: there is no mapping to set it in", steps[0])
	}
	for _, mv := range values {
		if keyText(mv) != steps[0] {
			continue
		}
		if len(steps) > 1 {
			return setPath(mv.Value, steps[1:], value)
		}
		v, err := valueNode(value)
		if err == nil {
			mv.Value = v
		}
		return v, err
	}
	return addKey(n, steps, value)
}

// addKey adds the missing key steps[0] to the mapping n, with the mappings
// below it that the other steps name.
func addKey(n ast.Node, steps []string, value string) (ast.Node, error) {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		return nil, fmt.Errorf("%q is not in the job file", steps[0])
	}
	text := value
	for i := len(steps) - 1; i > 0; i-- {
		text = "{" + steps[i] + ": " + text + "}"
	}
	added, err := valueNode(steps[0] + ": " + text)
	if err != nil {
		return nil, err
	}
	entries, ok := mapValues(added)
	if !ok || len(entries) != 1 {
		return nil, fmt.Errorf("%q is not a YAML value", value)
	}
	m.Values = append(m.Values, entries[0])
	return entries[0], nil
}

func valueNode(value string) (ast.Node, error) {
	file, err := parser.ParseBytes([]byte(value), 0)
	if err != nil || len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, fmt.Errorf("%q is not a YAML value", value)
	}
	return file.Docs[0].Body, nil
}
