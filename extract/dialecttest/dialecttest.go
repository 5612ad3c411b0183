// Package dialecttest tests the decoders of dialects: goldens of captured
// answers, and fuzzing. Only tests import it.
package dialecttest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

// Case is a stored answer: to a search if there are no IDs, else to a call for
// the details of IDs.
type Case struct {
	Body   string // file name below the test's directory
	Status int    // default 200
	IDs    []catalog.OfferID
}

// Golden decodes each case and compares what comes of it with
// dir/golden/<Body>, which it writes if update is set.
func Golden(t *testing.T, d extract.Dialect, dir string, update bool, cases []Case) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.Body, func(t *testing.T) {
			t.Parallel()
			got := decode(t, d, dir, c)
			name := filepath.Join(dir, "golden", c.Body)
			if update {
				write(t, name, got)
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("decoding %s (-want +got):\n%s", c.Body, diff)
			}
		})
	}
}

func write(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func decode(t *testing.T, d extract.Dialect, dir string, c Case) []byte {
	t.Helper()
	a := Answer(t, dir, c)
	if c.IDs != nil {
		return text(t, details(d, a, c.IDs))
	}
	page, err := d.DecodePage(a)
	if err != nil {
		return text(t, failure(err))
	}
	return text(t, page)
}

// Answer reads the stored answer of c.
func Answer(tb testing.TB, dir string, c Case) extract.Answer {
	tb.Helper()
	body, err := os.ReadFile(filepath.Join(dir, c.Body))
	if err != nil {
		tb.Fatal(err)
	}
	return extract.Answer{Status: max(c.Status, 200), Body: body}
}

// result is what DecodeDetails gave, in order.
type result struct {
	Emitted []emitted
	Error   any
}

type emitted struct {
	ID    catalog.OfferID
	Offer *catalog.Offer
	Error any
}

func details(d extract.Dialect, a extract.Answer, ids []catalog.OfferID) result {
	var r result
	err := d.DecodeDetails(a, ids, func(id catalog.OfferID, o *catalog.Offer, err error) {
		r.Emitted = append(r.Emitted, emitted{ID: id, Offer: o, Error: failure(err)})
	})
	r.Error = failure(err)
	return r
}

// failure shows the parts of a gateway error.
func failure(err error) any {
	if err == nil {
		return nil
	}
	var ge *catalog.GatewayError
	if !errors.As(err, &ge) {
		return fmt.Sprintf("not a GatewayError: %v", err)
	}
	return map[string]any{"Class": ge.Class, "Status": ge.Status, "Code": ge.Code, "Message": ge.Message}
}

// text prints v as indented JSON without its empty fields.
func text(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(prune(tree)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// prune drops the fields that hold zero values.
func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, f := range v {
			if f = prune(f); f == nil {
				delete(v, k)
			} else {
				v[k] = f
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		if len(v) == 0 {
			return nil
		}
		for i := range v {
			v[i] = prune(v[i])
		}
	case json.Number:
		if v == "0" {
			return nil
		}
	case string:
		if v == "" {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	}
	return v
}

// statuses are the HTTP statuses that fuzzing gives to bodies.
var statuses = []int{200, 400, 401, 403, 404, 429, 500, 502}

// Fuzz gives bodies that derive from dir's files to all of d's decoders. They
// must not panic, must give the same twice, must class every error, and must
// emit each offer once, with valid text.
func Fuzz(f *testing.F, d extract.Dialect, dir string) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	inXML, _ := filepath.Glob(filepath.Join(dir, "*.xml")) // the pattern is as good as the one above
	files = append(files, inXML...)
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds in %s: %v", dir, err)
	}
	for i, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(0), body)
		f.Add(uint8(i), body)
	}
	ids := []catalog.OfferID{610947572360, 570027659932}
	f.Fuzz(func(t *testing.T, status uint8, body []byte) {
		a := extract.Answer{Status: statuses[int(status)%len(statuses)], Body: body}
		sent := bytes.Clone(body)
		checkPage(t, d, a)
		checkDetails(t, d, a, ids[:1])
		checkDetails(t, d, a, ids)
		checkOptional(t, d, a)
		if !bytes.Equal(sent, body) {
			t.Errorf("the body was changed")
		}
	})
}

func checkError(t *testing.T, err error) {
	t.Helper()
	var ge *catalog.GatewayError
	if err != nil && (!errors.As(err, &ge) || ge.Class == "") {
		t.Errorf("error without a class: %v", err)
	}
}

func checkPage(t *testing.T, d extract.Dialect, a extract.Answer) {
	t.Helper()
	page, err := d.DecodePage(a)
	checkError(t, err)
	again, _ := d.DecodePage(a)
	if !reflect.DeepEqual(page, again) {
		t.Errorf("DecodePage twice = %v and %v", page, again)
	}
	for _, h := range page.Hits {
		if h.ID <= 0 {
			t.Errorf("DecodePage gave the id %d", h.ID)
		}
	}
}

func checkDetails(t *testing.T, d extract.Dialect, a extract.Answer, ids []catalog.OfferID) {
	t.Helper()
	var seen []catalog.OfferID
	err := d.DecodeDetails(a, ids, func(id catalog.OfferID, o *catalog.Offer, err error) {
		checkError(t, err)
		if id <= 0 || slices.Contains(seen, id) {
			t.Errorf("DecodeDetails(%v) emitted %d after %v", ids, id, seen)
		}
		seen = append(seen, id)
		if (o == nil) == (err == nil) || o != nil && o.ID != id {
			t.Errorf("DecodeDetails emitted offer %v with error %v for %d", o, err, id)
		}
		checkText(t, o)
	})
	checkError(t, err)
	if err != nil && seen != nil {
		t.Errorf("DecodeDetails emitted %v and then failed: %v", seen, err)
	}
	if first, second := details(d, a, ids), details(d, a, ids); !reflect.DeepEqual(first, second) {
		t.Errorf("DecodeDetails twice differs:\n%s", cmp.Diff(first, second))
	}
}

// checkText checks the strings of an offer by way of printing it.
func checkText(t *testing.T, o *catalog.Offer) {
	t.Helper()
	if s := fmt.Sprintf("%v", o); !utf8.ValidString(s) {
		t.Errorf("an offer holds invalid UTF-8: %q", s)
	}
}

// Upload checks that the body of req is a form with one file.
func Upload(t *testing.T, req *http.Request, field, name, data string) {
	t.Helper()
	file, header, err := req.FormFile(field)
	if err != nil {
		t.Fatalf("field %q: %v", field, err)
	}
	got, err := io.ReadAll(file)
	if err != nil || string(got) != data || header.Filename != name {
		t.Errorf("field %q = file %q with %q, %v, want %q with %q", field, header.Filename, got, err, name, data)
	}
}

// Vector is a signature that was computed by other means.
type Vector struct {
	Dialect, Case, Secret, Signature string
	Params                           map[string]string
}

// Signatures checks that sign reproduces the n signatures of a dialect.
func Signatures(t *testing.T, dialect string, n int, sign func(params map[string]string, secret string) string) {
	t.Helper()
	b, err := os.ReadFile("../../testdata/extract/signatures.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []Vector
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		if v.Dialect != dialect {
			continue
		}
		n--
		if got := sign(v.Params, v.Secret); got != v.Signature {
			t.Errorf("signature of %q = %s, want %s", v.Case, got, v.Signature)
		}
	}
	if n != 0 {
		t.Errorf("signatures.json has %d fewer cases than expected for %s", n, dialect)
	}
}

func checkOptional(t *testing.T, d extract.Dialect, a extract.Answer) {
	t.Helper()
	if c, ok := d.(extract.CategoryDialect); ok {
		_, err := c.DecodeChildren(a)
		checkError(t, err)
	}
	if c, ok := d.(extract.CallDialect); ok {
		payload, err := c.DecodeCall(a)
		checkError(t, err)
		if json.Valid(payload) != (err == nil) {
			t.Errorf("DecodeCall = %q, %v", payload, err)
		}
	}
	checkExtras(t, d, a)
	if c, ok := d.(extract.TokenDialect); ok {
		token, err := c.DecodeToken(a, time.Unix(1732248000, 0))
		checkError(t, err)
		if (token.Access == "") != (err != nil) {
			t.Errorf("DecodeToken = %q, %v", token.Access, err)
		}
	}
}

// checkExtras checks the decoders of those extensions that d makes calls for.
func checkExtras(t *testing.T, d extract.Dialect, a extract.Answer) {
	t.Helper()
	if c, ok := d.(extract.ImageDialect); ok {
		if _, uploads, _ := c.Upload(catalog.Picture{URL: "https://img.test/a.jpg", Data: []byte{0xff}}); uploads {
			handle, err := c.DecodeUpload(a)
			checkError(t, err)
			if (handle == "") != (err != nil) {
				t.Errorf("DecodeUpload = %q, %v", handle, err)
			}
		}
	}
	if c, ok := d.(extract.EnrichCallDialect); ok {
		for kind, way := range c.Enrichments() {
			if way != extract.ByCall {
				continue
			}
			extra, err := c.DecodeExtra(kind, catalog.Subject{Offer: 1}, a)
			checkError(t, err)
			if s := fmt.Sprintf("%v", extra); !utf8.ValidString(s) {
				t.Errorf("what was told of %s holds invalid UTF-8: %q", kind, s)
			}
		}
	}
}
