package pipeline

import (
	"time"

	"offerlake/pipeline/catalog"
)

// Report is what a run did. It is complete only when Run returned nil.
type Report struct {
	Started   time.Time     `json:"started"`
	Discovery time.Duration `json:"discovery_ns"` // until the last id was known; 0 = it never was
	Total     time.Duration `json:"total_ns"`

	Snapshot              // the counters at the end
	Gateway  GatewayStats `json:"gateway"`
	// Left is the number of discovered offers that were not asked for because
	// of Drain.
	Left int64 `json:"left"`

	// Paid is the number of attempts, over all processes of the run, that a
	// gateway answered: all rows of calls but the reused and the unanswered.
	Paid int64 `json:"paid"`

	// Wasted counts the attempts, over all processes of the run, that brought no
	// usable answer, by cause; see catalog.CallRow.
	Wasted map[string]int64 `json:"wasted"`

	Rows     map[string]int64   `json:"rows"`    // handed to the tables, by table name
	Rejects  map[string]int64   `json:"rejects"` // by code
	Flags    map[string]int64   `json:"flags"`   // by code
	Stops    map[string]int64   `json:"stops"`   // leaves by the reason of their coverage row, "" = none
	Coverage []catalog.Coverage `json:"-"`       // in output order

	// Drift is how the answers differ from what is known of their APIs, worst
	// first.
	Drift []Drift `json:"drift,omitempty"`
}

func newReport(started time.Time) Report {
	return Report{Started: started, Wasted: map[string]int64{}, Rows: map[string]int64{}, Rejects: map[string]int64{}, Flags: map[string]int64{}, Stops: map[string]int64{}}
}

// add counts finished rows.
func (r *Report) add(rows *catalog.Rows) {
	for name, n := range map[string]int{
		"products": len(rows.Products), "skus": len(rows.SKUs), "price_tiers": len(rows.PriceTiers),
		"attributes": len(rows.Attributes), "images": len(rows.Images), "suppliers": len(rows.Suppliers),
		"sales": len(rows.Sales), "reviews": len(rows.Reviews), "shipping": len(rows.Shipping),
		"categories": len(rows.Categories), "hits": len(rows.Hits),
		"coverage": len(rows.Coverage), "rejects": len(rows.Rejects), "flags": len(rows.Flags), "calls": len(rows.Calls),
	} {
		r.Rows[name] += int64(n)
	}
	for i := range rows.Records {
		r.Rows[rows.Records[i].Table]++
	}
	for _, c := range rows.Calls {
		if !c.FromJournal && c.HTTPStatus != 0 {
			r.Paid++
		}
		if c.Waste.OK {
			r.Wasted[c.Waste.V]++
		}
	}
	for _, reject := range rows.Rejects {
		r.Rejects[reject.Code]++
	}
	for i := range rows.Flags {
		r.Flags[rows.Flags[i].Code]++
	}
	for _, c := range rows.Coverage {
		r.Stops[c.Reason.Or("")]++
		r.Coverage = append(r.Coverage, c)
	}
}

// finish fills in what is known at the end.
func (r *run) finish() {
	r.report.Snapshot = r.Stats.Snapshot()
	r.report.Gateway = r.Gateway()
	r.report.Drift = r.drift.sorted()
	r.report.Left = r.left.Load()
	r.report.Discovery = time.Duration(r.discovery.Load())
	r.report.Total = r.Now().Sub(r.report.Started)
}
