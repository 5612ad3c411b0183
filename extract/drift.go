package extract

import "offerlake/pipeline/catalog"

// watch returns a with drift, emptied, as the list that its decoder fills: of
// several attempts the last one counts.
func watch(a Answer, drift *[]catalog.Drift) Answer {
	*drift = nil
	a.Drift = drift
	return a
}

// drifted completes what a decoder found in an answer of api: with the call and
// the record, and without credentials.
func (c *Client) drifted(api string, obs catalog.Observation, drift []catalog.Drift) []catalog.Drift {
	for i := range drift {
		d := &drift[i]
		d.API, d.Ref = api, obs.Ref
		d.Path, d.Got = c.redact.excerpt(d.Path), c.redact.excerpt(d.Got)
	}
	return drift
}
