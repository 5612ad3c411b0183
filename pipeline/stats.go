package pipeline

import (
	"sync/atomic"
	"time"
)

// Stats counts while one run goes on. The zero value is ready; all methods are
// safe for concurrent use.
type Stats struct {
	leavesTotal, leavesDone    atomic.Int64
	pages, probes, declared    atomic.Int64
	discovered, again, details atomic.Int64
	products, skus, rejected   atomic.Int64
	filtered                   atomic.Int64
	enrichTotal, enrichDone    atomic.Int64
	discoveryDone              atomic.Bool
}

// Snapshot is the state of a run, or of several, at one moment.
type Snapshot struct {
	LeavesTotal   int64 `json:"leaves_total"`   // known so far, after expansion
	LeavesDone    int64 `json:"leaves_done"`    // paged to an end, or given up
	Pages         int64 `json:"pages"`          // merged
	Probes        int64 `json:"probes"`         // attempts that prepared leaves: splitting, sub-categories, uploads
	Declared      int64 `json:"declared"`       // sum of the totals that the leaves declared; leaves may overlap
	Discovered    int64 `json:"discovered"`     // distinct offers, but those that a filter left out by their price
	Duplicates    int64 `json:"duplicates"`     // ids that were listed again
	Details       int64 `json:"details"`        // offers whose details were answered, refused or given up
	Products      int64 `json:"products"`       // rows handed to the tables
	SKUs          int64 `json:"skus"`           // rows handed to the tables
	Rejected      int64 `json:"rejected"`       // rows of the rejects table, but those of filters
	Filtered      int64 `json:"filtered"`       // offers that a filter left out, before or after their details
	EnrichTotal   int64 `json:"enrich_total"`   // subjects of enrichments, known so far
	EnrichDone    int64 `json:"enrich_done"`    // of these, answered, refused or given up
	DiscoveryDone bool  `json:"discovery_done"` // Discovered is final
}

// Snapshot reads the counters. They are read one by one, so they may differ by
// what happens in between.
func (s *Stats) Snapshot() Snapshot {
	return Snapshot{
		LeavesTotal: s.leavesTotal.Load(), LeavesDone: s.leavesDone.Load(),
		Pages: s.pages.Load(), Probes: s.probes.Load(), Declared: s.declared.Load(),
		Duplicates: s.again.Load(), Details: s.details.Load(), Discovered: s.discovered.Load(),
		Products: s.products.Load(), SKUs: s.skus.Load(), Rejected: s.rejected.Load(),
		Filtered: s.filtered.Load(), EnrichTotal: s.enrichTotal.Load(), EnrichDone: s.enrichDone.Load(),
		DiscoveryDone: s.discoveryDone.Load(),
	}
}

// Add returns the state of two runs taken together.
func (s Snapshot) Add(o Snapshot) Snapshot {
	return Snapshot{
		LeavesTotal: s.LeavesTotal + o.LeavesTotal, LeavesDone: s.LeavesDone + o.LeavesDone,
		Pages: s.Pages + o.Pages, Probes: s.Probes + o.Probes, Declared: s.Declared + o.Declared,
		Discovered: s.Discovered + o.Discovered, Duplicates: s.Duplicates + o.Duplicates, Details: s.Details + o.Details,
		Products: s.Products + o.Products, SKUs: s.SKUs + o.SKUs, Rejected: s.Rejected + o.Rejected,
		Filtered: s.Filtered + o.Filtered, EnrichTotal: s.EnrichTotal + o.EnrichTotal, EnrichDone: s.EnrichDone + o.EnrichDone,
		DiscoveryDone: s.DiscoveryDone && o.DiscoveryDone,
	}
}

// GatewayStats are the numbers of a gateway client.
type GatewayStats struct {
	Calls     int64 `json:"calls"`     // attempts that went out
	Retries   int64 `json:"retries"`   // of these, not the first of their call
	Throttled int64 `json:"throttled"` // of these, answered with "too fast"
	// Wasted are those without a usable answer, by cause; see catalog.CallRow.
	Wasted      map[string]int64 `json:"wasted,omitempty"`
	FromJournal int64            `json:"from_journal"` // calls answered by this run's own journal
	Reused      int64            `json:"reused"`       // calls answered by an earlier run's journal
	// ReusedOffers have details of an earlier run, Unchanged of them because
	// their row of search results is that of an offer that was not changed since.
	ReusedOffers int64         `json:"reused_offers"`
	Unchanged    int64         `json:"unchanged"`
	Rate         float64       `json:"rate"`  // calls per second, lately
	Limit        float64       `json:"limit"` // calls per second that the limiter allows now; 0 = no limit
	InFlight     int64         `json:"in_flight"`
	Waited       time.Duration `json:"waited_ns"` // spent waiting for the limiter, summed over all calls

	Endpoints   []EndpointStats   `json:"endpoints,omitempty"`   // in order of preference
	Credentials []CredentialStats `json:"credentials,omitempty"` // in order
}

// EndpointStats are the numbers of one base URL of a gateway.
type EndpointStats struct {
	Host     string `json:"host"`
	State    string `json:"state"`    // up, down (left alone for a while) or trial (one call decides)
	Calls    int64  `json:"calls"`    // attempts that went to it
	Failures int64  `json:"failures"` // of these, without an answer or with a server's error
}

// CredentialStats are the numbers of one credential, which they do not reveal.
type CredentialStats struct {
	Name       string    `json:"name"`                 // #1 is the first one
	Calls      int64     `json:"calls"`                // attempts that were made with it
	Today      int64     `json:"today"`                // calls of the gateway's day, as far as known
	PerDay     int64     `json:"per_day,omitempty"`    // how many there may be; 0 = no limit is known
	RestsUntil time.Time `json:"rests_until,omitzero"` // its quota is used up until then
}
