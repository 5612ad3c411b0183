package load_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/xitongsys/parquet-go/source"

	"offerlake/load"
	"offerlake/pipeline/catalog"
)

// rowsOf returns the rows of a table.
func rowsOf(table string, rows *catalog.Rows) []reflect.Value {
	field := map[string]string{
		"products": "Products", "skus": "SKUs", "price_tiers": "PriceTiers", "attributes": "Attributes", "images": "Images",
		"suppliers": "Suppliers", "sales": "Sales", "reviews": "Reviews", "shipping": "Shipping",
		"categories": "Categories", "hits": "Hits", "changes": "Changes", "coverage": "Coverage", "rejects": "Rejects", "flags": "Flags", "calls": "Calls",
	}[table]
	slice := reflect.ValueOf(rows).Elem().FieldByName(field)
	all := make([]reflect.Value, slice.Len())
	for i := range all {
		all[i] = slice.Index(i)
	}
	return all
}

// cells renders the fields of a row in order, which is that of the columns. A
// field that is tagged so is not of the table.
func cells(row reflect.Value) []string {
	var all []string
	for i := range row.NumField() {
		if row.Type().Field(i).Tag.Get("json") == "-" {
			continue
		}
		if row.Type().Field(i).Anonymous {
			all = append(all, cells(row.Field(i))...)
			continue
		}
		all = append(all, cell(row.Field(i), row.Type().Field(i).Name == "Day"))
	}
	return all
}

// cell renders a field; of a time that is a day, only the day.
func cell(v reflect.Value, isDay bool) string {
	if v.Kind() == reflect.Struct && strings.HasPrefix(v.Type().Name(), "Opt[") {
		if !v.FieldByName("OK").Bool() {
			return ""
		}
		v = v.FieldByName("V")
	}
	switch x := v.Interface().(type) {
	case time.Time:
		if isDay {
			return x.Format(time.DateOnly)
		}
		return x.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
	case catalog.Decimal:
		return x.String()
	case []catalog.Pair:
		var keys, values []string
		for _, p := range x {
			keys, values = append(keys, p.Key), append(values, p.Value)
		}
		return string(load.PairsJSON(nil, keys, values))
	}
	return fmt.Sprint(v.Interface())
}

// bytesFile lets the second reader read from memory.
type bytesFile struct {
	*bytes.Reader
	b []byte
}

func newBytesFile(b []byte) *bytesFile { return &bytesFile{bytes.NewReader(b), b} }

func (f *bytesFile) Open(string) (source.ParquetFile, error)   { return newBytesFile(f.b), nil }
func (f *bytesFile) Create(string) (source.ParquetFile, error) { return nil, errors.ErrUnsupported }
func (f *bytesFile) Write([]byte) (int, error)                 { return 0, io.ErrShortWrite }
func (f *bytesFile) Close() error                              { return nil }
