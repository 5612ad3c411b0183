package jobs

import (
	"fmt"
	"strings"

	"offerlake/extract"
	"offerlake/pipeline"
	"offerlake/pipeline/catalog"
)

// gatewayStats are a client's figures as progress and reports show them.
func gatewayStats(s extract.Stats) pipeline.GatewayStats {
	g := pipeline.GatewayStats{
		Calls: s.Calls, Retries: s.Retries, Throttled: s.Throttled, Wasted: s.Wasted, FromJournal: s.FromJournal, Reused: s.Reused, ReusedOffers: s.ReusedOffers, Unchanged: s.Unchanged,
		Rate: s.Pace, Limit: s.Rate, InFlight: int64(s.InFlight), Waited: s.WaitedAtLimit,
	}
	if g.Limit >= extract.Unlimited {
		g.Limit = 0
	}
	for _, e := range s.Endpoints {
		g.Endpoints = append(g.Endpoints, pipeline.EndpointStats(e))
	}
	for _, c := range s.Credentials {
		g.Credentials = append(g.Credentials, pipeline.CredentialStats(c))
	}
	return g
}

// endpointsText lists what went to which endpoint, "" when there is nothing to
// tell apart and nothing went wrong.
func endpointsText(all []pipeline.EndpointStats) string {
	var parts []string
	failed := false
	for _, e := range all {
		part := fmt.Sprintf("%s %s calls", e.Host, count(e.Calls))
		if e.Failures > 0 {
			failed = true
			part += fmt.Sprintf(", %s failed", count(e.Failures))
		}
		if e.State != extract.EndpointUp {
			part += ", " + e.State
		}
		parts = append(parts, part)
	}
	if len(parts) < 2 && !failed {
		return ""
	}
	return strings.Join(parts, "; ")
}

// credentialsText lists what was called with which credential, "" when there
// is one and its quota is not known.
func credentialsText(all []pipeline.CredentialStats) string {
	var parts []string
	limited := false
	for _, c := range all {
		part := fmt.Sprintf("%s %s calls", c.Name, count(c.Calls))
		if c.PerDay > 0 {
			limited = true
			part += fmt.Sprintf(" (%s of %s today)", count(c.Today), count(c.PerDay))
		}
		if !c.RestsUntil.IsZero() {
			limited = true
			part += ", rests until " + c.RestsUntil.In(catalog.GatewayZone).Format("2006-01-02 15:04 MST")
		}
		parts = append(parts, part)
	}
	if len(parts) < 2 && !limited {
		return ""
	}
	return strings.Join(parts, "; ")
}
