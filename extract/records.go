package extract

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"offerlake/pipeline/catalog"
)

// recordPage asks for one page of a CallQuery.
func (c *Client) recordPage(ctx context.Context, q catalog.Query, n int) (catalog.PageResult, error) {
	res := catalog.PageResult{Number: n}
	cd, ok := c.dialect.(CallDialect)
	if !ok {
		return res, fmt.Errorf("gateway %s has no calls by name: %w", c.opts.Gateway, catalog.ErrInvalid)
	}
	params := maps.Clone(q.Call.Params)
	if q.Call.PageParam != "" {
		if params == nil {
			params = catalog.Params{}
		}
		params[q.Call.PageParam] = strconv.Itoa(q.Call.FirstPage + n - 1)
	}
	req, err := cd.Call(q.Call.API, params)
	if err != nil {
		return res, invalid(err)
	}
	var records [][]byte
	a, err := c.call(ctx, query{Request: req, decode: func(a Answer) error {
		payload, err := cd.DecodeCall(a)
		if err != nil {
			return err
		}
		records, err = recordsAt(payload, q.Call.Records, n > 1)
		return err
	}})
	res.Calls, res.Ref, res.At = a.rows, a.obs.Ref, a.obs.At
	if err != nil && !nothingFound(q, n, err) {
		return res, err
	}
	if err == nil {
		res.Records = records
	}
	return res, nil
}

// recordsAt returns the records at a path of a payload, copied. A list on the
// way is gone into element by element. What gateways send for an empty list
// (null, "", false, {}) has no records; optional tells that the path may be
// missing too, as it is from pages past the end.
func recordsAt(payload []byte, path string, optional bool) ([][]byte, error) {
	var steps []string
	if path != "" {
		steps = strings.Split(path, ".")
	}
	var out [][]byte
	if err := walkRecords(payload, steps, &out); err != nil {
		if missing, ok := err.(*missingPath); ok {
			if optional {
				return nil, nil
			}
			return nil, &catalog.GatewayError{Class: catalog.ErrInvalid, Message: fmt.Sprintf("records: %s: %v", path, missing)}
		}
		return nil, &catalog.GatewayError{Class: catalog.ErrMalformed, Cause: err}
	}
	return out, nil
}

// missingPath reports a step that the answer does not have.
type missingPath struct {
	step string
	have []string
}

func (e *missingPath) Error() string {
	if len(e.have) == 0 {
		return fmt.Sprintf("the answer has no object that could hold %q", e.step)
	}
	return fmt.Sprintf("the answer has no %q there, but %s", e.step, strings.Join(e.have, ", "))
}

func walkRecords(value json.RawMessage, steps []string, out *[][]byte) error {
	value = bytes.TrimSpace(value)
	switch {
	case len(value) > 0 && value[0] == '[':
		var list []json.RawMessage
		if err := json.Unmarshal(value, &list); err != nil {
			return err
		}
		for _, v := range list {
			if err := walkRecords(v, steps, out); err != nil {
				return err
			}
		}
		return nil
	case emptyValue(value):
		return nil
	case len(steps) == 0:
		*out = append(*out, bytes.Clone(value))
		return nil
	case value[0] != '{':
		return &missingPath{step: steps[0]}
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(value, &fields); err != nil {
		return err
	}
	next, ok := fields[steps[0]]
	if !ok {
		return &missingPath{step: steps[0], have: slices.Sorted(maps.Keys(fields))}
	}
	return walkRecords(next, steps[1:], out)
}

// emptyValue reports whether a value is one that stands for an empty list.
func emptyValue(v []byte) bool {
	switch string(v) {
	case "", "null", `""`, "false", "{}":
		return true
	}
	return false
}

// recordWalk recognises the end of the pages of a CallQuery, of which neither
// the page size nor a total is known: only an empty page or one that repeats
// the page before it ends them.
type recordWalk struct {
	paged    bool
	maxPages int
	pages    int
	last     [][]byte
}

// take adds a page and returns why it is the last one, or "". A page that
// repeats the one before it loses its records.
func (w *recordWalk) take(p *catalog.Page) catalog.StopReason {
	w.pages++
	same := w.pages > 1 && slices.EqualFunc(p.Records, w.last, bytes.Equal)
	w.last = p.Records
	switch {
	case !w.paged:
		return catalog.StopSingle
	case len(p.Records) == 0:
		return catalog.StopEmpty
	case same && w.pages == 2:
		p.Records = nil
		return catalog.StopIgnored
	case same:
		p.Records = nil
		return catalog.StopRepeat
	case w.maxPages > 0 && w.pages >= w.maxPages:
		return catalog.StopPages
	case w.pages >= backstop:
		return catalog.StopCapped
	}
	return ""
}
