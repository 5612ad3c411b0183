package load

import (
	"time"

	"offerlake/pipeline/catalog"
)

func calls() *Table {
	type row = catalog.CallRow
	return newTable("calls", "One row per attempt of a call.",
		func(r *catalog.Rows) []row { return r.Calls },
		instantOf("at", "When the answer arrived.", func(c *row) time.Time { return c.At }, key|stepping),
		textOf("api", "The API that was called.", func(c *row) string { return c.API }, plain),
		int32Of("attempt", "Number of the attempt, from 1.", func(c *row) int32 { return c.Attempt }, plain),
		textOf("outcome", "ok, or the class of the error.", func(c *row) string { return c.Outcome }, plain),
		int32Of("http_status", "HTTP status; 0 when no answer arrived.", func(c *row) int32 { return c.HTTPStatus }, plain),
		textOpt("error_code", "The gateway's own error code.", func(c *row) catalog.Opt[string] { return c.ErrorCode }, plain),
		int64Of("latency_ms", "Time to the whole answer, in milliseconds.", func(c *row) int64 { return c.LatencyMS }, stepping),
		int64Of("bytes", "Size of the answer after content decoding.", func(c *row) int64 { return c.Bytes }, key|stepping),
		boolOf("from_journal", "Taken from an earlier run's journal instead of being paid for.", func(c *row) bool { return c.FromJournal }, plain),
		textOpt("waste", "Why the attempt brought no usable answer, null if it did: a class of error or a cause.", func(c *row) catalog.Opt[string] { return c.Waste }, plain),
	)
}
