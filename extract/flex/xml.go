package flex

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-faster/jx"
)

// Some gateways answer in XML where they are asked to. Such an answer becomes
// JSON before it is read, so that decoders know one shape only:
//
//   - the root element is the top value, whatever its name;
//   - an element with elements in it is an object, any other one a string;
//   - elements of one name within one parent are a list, at the place of the
//     first; an element that is alone stays bare, and Array and Rows take it for
//     a list of one;
//   - an element without text is "", which stands for anything that is empty;
//   - <item key="0:0"> is the field 0:0: what is no name of an element is written
//     so. Keys that are numbers are PHP's other form of a list;
//   - a list whose only content are <item> elements is what is in them.
//
// Other attributes and comments mean nothing. Numbers and booleans are text.

// maxXMLDepth bounds how deep elements are nested.
const maxXMLDepth = 1000

var (
	errTwoRoots  = errors.New("more than one root element")
	errMixed     = errors.New("text beside elements")
	errXMLDepth  = fmt.Errorf("elements are nested deeper than %d", maxXMLDepth)
	errDirective = errors.New("a document type is not read")
)

// pages are the elements that a page of HTML can begin with.
var pages = []string{"html", "head", "body", "title", "center", "div", "p", "h1", "h2", "h3", "pre", "script", "b", "font", "br", "hr"}

// startsXML reports whether text can be an answer in XML by how it begins.
func startsXML(text []byte) bool {
	if bytes.HasPrefix(text, []byte("<?xml")) {
		return true
	}
	name, ok := bytes.CutPrefix(text, []byte("<"))
	if !ok {
		return false
	}
	if end := bytes.IndexAny(name, " \t\r\n/>"); end >= 0 {
		name = name[:end]
	}
	first := byte(0)
	if len(name) > 0 {
		first = name[0] | 0x20
	}
	return first >= 'a' && first <= 'z' && !isPage(string(name))
}

func isPage(root string) bool { return slices.Contains(pages, strings.ToLower(root)) }

// element is an element of a document, in the order of the document.
type element struct {
	name     int32 // in xmlDoc.names
	end      int32 // the element after the last one inside
	from, to int32 // its text in xmlDoc.text
	next     int32 // the next one of its name within its parent, 0 = none
	again    bool  // there was one of its name within its parent before
}

// xmlDoc is a document without what means nothing.
type xmlDoc struct {
	elements []element
	text     []byte
	names    []string
	ids      map[string]int32
	open     []int32 // the elements that are being read, outermost first
}

// fromXML returns the JSON of an XML document. It is an error if there is
// anything that it cannot tell of. Entities are those of HTML; no other ones,
// and nothing outside of the document, are looked at.
func fromXML(text []byte) ([]byte, error) {
	in := xml.NewDecoder(bytes.NewReader(text))
	in.Entity = xml.HTMLEntity
	doc := xmlDoc{ids: make(map[string]int32), elements: make([]element, 0, len(text)/32)}
	for {
		token, err := in.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = doc.add(token)
		}
		if err != nil {
			return nil, fmt.Errorf("not XML that can be read: %w", err)
		}
	}
	if len(doc.elements) == 0 || isPage(doc.names[doc.elements[0].name]) {
		return nil, errNotJSON(text)
	}
	doc.link()
	return doc.value(make([]byte, 0, len(text)), 0), nil
}

func (x *xmlDoc) add(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return x.start(t)
	case xml.EndElement:
		top := &x.elements[x.open[len(x.open)-1]]
		top.end = int32(len(x.elements))
		if x.blank(*top) {
			top.to = top.from
		}
		x.open = x.open[:len(x.open)-1]
	case xml.CharData:
		return x.characters(t)
	case xml.Directive:
		return errDirective
	}
	return nil
}

func (x *xmlDoc) start(t xml.StartElement) error {
	switch {
	case len(x.open) == 0 && len(x.elements) > 0:
		return errTwoRoots
	case len(x.open) == maxXMLDepth:
		return errXMLDepth
	case len(x.open) > 0 && !x.blank(x.elements[x.open[len(x.open)-1]]):
		return errMixed
	}
	x.open = append(x.open, int32(len(x.elements)))
	at := int32(len(x.text))
	x.elements = append(x.elements, element{name: x.name(t), from: at, to: at})
	return nil
}

// name returns the number of an element's name, or of the key that it carries.
func (x *xmlDoc) name(t xml.StartElement) int32 {
	name := t.Name.Local
	if name == itemName {
		for _, a := range t.Attr {
			if a.Name.Local == "key" {
				name = a.Value
			}
		}
	}
	id, ok := x.ids[name]
	if !ok {
		id = int32(len(x.names))
		x.ids[name] = id
		x.names = append(x.names, name)
	}
	return id
}

// characters adds text to the innermost element.
func (x *xmlDoc) characters(text []byte) error {
	blank := len(bytes.TrimSpace(text)) == 0
	if len(x.open) == 0 {
		if blank {
			return nil
		}
		return errMixed
	}
	at := x.open[len(x.open)-1]
	if int(at) != len(x.elements)-1 { // it has elements in it
		if blank {
			return nil
		}
		return errMixed
	}
	x.text = append(x.text, text...)
	x.elements[at].to = int32(len(x.text))
	return nil
}

func (x *xmlDoc) blank(e element) bool { return len(bytes.TrimSpace(x.text[e.from:e.to])) == 0 }

// link chains the elements of one name within each parent.
func (x *xmlDoc) link() {
	type last struct{ parent, at int32 }
	seen := make([]last, len(x.names))
	for i := range seen {
		seen[i].parent = -1
	}
	for parent := range int32(len(x.elements)) {
		end := x.elements[parent].end
		for at := parent + 1; at < end; at = x.elements[at].end {
			e := &x.elements[at]
			if s := seen[e.name]; s.parent == parent {
				x.elements[s.at].next, e.again = at, true
			}
			seen[e.name] = last{parent, at}
		}
	}
}

// value appends the JSON of an element.
func (x *xmlDoc) value(b []byte, at int32) []byte {
	e := x.elements[at]
	if e.end == at+1 {
		return appendString(b, x.text[e.from:e.to])
	}
	b = append(b, '{')
	for child := at + 1; child < e.end; child = x.elements[child].end {
		c := x.elements[child]
		if c.again {
			continue
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(appendString(b, x.names[c.name]), ':')
		if c.next == 0 {
			b = x.value(b, child)
			continue
		}
		b = append(b, '[')
		for same := child; ; same = x.elements[same].next {
			b = x.value(b, same)
			if x.elements[same].next == 0 {
				break
			}
			b = append(b, ',')
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

// appendString appends a JSON string. Of the control characters, XML allows
// tabs and line breaks.
func appendString[T string | []byte](b []byte, s T) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"', c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// itemName is the element that carries a key, or stands for an element of a
// list.
const itemName = "item"

// wrapped ranges over a list that XML wraps in an element of its own, and
// reports whether the value is one: an object with nothing but items.
func (d *Decoder) wrapped(yield func(int) bool) bool {
	if !d.xml || !d.holdsItems() {
		return false
	}
	for range d.Object() {
		if d.in.next() == jx.Array {
			d.unread = false
			d.elements(yield)
			continue
		}
		d.path = append(d.path, step{})
		yield(0)
		d.Skip()
		d.leave(len(d.path)-1, nil)
	}
	return true
}

// holdsItems looks at an object without reading it.
func (d *Decoder) holdsItems() bool {
	only := false
	err := d.in.look(func(c *jx.Decoder) error {
		it, err := c.ObjIter()
		if err != nil {
			return err
		}
		for n := 0; it.Next(); n++ {
			only = n == 0 && string(it.Key()) == itemName
			if err := c.Skip(); err != nil {
				return err
			}
		}
		return it.Err()
	})
	return err == nil && only
}
