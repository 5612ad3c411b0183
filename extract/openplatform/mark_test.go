package openplatform

import (
	"testing"
	"time"

	"offerlake/extract"
)

// TestMarks: a row tells when its offer was changed, in the platform's zone;
// what is no date tells nothing.
func TestMarks(t *testing.T) {
	t.Parallel()
	body := `{"result":{"success":true,"result":{"totalRecords":3,"data":[
		{"offerId":1,"modifyDate":"2024-05-02 10:00:00"},{"offerId":2,"modifyDate":"yesterday"},{"offerId":3}]}}}`
	d, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	page, err := d.DecodePage(extract.Answer{Status: 200, Body: []byte(body)})
	if err != nil || len(page.Hits) != 3 {
		t.Fatalf("DecodePage = %+v, %v", page, err)
	}
	if got, want := page.Hits[0].ModifiedAt, time.Date(2024, 5, 2, 2, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("ModifiedAt = %v, want %v", got, want)
	}
	for _, h := range page.Hits[1:] {
		if !h.ModifiedAt.IsZero() {
			t.Errorf("offer %s: ModifiedAt = %v, want none", h.ID, h.ModifiedAt)
		}
	}
}
