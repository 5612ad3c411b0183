package openplatform

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offerlake/extract"
	"offerlake/extract/dialecttest"
	"offerlake/pipeline/catalog"
)

const sumOfABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

func TestUpload(t *testing.T) {
	t.Parallel()
	d := newDialect(t, Options{})
	big := make([]byte, d.Limits().PictureBytes+1)
	cases := []struct {
		name    string
		picture catalog.Picture
		want    extract.Request
		ok      bool
		err     string
	}{
		{
			"file", catalog.Picture{File: "a.png", SHA256: "00ff", Data: []byte("abc")},
			extract.Request{API: apiUpload, Params: catalog.Params{"sha256": "00ff"}, File: &extract.File{Name: "a.png", Data: []byte("abc")}}, true, "",
		},
		{
			"without a checksum", catalog.Picture{Data: []byte("abc")},
			extract.Request{API: apiUpload, Params: catalog.Params{"sha256": sumOfABC}, File: &extract.File{Data: []byte("abc")}}, true, "",
		},
		{"on the platform", catalog.Picture{URL: "http://img.china.alibaba.com/img/1.jpg"}, extract.Request{}, false, ""},
		{"too large", catalog.Picture{File: "b.png", Data: big}, extract.Request{}, false, "picture b.png has 100001 bytes; the platform takes at most 100000"},
		{"elsewhere", catalog.Picture{URL: "https://notalicdn.com/1.jpg"}, extract.Request{}, false, "name the file under files: instead"},
		{"no address", catalog.Picture{URL: "ftp://cbu01.alicdn.com/1.jpg"}, extract.Request{}, false, "name the file under files: instead"},
	}
	for _, c := range cases {
		got, ok, err := d.Upload(c.picture)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: Upload = %v, want an error with %q", c.name, err, c.err)
			}
			continue
		}
		if diff := cmp.Diff(c.want, got); err != nil || ok != c.ok || diff != "" {
			t.Errorf("%s: Upload = %v, %v (-want +got):\n%s", c.name, ok, err, diff)
		}
	}
}

// The key of the call has the picture's checksum, the wire has the picture,
// and the signature is of what is on the wire.
func TestBuildOfUpload(t *testing.T) {
	t.Parallel()
	d := newDialect(t, Options{})
	r, _, err := d.Upload(catalog.Picture{Data: []byte{0xfb, 0xff, 'x'}})
	if err != nil {
		t.Fatal(err)
	}
	req, err := d.Build(context.Background(), "https://gw.test", r, cred, now)
	got := form(t, req, err)
	if text := got.Get("uploadImageParam"); text != `{"imageBase64":"+/94"}` || got.Has(checksumParam) {
		t.Errorf("Build sends %v", got)
	}
	params := make(map[string]string)
	for k := range got {
		params[k] = got.Get(k)
	}
	if want := Sign("param2/1/com.alibaba.fenxiao.crossborder/product.image.upload/1000004", params, cred.Secret); got.Get(signatureParam) != want {
		t.Errorf("signature %s, want %s", got.Get(signatureParam), want)
	}
	if r.Params[checksumParam] == "" || len(r.Params) != 1 {
		t.Errorf("Build changed the call's parameters to %v", r.Params)
	}
}

func TestDecodeUpload(t *testing.T) {
	t.Parallel()
	d := newDialect(t, Options{})
	got, err := d.DecodeUpload(dialecttest.Answer(t, bodies, dialecttest.Case{Body: "upload.json"}))
	if got != "1095384735612345678" || err != nil {
		t.Errorf("DecodeUpload = %q, %v", got, err)
	}
	for body, class := range map[string]catalog.Class{
		`{"result":{"success":true,"code":"200","result":1095384735612345678}}`: "",
		`{"result":{"success":true,"code":"200","result":"0"}}`:                 catalog.ErrInvalid,
		`{"result":{"success":true,"code":"200","result":""}}`:                  catalog.ErrInvalid,
		`{"result":{"success":true,"code":"200"}}`:                              catalog.ErrInvalid,
		`{"result":{"success":false,"code":"500","message":"boom"}}`:            catalog.ErrUpstream,
		`{"result":{"success":true,"result":{"a":1}}}`:                          catalog.ErrInvalid,
		`{"result":{"success":true,"result":["1"]}}`:                            catalog.ErrMalformed,
		`{}`:                                catalog.ErrMalformed,
		`{"error_code":"gw.APIACLDecline"}`: catalog.ErrDenied,
	} {
		_, err := d.DecodeUpload(extract.Answer{Status: 200, Body: []byte(body)})
		if got := catalog.ClassOf(err); got != class {
			t.Errorf("DecodeUpload(%s) = %v, want %q", body, err, class)
		}
	}
	_, err = d.DecodeUpload(extract.Answer{Status: 200, Body: bytes.TrimSpace([]byte(`{"result":{"success":true,"result":"0"}}`))})
	if err == nil || !strings.Contains(err.Error(), "less than 100 KB") {
		t.Errorf("DecodeUpload of a refusal = %v, want advice", err)
	}
}
