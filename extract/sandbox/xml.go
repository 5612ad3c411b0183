package sandbox

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// xmlStyle is how a gateway writes in XML what it else writes as JSON. How the
// live gateways do it is not on record; these are the conventions of common
// serialisers:
//
//   - a field is an element of its name, or <item key="0:0"> where the name
//     could be none of an element;
//   - null, "" and what is empty is an element without content;
//   - a list is its field's element once for each of its elements, in wrapped
//     style and within another list one element with <item key="0"> for each;
//   - numbers and strings are text, markup in them is escaped.
type xmlStyle struct {
	root    string
	yes, no string // true and false
	wrapped bool
}

var (
	phpXML  = xmlStyle{root: "root", yes: "1"} // PHP prints false as nothing
	javaXML = xmlStyle{root: "response", yes: "true", no: "false"}
)

// convert returns a JSON document as XML.
func (s xmlStyle) convert(doc []byte) ([]byte, error) {
	x := xmlWriter{xmlStyle: s, in: json.NewDecoder(bytes.NewReader(doc))}
	x.in.UseNumber()
	x.out.Grow(len(doc) + len(doc)/2)
	x.out.WriteString(`<?xml version="1.0" encoding="utf-8"?>` + "\n")
	if err := x.next(s.root, false); err != nil {
		return nil, fmt.Errorf("sandbox: XML of an answer: %w", err)
	}
	if _, err := x.in.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("sandbox: XML of an answer: more than one value")
	}
	return x.out.Bytes(), nil
}

// xmlWriter converts one document.
type xmlWriter struct {
	xmlStyle
	in  *json.Decoder
	out bytes.Buffer
}

// next writes the value that comes next in the document as the element name.
func (x *xmlWriter) next(name string, inList bool) error {
	token, err := x.in.Token()
	if err != nil {
		return err
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '[' {
			return x.list(name, inList)
		}
		return x.object(name)
	case string:
		return x.text(name, t)
	case json.Number:
		return x.text(name, t.String())
	case bool:
		if t {
			return x.text(name, x.yes)
		}
		return x.text(name, x.no)
	}
	return x.text(name, "")
}

func (x *xmlWriter) text(name, value string) error {
	end := x.open(name)
	if err := xml.EscapeText(&x.out, []byte(value)); err != nil {
		return err
	}
	x.out.WriteString(end)
	return nil
}

func (x *xmlWriter) object(name string) error {
	end := x.open(name)
	for x.in.More() {
		key, err := x.in.Token()
		if err != nil {
			return err
		}
		if err := x.next(fmt.Sprint(key), false); err != nil {
			return err
		}
	}
	x.out.WriteString(end)
	_, err := x.in.Token() // the closing brace
	return err
}

func (x *xmlWriter) list(name string, inList bool) error {
	empty := !x.in.More()
	wrap := x.wrapped || inList || empty
	end := ""
	if wrap {
		end = x.open(name)
	}
	for i := 0; x.in.More(); i++ {
		if wrap {
			name = strconv.Itoa(i)
		}
		if err := x.next(name, true); err != nil {
			return err
		}
	}
	x.out.WriteString(end)
	_, err := x.in.Token() // the closing bracket
	return err
}

// open writes a start tag and returns the end tag.
func (x *xmlWriter) open(name string) string {
	if isXMLName(name) {
		x.out.WriteString("<" + name + ">")
		return "</" + name + ">"
	}
	x.out.WriteString(`<item key="`)
	_ = xml.EscapeText(&x.out, []byte(name)) // a Buffer takes everything
	x.out.WriteString(`">`)
	return "</item>"
}

// isXMLName reports whether a field's name can be that of an element: plain
// ASCII is all that gateways name their fields in.
func isXMLName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c != '-' && c != '.' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != ""
}
