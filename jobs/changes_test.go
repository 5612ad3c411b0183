package jobs

import (
	"errors"
	"strings"
	"testing"

	"offerlake/pipeline/catalog"
)

const changesFile = `name: t
gateway: {kind: sandbox}
sources: [{search: {keywords: [杯]}}]
output: [{url: out, format: csv}]
changes: `

func TestChangesOfJobFile(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ yaml, want string }{
		{"{}", ""},
		{"{thresholds: {price: 5%, stock: 10}}", ""},
		{"{watch: {offers: ids.csv, column: id, fields: [price, sku_added]}, on_change: {command: [tell]}}", ""},
		{"{on_change: {webhook: 'https://example.com/x'}}", ""},
		{"{on_change: {webhook: 'http://127.0.0.1:1/x'}}", ""},
		{"{thresholds: {price: 150%}}", "is not a share"},
		{"{thresholds: {stock: -1}}", "must not be negative"},
		{"{thresholds: {stok: 1}}", `Did you mean "stock"`},
		{"{watch: {fields: [price]}}", "there is no on_change"},
		{"{watch: {fields: [prices]}, on_change: {command: [tell]}}", `Did you mean "price"`},
		{"{watch: {fields: [price, price]}, on_change: {command: [tell]}}", "price is there twice"},
		{"{watch: {column: id}, on_change: {command: [tell]}}", "but there is none"},
		{"{on_change: {}}", "needs command or webhook"},
		{"{on_change: {command: ['']}}", "is empty"},
		{"{on_change: {webhook: 'http://example.com/secret'}}", "unencrypted"},
		{"{on_change: {webhook: 'ftp://example.com/secret'}}", "not an absolute http or https URL"},
	} {
		_, err := Parse("job.yaml", []byte(changesFile+test.yaml), LoadOptions{})
		switch {
		case test.want == "" && err != nil:
			t.Errorf("changes: %s: %v", test.yaml, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("changes: %s: error = %v, want %q", test.yaml, err, test.want)
		}
	}
}

// TestWatch: the event counts what is watched, and lists the first of it.
func TestWatch(t *testing.T) {
	t.Parallel()
	g := &eventGatherer{
		offers: map[catalog.OfferID]bool{1: true, 2: true}, fields: []string{"price", "stock"},
		event: Event{Fields: map[string]int64{}},
	}
	for range maxEventChanges {
		g.add([]catalog.Change{
			{OfferID: 1, Field: catalog.ChangePrice, Old: catalog.Some("1"), New: catalog.Some("2")},
			{OfferID: 3, Field: catalog.ChangePrice}, {OfferID: 2, Field: catalog.ChangeTitle}, {OfferID: 2, Field: catalog.ChangeStock},
		})
	}
	var nobody *eventGatherer
	nobody.add([]catalog.Change{{OfferID: 1}})
	e := g.event
	if e.Count != 2*maxEventChanges || len(e.Changes) != maxEventChanges || e.Unlisted != maxEventChanges || e.Fields["stock"] != maxEventChanges || e.Fields["title"] != 0 {
		t.Errorf("%d changes, %d listed, %d not, %v", e.Count, len(e.Changes), e.Unlisted, e.Fields)
	}
	if c := e.Changes[0]; *c.Old != "1" || *c.New != "2" || c.OldObservedAt != nil {
		t.Errorf("first change = %+v", c)
	}
}

// TestEventID: the id is that of the job, the date and the answers.
func TestEventID(t *testing.T) {
	t.Parallel()
	id := eventID("t", "2026-11-22", "d")
	if len(id) != 32 || id != eventID("t", "2026-11-22", "d") {
		t.Errorf("id = %q", id)
	}
	for _, other := range []string{eventID("u", "2026-11-22", "d"), eventID("t", "2026-11-23", "d"), eventID("t", "2026-11-22", "e")} {
		if id == other {
			t.Error("another job, date or journal has the same id")
		}
	}
}

// TestOnChangeErrors: what goes wrong is told without the address of the
// webhook, and with the end of what a command said.
func TestOnChangeErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		o    OnChange
		want []string
	}{
		{OnChange{Webhook: "http://127.0.0.1:1/secret?token=secret"}, []string{"127.0.0.1:1", "refused"}},
		{OnChange{Command: []string{"sh", "-c", "echo no such channel >&2; exit 3"}}, []string{"exit status 3", "no such channel"}},
		{OnChange{Command: []string{"/no/such/program"}, Webhook: "http://127.0.0.1:1/secret"}, []string{"/no/such/program", "webhook"}},
	} {
		err := test.o.hook().fire(t.Context(), t.TempDir(), message{id: "i", body: []byte("{}")})
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%+v: error = %v, want %q and no secret", test.o, err, want)
			}
		}
	}
	ok := OnChange{Command: []string{"sh", "-c", `test "$OFFERLAKE_EVENT_ID" = i && grep -q '"x"'`}}
	if err := ok.hook().fire(t.Context(), t.TempDir(), message{id: "i", body: []byte(`{"x":1}`)}); err != nil {
		t.Error(errors.Unwrap(err), err)
	}
}
