package flex

import (
	"bytes"
	"iter"

	"github.com/go-faster/jx"
)

// Object ranges over the keys of an object. A key is valid until its value is
// read; the loop body reads the value, or leaves it to be skipped. An empty
// value of any type stands for an object without fields; any other is an
// issue.
func (d *Decoder) Object() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		switch d.take() {
		case jx.Invalid:
		case jx.Object:
			d.fields(yield)
		default:
			d.refuse("an object")
		}
	}
}

// Bounds of the names that a Decoder remembers.
const (
	maxNames = 256
	maxName  = 64 // bytes
)

// Name returns a key as a text that stays valid. The same names come in every
// document, so they are made once.
func (d *Decoder) Name(key []byte) string {
	if name, ok := d.names[string(key)]; ok {
		return name
	}
	name := string(key)
	if len(d.names) < maxNames && len(name) <= maxName {
		if d.names == nil {
			d.names = map[string]string{}
		}
		d.names[name] = name
	}
	return name
}

func (d *Decoder) fields(yield func([]byte) bool) {
	if err := d.in.open('{'); err != nil {
		d.fail(err)
		return
	}
	at := len(d.path)
	d.path = append(d.path, step{})
	wanted := true
	for first := true; d.err == nil; first = false {
		key, more, err := d.in.field(first)
		if !more || err != nil {
			d.leave(at, err)
			return
		}
		d.unread = true
		if wanted {
			d.path[at].key = key
			if wanted = yield(key); d.unread && d.watched && d.err == nil {
				d.unused(at)
			}
		}
		if d.unread {
			d.Skip()
		}
	}
	d.leave(at, nil)
}

// leave ends a container whose path began at depth at.
func (d *Decoder) leave(at int, err error) {
	d.path = d.path[:at]
	d.unread = false
	if err != nil {
		d.fail(err)
	}
}

// Array ranges over the elements of an array by index. PHP writes an array
// with gaps as an object with numeric keys, and some gateways a list of one as
// the bare object: these are ranged over too. An empty value of any type
// stands for an array without elements; any other is an issue. Elements may be
// null.
func (d *Decoder) Array() iter.Seq[int] {
	return func(yield func(int) bool) { d.array(yield) }
}

// array is Array; it reports whether the value could be taken for an array.
func (d *Decoder) array(yield func(int) bool) bool {
	switch d.take() {
	case jx.Invalid:
		return false
	case jx.Array:
		d.elements(yield)
	case jx.Object:
		d.unread = true
		switch d.Kind() {
		case Positions:
			d.unread = false
			d.positions(yield)
		case Object:
			if d.wrapped(yield) {
				return true
			}
			d.path = append(d.path, step{})
			yield(0)
			d.Skip()
			d.leave(len(d.path)-1, nil)
		default:
			d.Skip()
		}
	default:
		return d.refuse("a list")
	}
	return true
}

func (d *Decoder) elements(yield func(int) bool) {
	if err := d.in.open('['); err != nil {
		d.fail(err)
		return
	}
	at := len(d.path)
	d.path = append(d.path, step{})
	wanted := true
	for i := 0; d.err == nil; i++ {
		more, err := d.in.element(i == 0)
		if !more || err != nil {
			d.leave(at, err)
			return
		}
		d.unread = true
		if wanted {
			d.path[at].index = i
			wanted = yield(i)
		}
		d.Skip()
	}
	d.leave(at, nil)
}

// positions ranges over the fields of an object as over an array's elements.
func (d *Decoder) positions(yield func(int) bool) {
	i := -1
	d.fields(func([]byte) bool {
		i++
		return yield(i)
	})
}

// Table says what Rows found.
type Table struct {
	Rows       int  // elements that are objects
	Dropped    int  // null and empty elements, and those that are no objects
	Unreadable bool // the value is no table, and not empty either
}

// Bad reports whether there was something that should have been a table of
// rows, but not one row came of it.
func (t Table) Bad() bool { return t.Unreadable || t.Rows == 0 && t.Dropped > 0 }

// Rows calls row for each element of an Array of objects. Elements that are
// not objects are counted, and issues if they are not empty either.
func (d *Decoder) Rows(row func()) Table {
	var t Table
	ok := d.array(func(int) bool {
		if d.in.next() == jx.Object {
			t.Rows++
			row()
			return true
		}
		t.Dropped++
		if d.take() != jx.Invalid {
			d.refuse("an object")
		}
		return true
	})
	t.Unreadable = !ok
	return t
}

// refuse reads a value that should have been something else. It reports
// whether the value is one of the empty ones, which stand for anything;
// otherwise the value is an issue.
func (d *Decoder) refuse(want string) bool {
	got := d.in.next()
	raw := d.raw()
	if d.err != nil || isEmpty(raw) {
		return true
	}
	d.Report("want "+want+", got "+got.String(), raw)
	d.changedType(want, got)
	return false
}

// isEmpty reports whether raw is a value that PHP makes of something absent.
func isEmpty(raw []byte) bool {
	switch string(raw) {
	case `""`, "null", "false", "[]", "{}":
		return true
	}
	if raw[0] != '[' && raw[0] != '{' {
		return false
	}
	return len(bytes.TrimSpace(raw[1:len(raw)-1])) == 0
}
