package dialecttest_test

import (
	"errors"
	"fmt"
	"testing"

	"offerlake/extract"
	"offerlake/extract/onebound"
	"offerlake/extract/openplatform"
	"offerlake/extract/sandbox"
	"offerlake/pipeline/catalog"
)

// Whatever the emulated gateways answer, in any of their formats, is on record:
// quirks are no drift.
func TestNoDriftInSandbox(t *testing.T) {
	t.Parallel()
	for name, d := range dialects(t) {
		for _, profile := range []sandbox.Profile{sandbox.Clean, sandbox.Rough} {
			t.Run(fmt.Sprintf("%s %s", name, profile), func(t *testing.T) {
				t.Parallel()
				s, err := sandbox.New(sandbox.Options{Offers: 300, Profile: profile})
				if err != nil {
					t.Fatal(err)
				}
				for i := range s.Catalog().Len() {
					id := s.Catalog().Offer(i).ID
					body, err := s.Detail(name, id)
					if err != nil {
						t.Fatal(err)
					}
					if found := driftOf(d, body, id); len(found) > 0 {
						t.Fatalf("offer %d has drift: %+v\n%s", id, found, body)
					}
				}
			})
		}
	}
}

// driftOf returns all drift of the answer to a detail call for one offer.
func driftOf(d extract.Dialect, body []byte, id catalog.OfferID) []catalog.Drift {
	drift := []catalog.Drift{}
	err := d.DecodeDetails(extract.Answer{Status: 200, Body: body, Drift: &drift}, []catalog.OfferID{id}, func(_ catalog.OfferID, o *catalog.Offer, _ error) {
		if o != nil {
			drift = append(drift, o.Drift...)
		}
	})
	if catalog.ClassOf(err) == catalog.ErrMalformed {
		drift = append(drift, catalog.Drift{Got: err.Error()})
	}
	return drift
}

// Looking for drift must cost next to nothing where there is none.
func BenchmarkDetailsWatched(b *testing.B) {
	s, err := sandbox.New(sandbox.Options{Offers: 100})
	if err != nil {
		b.Fatal(err)
	}
	reseller, err1 := onebound.New(onebound.Options{})
	official, err2 := openplatform.New(openplatform.Options{})
	if err := errors.Join(err1, err2); err != nil {
		b.Fatal(err)
	}
	for name, d := range map[string]extract.Dialect{"onebound": reseller, "openplatform": official} {
		for _, watched := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s watched=%v", name, watched), func(b *testing.B) {
				id := s.Catalog().Offer(0).ID
				body, err := s.Detail(name, id)
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					a := extract.Answer{Status: 200, Body: body}
					if watched {
						a.Drift = new([]catalog.Drift)
					}
					if err := d.DecodeDetails(a, []catalog.OfferID{id}, func(catalog.OfferID, *catalog.Offer, error) {}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
