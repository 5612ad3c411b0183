package dialecttest_test

import (
	"errors"
	"fmt"
	"testing"

	"offerlake/extract"
	"offerlake/extract/bearer"
	"offerlake/extract/onebound"
	"offerlake/extract/openplatform"
	"offerlake/extract/sandbox"
	"offerlake/pipeline/catalog"
)

// Every dialect decodes the details of a whole emulated catalogue, in its clean
// and in its rough form; what must survive is compared with the truth.
func TestDetailsOfSandbox(t *testing.T) {
	t.Parallel()
	for name, d := range dialects(t) {
		for _, profile := range []sandbox.Profile{sandbox.Clean, sandbox.Rough} {
			t.Run(fmt.Sprintf("%s %s", name, profile), func(t *testing.T) {
				t.Parallel()
				checkCatalog(t, name, d, profile)
			})
		}
	}
}

func dialects(t *testing.T) map[string]extract.Dialect {
	t.Helper()
	reseller, err1 := onebound.New(onebound.Options{})
	official, err2 := openplatform.New(openplatform.Options{})
	token, err3 := bearer.New(bearer.Options{})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	return map[string]extract.Dialect{"onebound": reseller, "openplatform": official, "bearer": token}
}

func checkCatalog(t *testing.T, name string, d extract.Dialect, profile sandbox.Profile) {
	t.Helper()
	s, err := sandbox.New(sandbox.Options{Offers: 500, Profile: profile})
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.Catalog().Len() {
		truth := s.Catalog().Offer(i)
		body, err := s.Detail(name, truth.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := compare(d, body, truth); err != nil {
			t.Errorf("offer %d: %v", truth.ID, err)
		}
	}
}

// compare decodes body and returns the first difference to the truth.
func compare(d extract.Dialect, body []byte, truth sandbox.Truth) error {
	var got *catalog.Offer
	err := d.DecodeDetails(extract.Answer{Status: 200, Body: body}, []catalog.OfferID{truth.ID},
		func(_ catalog.OfferID, o *catalog.Offer, _ error) { got = o })
	if truth.Delisted {
		if catalog.ClassOf(err) != catalog.ErrDelisted {
			return fmt.Errorf("error %v, want %v", err, catalog.ErrDelisted)
		}
		return nil
	}
	switch {
	case err != nil:
		return err
	case got == nil:
		return fmt.Errorf("was not emitted")
	case got.ID != truth.ID:
		return fmt.Errorf("id %d", got.ID)
	case len(got.DecodeIssues) > 0 || got.SKUTableIsBad:
		return fmt.Errorf("issues %v, SKU table bad: %v", got.DecodeIssues, got.SKUTableIsBad)
	case len(got.Attributes) != len(truth.Attributes):
		return fmt.Errorf("%d attributes, want %d", len(got.Attributes), len(truth.Attributes))
	case len(got.Tiers) != len(truth.Tiers):
		return fmt.Errorf("%d tiers, want %d", len(got.Tiers), len(truth.Tiers))
	case got.Title == "" || got.CategoryID == "" || got.MinOrder == "" || got.Stock == "" || got.Supplier.ID == "":
		return fmt.Errorf("an empty field in %+v", got)
	case got.FreeShipping.OK && got.FreeShipping.V != truth.FreeShipping:
		return fmt.Errorf("free shipping %v", got.FreeShipping)
	}
	return compareSKUs(got.SKUs, truth.SKUs)
}

func compareSKUs(got []catalog.OfferSKU, truth []sandbox.TruthSKU) error {
	if len(got) != len(truth) {
		return fmt.Errorf("%d SKUs, want %d", len(got), len(truth))
	}
	ids := make(map[string]sandbox.TruthSKU, len(truth))
	for _, s := range truth {
		ids[fmt.Sprint(s.ID)] = s
	}
	for _, s := range got {
		want, ok := ids[s.ID]
		if !ok || s.SpecID != want.SpecID || s.Stock != fmt.Sprint(want.Stock) || len(s.Attributes) != len(want.Attributes) {
			return fmt.Errorf("SKU %+v, want %+v", s, want)
		}
		delete(ids, s.ID)
	}
	return nil
}
