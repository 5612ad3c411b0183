package jobs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"offerlake/pipeline/catalog"
)

// CallParams are the parameters of a call source as they go over the wire: a
// scalar is the text that the file has, a list or a mapping is JSON text.
type CallParams catalog.Params

// UnmarshalYAML reads a mapping. Numbers keep their digits.
func (c *CallParams) UnmarshalYAML(n ast.Node) error {
	entries, ok := mapValues(n)
	if !ok {
		return fmt.Errorf("%s is not a mapping of parameters", n.GetToken().Value)
	}
	params := CallParams{}
	for _, e := range entries {
		text, err := paramText(e.Value)
		if err != nil {
			return fmt.Errorf("%s: %w", keyText(e), err)
		}
		params[keyText(e)] = text
	}
	*c = params
	return nil
}

// paramText is the text of a parameter's value.
func paramText(n ast.Node) (string, error) {
	switch n := asText(n).(type) {
	case *ast.StringNode:
		return n.Value, nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.NullNode:
		return "", fmt.Errorf("has no value")
	}
	v, err := jsonOf(n)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// jsonOf returns a YAML value as what encodes to the same JSON. Mappings are
// written in the order of their keys, so that moving lines within the file does
// not make another call of it.
func jsonOf(n ast.Node) (any, error) {
	if entries, ok := mapValues(n); ok {
		m := map[string]any{}
		for _, e := range entries {
			v, err := jsonOf(e.Value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", keyText(e), err)
			}
			m[keyText(e)] = v
		}
		return m, nil
	}
	switch n := n.(type) {
	case *ast.SequenceNode:
		list := make([]any, len(n.Values))
		for i, e := range n.Values {
			v, err := jsonOf(e)
			if err != nil {
				return nil, fmt.Errorf("[%d]: %w", i, err)
			}
			list[i] = v
		}
		return list, nil
	case *ast.StringNode:
		return n.Value, nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.BoolNode:
		return n.Value, nil
	case *ast.NullNode:
		return nil, nil
	}
	text := n.GetToken().Value
	if !json.Valid([]byte(text)) {
		return nil, fmt.Errorf("%s is not a number as JSON writes it; put it in quotes if it is text", text)
	}
	return json.RawMessage(text), nil
}
