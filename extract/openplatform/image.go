package openplatform

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

// pictureBytes is the largest picture that the platform takes as measured:
// larger ones may be answered with the id "0".
const pictureBytes = 100_000

// checksumParam stands for the picture in the call's key. Build sends the
// picture itself instead.
const checksumParam = "sha256"

// Upload builds the call that hands a picture to the platform. A picture that
// is on the platform's own image hosts is searched by its URL instead.
func (*Dialect) Upload(p catalog.Picture) (extract.Request, bool, error) {
	if len(p.Data) == 0 {
		return extract.Request{}, false, onCDN(p)
	}
	if len(p.Data) > pictureBytes {
		return extract.Request{}, false, fmt.Errorf("openplatform: picture %s has %d bytes; the platform takes at most %d", pictureName(p), len(p.Data), pictureBytes)
	}
	sum := p.SHA256
	if sum == "" {
		h := sha256.Sum256(p.Data)
		sum = hex.EncodeToString(h[:])
	}
	return extract.Request{
		API: apiUpload, Params: catalog.Params{checksumParam: sum}, File: &extract.File{Name: p.File, Data: p.Data},
	}, true, nil
}

func pictureName(p catalog.Picture) string {
	if p.File != "" {
		return p.File
	}
	return p.URL
}

// onCDN returns an error for a picture that is neither uploaded nor on the
// hosts that 1688 keeps its pictures on.
func onCDN(p catalog.Picture) error {
	if p.Handle != "" {
		return nil
	}
	u, err := url.Parse(p.URL)
	if err == nil && (u.Scheme == "https" || u.Scheme == "http") {
		host := strings.ToLower(u.Hostname())
		for _, cdn := range []string{"alicdn.com", "china.alibaba.com"} {
			if host == cdn || strings.HasSuffix(host, "."+cdn) {
				return nil
			}
		}
	}
	return fmt.Errorf("openplatform: %q is not a picture on 1688's own hosts (such as cbu01.alicdn.com), and the platform fetches no others: "+
		"download the picture and name the file under files: instead", p.URL)
}

// DecodeUpload reads the id that the platform gave the picture. None, or "0",
// is how it refuses one.
func (d *Dialect) DecodeUpload(a extract.Answer) (string, error) {
	var r uploadReader
	r.scalar = func() {
		r.id = r.d.Text()
		r.payload = true
	}
	if err := d.read(a, &r.answer, func([]byte) {}); err != nil {
		return "", err
	}
	if r.id == "" || r.id == "0" {
		return "", &catalog.GatewayError{
			Class: catalog.ErrInvalid, Status: a.Status, Code: r.outcome.Code,
			Message: fmt.Sprintf("the platform took the picture but gave it no id (%q): hand in a JPEG or PNG of less than 100 KB, "+
				"scaled down to some 800 pixels", r.id),
		}
	}
	return r.id, nil
}

type uploadReader struct {
	answer
	id string
}
