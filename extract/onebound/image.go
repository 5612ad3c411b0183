package onebound

import (
	"fmt"
	"strings"

	"offerlake/extract"
	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

// Upload builds the call that hands the URL of a picture to the gateway.
func (d *Dialect) Upload(p catalog.Picture) (extract.Request, bool, error) {
	if p.Handle != "" {
		return extract.Request{}, false, nil
	}
	if !strings.HasPrefix(p.URL, "https://") && !strings.HasPrefix(p.URL, "http://") {
		name := p.File
		if name == "" {
			name = p.URL
		}
		return extract.Request{}, false, fmt.Errorf("onebound: picture %q: the gateway takes pictures by their http or https URL only, not as files: "+
			"put it on a web server and name its address under urls: instead", name)
	}
	params := d.params()
	params["imgcode"] = p.URL
	return extract.Request{API: apiUpload, Params: params}, true, nil
}

// DecodeUpload reads what the gateway calls the picture: an id or an address.
// Where exactly it stands is not on record (wire.md 4.5): the documentation
// names a list of items, spelled itmes there, and clients look for imgid and
// name at several places. All of these are read, imgid first.
func (d *Dialect) DecodeUpload(a extract.Answer) (string, error) {
	r := uploadReader{best: len(handleNames)}
	err := d.pool.Read(a.Status, a.Body, func(in *flex.Decoder) {
		r.d = in
		r.read(r.field)
	})
	if err != nil {
		return "", err
	}
	r.payload = r.payload || r.handle != ""
	if err := r.check(a.Status); err != nil {
		return "", err
	}
	if r.handle == "" {
		return "", &catalog.GatewayError{
			Class: catalog.ErrInvalid, Status: a.Status, Code: r.code,
			Message: "the gateway gave the picture no name: see whether its address can be opened without signing in",
		}
	}
	return r.handle, nil
}

// handleNames are the fields that hold what a picture is called, by falling
// precedence. A text without a name of its own comes last.
var handleNames = []string{"imgid", "img_id", "name", "pic_url", "img_url", "url", ""}

// maxNesting bounds how deep containers are looked into.
const maxNesting = 6

type uploadReader struct {
	answer
	handle string
	best   int // the place of handle's field in handleNames
	depth  int
}

func (r *uploadReader) field(key []byte) {
	switch string(key) {
	case "items", "itmes", "item", "itme", "data", "result", "response":
		r.payload = true
		r.look()
	default:
		r.named(string(key))
	}
}

// named takes the value of a field if it may hold what the picture is called.
func (r *uploadReader) named(key string) {
	for i, name := range handleNames {
		if name != key || i >= r.best || r.d.Kind() != flex.Scalar {
			continue
		}
		if v := r.d.Text(); v != "" {
			r.handle, r.best = v, i
		}
		return
	}
}

// look reads a container: an object, a list, or the text itself.
func (r *uploadReader) look() {
	if r.depth++; r.depth > maxNesting {
		return
	}
	defer func() { r.depth-- }()
	d := r.d
	switch d.Kind() {
	case flex.Scalar:
		r.named("")
	case flex.Array, flex.Positions:
		for range d.Array() {
			r.look()
		}
	case flex.Object:
		for key := range d.Object() {
			if string(key) == "error" {
				r.item = d.Text()
				continue
			}
			r.field(key)
		}
	}
}
