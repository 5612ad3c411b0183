package jobs

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
)

// SchemaURL identifies the dialect of the job file's JSON Schema.
const SchemaURL = "http://json-schema.org/draft-07/schema#"

// Schema returns the JSON Schema of job files, generated from the types that
// decode them, indented and with a final newline.
func Schema() ([]byte, error) {
	s := schemaOf(reflect.TypeFor[Job]())
	top := append(object{{"$schema", SchemaURL}, {"title", "offerlake job"}}, s...)
	b, err := json.MarshalIndent(top, "", "  ")
	return append(b, '\n'), err
}

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	key   string
	value any
}

// MarshalJSON implements json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		k, err := json.Marshal(m.key)
		if err != nil {
			return nil, err
		}
		v, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(k)
		b.WriteByte(':')
		b.Write(v)
	}
	b.WriteByte('}')
	return []byte(b.String()), nil
}

// A reference to the environment or a name of expand may stand for any scalar.
var envReference = object{{"type", "string"}, {"pattern", `\{`}}

func orEnv(o object) object { return object{{"anyOf", []object{o, envReference}}} }

func schemaOf(t reflect.Type) object {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t {
	case reflect.TypeFor[Credentials]():
		one := schemaOf(t.Elem())
		return object{{"anyOf", []object{one, {{"type", "array"}, {"items", one}}}}}
	case reflect.TypeFor[Expand]():
		return expandSchema()
	case reflect.TypeFor[CallParams]():
		return object{{"type", "object"}}
	case reflect.TypeFor[Duration]():
		return object{{"type", "string"}, {"pattern", `^([0-9]+d|([0-9.]+(ns|us|ms|s|m|h))+|.*\$\{.*)$`}}
	case reflect.TypeFor[Money]():
		return object{{"type", []string{"number", "string"}}}
	case reflect.TypeFor[Bytes]():
		return object{{"anyOf", []object{{{"type", "integer"}, {"minimum", 0}}, {{"type", "string"}, {"pattern", `^[0-9]+ *([KMG]i?B)?$|\$\{`}}}}}
	case reflect.TypeFor[Percent]():
		return object{{"anyOf", []object{{{"type", "number"}, {"minimum", 0}, {"maximum", 1}}, {{"type", "string"}, {"pattern", `^[0-9.]+ *%$|\$\{`}}}}}
	}
	switch t.Kind() {
	case reflect.Struct:
		return structSchema(t)
	case reflect.Map:
		return object{{"type", "object"}, {"additionalProperties", schemaOf(t.Elem())}}
	case reflect.Slice:
		return object{{"type", "array"}, {"items", schemaOf(t.Elem())}}
	case reflect.String:
		return object{{"type", "string"}}
	case reflect.Bool:
		return orEnv(object{{"type", "boolean"}})
	case reflect.Float64:
		return orEnv(object{{"type", "number"}})
	default:
		return orEnv(object{{"type", "integer"}})
	}
}

// expandSchema is the schema of expand, which is read by hand.
func expandSchema() object {
	list := object{{"type", "array"}, {"items", object{{"type", []string{"string", "number", "boolean"}}}}, {"minItems", 1}}
	text := func(doc string) object { return object{{"type", "string"}, {"description", doc}} }
	mapping := func(required []string, properties object) object {
		return object{{"type", "object"}, {"additionalProperties", false}, {"properties", properties}, {"required", required}}
	}
	dates := mapping([]string{}, object{
		{"from", text("First date. Default: that of --from.")},
		{"to", text("Last date. Default: that of --to.")},
		{"as", append(text("run: the day on which the gateway was asked; a day that is over can only be rebuilt from its journals. "+
			"parameter: the day that call sources ask about with {date}."), member{"enum", []string{"run", "parameter"}}, member{"default", "run"})},
	})
	values := object{{"anyOf", []object{
		list,
		mapping([]string{"csv"}, object{{"csv", text("A CSV file with a header, relative to the job file.")}, {"column", text("Its column. Default: the name.")}}),
		mapping([]string{"category_leaves"}, object{{"category_leaves", append(orEnv(object{{"type", "integer"}}), member{"description", "The leaf categories below this one."})}}),
	}}}
	return object{
		{"type", "object"}, {"minProperties", 1}, {"propertyNames", object{{"pattern", dimensionName.String()}}},
		{"properties", object{{dateName, object{{"anyOf", []object{list, dates}}}}}}, {"additionalProperties", values},
	}
}

func structSchema(t reflect.Type) object {
	var properties object
	var required []string
	for _, f := range fieldsOf(t) {
		properties = append(properties, member{yamlName(f), fieldSchema(f)})
		if f.Tag.Get("req") == "true" {
			required = append(required, yamlName(f))
		}
	}
	s := object{{"type", "object"}, {"additionalProperties", false}, {"properties", properties}}
	if len(required) > 0 {
		s = append(s, member{"required", required})
	}
	if t == reflect.TypeFor[Source]() {
		s = append(s, member{"minProperties", 1}, member{"maxProperties", 1})
	}
	return s
}

func fieldSchema(f reflect.StructField) object {
	s := object{}
	if doc := f.Tag.Get("doc"); doc != "" {
		s = append(s, member{"description", doc})
	}
	enum := f.Tag.Get("enum")
	switch {
	case enum == "":
		s = append(s, schemaOf(f.Type)...)
	case f.Type.Kind() == reflect.Slice:
		s = append(s, member{"type", "array"}, member{"items", append(schemaOf(f.Type.Elem()), member{"enum", strings.Split(enum, ",")})})
	default:
		s = append(append(s, schemaOf(f.Type)...), member{"enum", strings.Split(enum, ",")})
	}
	if pattern := f.Tag.Get("pattern"); pattern != "" {
		s = append(s, member{"pattern", pattern})
	}
	if def, ok := f.Tag.Lookup("default"); ok {
		var v any
		if yaml.Unmarshal([]byte(def), &v) == nil {
			s = append(s, member{"default", v})
		}
	}
	return s
}
