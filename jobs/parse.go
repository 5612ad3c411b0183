package jobs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"sort"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxFile bounds a job file; a larger one is a mistake or an attack.
const maxFile = 1 << 20

// maxNesting bounds how deep a job file is nested by brackets, or by dashes in
// one line. The YAML parser's memory grows with the square of that: 50,000
// brackets take gigabytes (measured with goccy/go-yaml v1.19.2).
const maxNesting = 100

// tooDeep returns the line on which a file is nested deeper than maxNesting, 0
// if none. It counts brackets wherever they stand, in texts too: no job file has
// so many that are not closed.
func tooDeep(src []byte) int {
	depth, line, dashes, leading := 0, 1, 0, true
	for _, c := range src {
		switch c {
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(depth-1, 0)
		case '\n':
			line++
			dashes, leading = 0, true
			continue
		case '-', '?', ' ', '\t':
			if leading && (c == '-' || c == '?') {
				dashes++
			}
		default:
			leading = false
		}
		if depth > maxNesting || leading && dashes > maxNesting {
			return line
		}
	}
	return 0
}

// LoadOptions are what a job file is read with.
type LoadOptions struct {
	Getenv func(string) (string, bool) // Default: os.LookupEnv.
	Set    []string                    // "a.b=value" overrides, applied before validation

	values map[string]string // of the shard to read; nil = check the job with a sample of them
}

// Load reads, interpolates, decodes and validates a job file. Its error is a
// Faults unless the file itself cannot be read.
func Load(path string, opts LoadOptions) (*Job, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("job file: %w (%w)", err, ErrUsage)
	}
	return Parse(path, src, opts)
}

// Parse is Load for a file that was read already; path names it in faults and
// its directory is what relative inputs are relative to.
func Parse(path string, src []byte, opts LoadOptions) (*Job, error) {
	if opts.Getenv == nil {
		opts.Getenv = os.LookupEnv
	}
	src = plainText(src)
	p := &parsing{path: path, lines: strings.Split(string(src), "\n"), overrides: map[*token.Token]string{}, fromEnv: map[ast.Node]bool{}}
	root := p.parse(src)
	var expand Expand
	if root != nil {
		p.interpolate(root, escaping(root, opts.Getenv))
		for _, s := range opts.Set {
			p.set(root, s)
		}
		before := len(p.faults)
		if expand = p.takeExpand(root); len(expand) > 0 && len(p.faults) == 0 {
			p.fill(root, expand, expand.valuesOr(opts.values))
		}
		if len(p.faults) == before { // else {name} is not filled in, and no number or date
			p.checkKeys(root, reflect.TypeFor[Job](), "")
		}
	}
	if len(p.faults) > 0 {
		return nil, p.sorted()
	}
	job := &Job{File: path, Dir: filepath.Dir(path), source: src, load: opts}
	setDefaults(reflect.ValueOf(job).Elem())
	if err := yaml.NodeToValue(root, job, yaml.Strict()); err != nil {
		p.decodeFault(err)
		return nil, p.sorted()
	}
	p.root, job.Expand = root, expand
	p.validate(job)
	if len(p.faults) > 0 {
		return nil, p.sorted()
	}
	return job, nil
}

// plainText takes away what editors on Windows add: a byte order mark, which
// would become part of the first key, and carriage returns.
func plainText(src []byte) []byte {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	return bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n"))
}

// parsing is the state of one Parse: the file's lines and what was found wrong.
type parsing struct {
	path   string
	lines  []string
	root   ast.Node
	faults Faults

	overrides map[*token.Token]string // tokens that came from --set, which has no lines
	fromEnv   map[ast.Node]bool       // values that hold something of the environment or of expand

	dimensions []*token.Token // the names of expand, in order
}

func (p *parsing) sorted() Faults {
	sort.SliceStable(p.faults, func(i, j int) bool {
		a, b := p.faults[i], p.faults[j]
		return a.Line < b.Line || a.Line == b.Line && a.Column < b.Column
	})
	return p.faults
}

func (p *parsing) fault(tk *token.Token, message, hint string) {
	f := Fault{File: p.path, Message: message, Hint: hint}
	if set, ok := p.overrides[tk]; ok {
		f.File = "--set " + set
	} else if tk != nil && tk.Position != nil {
		f.Line, f.Column = tk.Position.Line, tk.Position.Column
		if f.Line >= 1 && f.Line <= len(p.lines) {
			f.Source = p.lines[f.Line-1]
		}
	}
	p.faults = append(p.faults, f)
}

// parse returns the mapping at the top of the file, or nil after a fault.
func (p *parsing) parse(src []byte) ast.Node {
	if len(src) > maxFile {
		p.fault(nil, fmt.Sprintf("the job file has %d bytes; at most %d are read", len(src), maxFile), "")
		return nil
	}
	if line := tooDeep(src); line > 0 {
		p.faults = append(p.faults, Fault{File: p.path, Line: line, Message: fmt.Sprintf("is nested deeper than %d levels", maxNesting), Hint: "A job file needs a handful."})
		return nil
	}
	file, err := parser.ParseBytes(src, 0)
	if err != nil {
		p.decodeFault(err)
		return nil
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		p.fault(nil, "the job file is empty, or holds more than one document", "Start from jobs/demo.yaml.")
		return nil
	}
	root := file.Docs[0].Body
	ok := p.checkPlain(root)
	if _, isMap := mapValues(root); !isMap {
		p.fault(root.GetToken(), "a job file is a mapping that begins with name:", "Start from jobs/demo.yaml.")
		return nil
	}
	if !ok {
		return nil
	}
	return root
}

// checkPlain reports the anchors, aliases and tags below n. A job file has no
// need of them: a few lines of nested aliases expand to gigabytes, and a tag
// contradicts the type of its field.
func (p *parsing) checkPlain(n ast.Node) bool {
	ok := true
	ast.Walk(visitor(func(n ast.Node) {
		switch n.Type() {
		case ast.AnchorType, ast.AliasType, ast.MergeKeyType:
			p.fault(n.GetToken(), "anchors, aliases and merge keys are not allowed in a job file", "Write the value out.")
			ok = false
		case ast.TagType:
			p.fault(n.GetToken(), "tags are not allowed in a job file", "Remove it; every field has a type of its own.")
			ok = false
		}
	}), n)
	return ok
}

type visitor func(ast.Node)

// Visit implements ast.Visitor.
func (v visitor) Visit(n ast.Node) ast.Visitor {
	v(n)
	return v
}

// mapValues returns the entries of a mapping node.
func mapValues(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// keyText returns the text of a mapping key.
func keyText(n *ast.MappingValueNode) string { return n.Key.GetToken().Value }

// checkKeys reports every key of n that t has no field for and every number
// that its field would cut, and gives values the types of their fields.
func (p *parsing) checkKeys(n ast.Node, t reflect.Type, path string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if u, ok := reflect.New(t).Interface().(yaml.BytesUnmarshaler); ok {
		// Decoding would report these without their place.
		if err := u.UnmarshalYAML([]byte(n.String())); err != nil {
			p.fault(n.GetToken(), path+": "+err.Error(), "")
		}
		return
	}
	if u, ok := reflect.New(t).Interface().(yaml.NodeUnmarshaler); ok {
		if err := u.UnmarshalYAML(n); err != nil {
			p.fault(n.GetToken(), path+": "+err.Error(), "")
		}
		return
	}
	if seq, ok := n.(*ast.SequenceNode); ok {
		if t.Kind() == reflect.Slice {
			for i, v := range seq.Values {
				seq.Values[i] = p.retyped(v, t.Elem())
				p.checkKeys(seq.Values[i], t.Elem(), fmt.Sprintf("%s[%d]", path, i))
			}
		}
		return
	}
	if isInteger(t) {
		p.checkWhole(n, path)
		return
	}
	if t == reflect.TypeFor[Credentials]() {
		t = t.Elem()
	}
	values, isMap := mapValues(n)
	if t.Kind() != reflect.Struct || !isMap || len(fieldsOf(t)) == 0 {
		return
	}
	for _, v := range values {
		key := keyText(v)
		at := join(path, key)
		f, ok := fieldByKey(t, key)
		if !ok {
			p.unknownKey(v, t, at)
			continue
		}
		v.Value = p.retyped(v.Value, f.Type)
		p.checkKeys(v.Value, f.Type, at)
	}
}

// isInteger reports whether t, a field's type, holds whole numbers.
func isInteger(t reflect.Type) bool {
	return t.Kind() == reflect.Int || t.Kind() == reflect.Int64 || t.Kind() == reflect.Uint64
}

// checkWhole refuses a number with a fraction, which decoding would cut off.
func (p *parsing) checkWhole(n ast.Node, path string) {
	switch n.(type) {
	case *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		p.fault(n.GetToken(), fmt.Sprintf("%s: %s is not a whole number", path, n.GetToken().Value), "Write it with digits only.")
	}
}

func (p *parsing) unknownKey(v *ast.MappingValueNode, t reflect.Type, at string) {
	key := keyText(v)
	if why, ok := notYet[listIndex.ReplaceAllString(at, "")]; ok {
		p.fault(v.Key.GetToken(), fmt.Sprintf("%s is not available in this version", at), why)
		return
	}
	var names []string
	for _, f := range fieldsOf(t) {
		names = append(names, yamlName(f))
	}
	hint := "Valid here: " + strings.Join(names, ", ") + "."
	if n := nearest(key, names); n != "" {
		hint = fmt.Sprintf("Did you mean %q? %s", n, hint)
	}
	where := ""
	if i := strings.LastIndexByte(at, '.'); i >= 0 {
		where = " in " + at[:i]
	}
	p.fault(v.Key.GetToken(), fmt.Sprintf("unknown key %q%s", key, where), hint)
}

// listIndex is the place of an element in the path of a list.
var listIndex = regexp.MustCompile(`\[[0-9]+\]`)

// notYet names keys of the job file format that this version knows of but
// cannot honour; accepting them silently would be a lie.
var notYet = map[string]string{
	"journal.keep": "Remove it; journals are kept until you delete them.",
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// fieldsOf returns the fields of a struct type that a job file can set.
func fieldsOf(t reflect.Type) []reflect.StructField {
	var fields []reflect.StructField
	for i := range t.NumField() {
		f := t.Field(i)
		if n := yamlName(f); n != "" && n != "-" {
			fields = append(fields, f)
		}
	}
	return fields
}

func fieldByKey(t reflect.Type, key string) (reflect.StructField, bool) {
	for _, f := range fieldsOf(t) {
		if yamlName(f) == key {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

func yamlName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}

// decodeFault turns an error of the YAML library into a fault.
func (p *parsing) decodeFault(err error) {
	var ye yaml.Error
	if errors.As(err, &ye) {
		p.fault(ye.GetToken(), ye.GetMessage(), "")
		return
	}
	p.fault(nil, err.Error(), "")
}

// at returns the token of the value at a path such as "output[1].url", or of
// the deepest part of it that the file has.
func (p *parsing) at(path string) *token.Token {
	for path != "" {
		yp, err := yaml.PathString("$." + path)
		if err == nil {
			if n, err := yp.FilterNode(p.root); err == nil && n != nil {
				return n.GetToken()
			}
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			break
		}
		path = path[:i]
	}
	return nil
}
