package jobs

import (
	"fmt"
	"math"
	"net/url"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// validate reports everything that is wrong with a decoded job, each fault at
// its place in the file.
func (p *parsing) validate(j *Job) {
	j.elementDefaults()
	p.checkTags(reflect.ValueOf(j).Elem(), "")
	p.validateGateway(&j.Gateway)
	for i := range j.Sources {
		p.validateSource(j, &j.Sources[i], fmt.Sprintf("sources[%d]", i))
	}
	if j.Details.Batch < 1 || j.Details.Batch > 1000 {
		p.wrong("details.batch", fmt.Sprintf("batch is %d; it must be between 1 and 1000", j.Details.Batch), "")
	}
	p.validateOutputs(j)
}

// wrong adds a fault at a path of the file.
func (p *parsing) wrong(path, message, hint string) {
	p.fault(p.at(path), path+": "+message, hint)
}

// checkTags checks required fields, enums and patterns of a struct and of what
// is below it.
func (p *parsing) checkTags(v reflect.Value, path string) {
	for _, f := range fieldsOf(v.Type()) {
		field := v.FieldByIndex(f.Index)
		at := join(path, yamlName(f))
		empty := field.IsZero() || field.Kind() == reflect.Slice && field.Len() == 0
		if f.Tag.Get("req") == "true" && empty {
			p.wrong(at, "is required", f.Tag.Get("doc"))
			continue
		}
		if field.Kind() == reflect.String && field.String() != "" {
			p.checkString(field.String(), f, at)
		}
		p.checkBelow(field, at)
	}
}

func (p *parsing) checkString(s string, f reflect.StructField, at string) {
	if enum := f.Tag.Get("enum"); enum != "" {
		values := strings.Split(enum, ",")
		if !slices.Contains(values, s) {
			hint := "Valid: " + strings.Join(values, ", ") + "."
			if n := nearest(s, values); n != "" {
				hint = fmt.Sprintf("Did you mean %q? %s", n, hint)
			}
			p.wrong(at, fmt.Sprintf("%q is not a value of it", s), hint)
		}
	}
	if pattern := f.Tag.Get("pattern"); pattern != "" && !regexp.MustCompile(pattern).MatchString(s) {
		p.wrong(at, fmt.Sprintf("%q does not fit", s), f.Tag.Get("doc"))
	}
}

func (p *parsing) checkBelow(field reflect.Value, at string) {
	switch field.Kind() {
	case reflect.Pointer:
		if !field.IsNil() {
			p.checkBelow(field.Elem(), at)
		}
	case reflect.Struct:
		p.checkTags(field, at)
	case reflect.Slice:
		for i := range field.Len() {
			p.checkBelow(field.Index(i), fmt.Sprintf("%s[%d]", at, i))
		}
	}
}

func (p *parsing) validateGateway(g *Gateway) {
	for i, e := range g.Endpoints {
		u, err := url.Parse(e)
		at := fmt.Sprintf("gateway.endpoints[%d]", i)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
			p.wrong(at, fmt.Sprintf("%q is not an absolute http or https URL", e), "")
		case u.Scheme == "http" && !isLoopback(u.Hostname()):
			p.wrong(at, "plain http would send the credentials unencrypted", "Use https; plain http is only for this machine (127.0.0.1, localhost).")
		case u.User != nil || u.RawQuery != "" || u.Fragment != "":
			p.wrong(at, "an endpoint is scheme, host and path only", "Put credentials under gateway.credentials.")
		}
	}
	if kind, ok := kinds()[g.Kind]; ok {
		kind.check(p, g)
	}
	if g.Kind != "sandbox" && !reflect.DeepEqual(g.Sandbox, defaultSandbox()) {
		p.wrong("gateway.sandbox", "is only for kind sandbox", "Remove it, or set gateway.kind: sandbox.")
	}
	p.validateSandbox(g.Sandbox)
	p.validateLimits(g.Limits)
	if g.Cost.PerCall.Decimal < 0 {
		p.wrong("gateway.cost.per_call", "must not be negative", "")
	}
	if g.Attempts < 1 || g.Attempts > 100 {
		p.wrong("gateway.attempts", "must be between 1 and 100", "")
	}
	if g.Timeout <= 0 {
		p.wrong("gateway.timeout", "must be more than 0s", "")
	}
}

func (p *parsing) validateSandbox(s Sandbox) {
	if s.Offers < 1 || s.Offers > maxSandboxOffers {
		p.wrong("gateway.sandbox.offers", "must be between 1 and "+count(maxSandboxOffers), "")
	}
	if !(s.PerSecond >= 0 && s.PerSecond <= math.MaxFloat64) { // not NaN either
		p.wrong("gateway.sandbox.per_second", "must be a number that is not negative", "")
	}
	if s.PerDay < 0 {
		p.wrong("gateway.sandbox.per_day", "must not be negative", "")
	}
}

func (p *parsing) validateLimits(l Limits) {
	if l.PerSecond != 0 && !(l.PerSecond >= 0.01 && l.PerSecond <= 10_000) { // not NaN either
		p.wrong("gateway.limits.per_second", "must be 0 (no limit) or between 0.01 and 10000", "")
	}
	if l.Burst < 1 || l.Burst > 10_000 {
		p.wrong("gateway.limits.burst", "must be between 1 and 10000", "")
	}
	if l.InFlight < 1 || l.InFlight > 1024 {
		p.wrong("gateway.limits.in_flight", "must be between 1 and 1024", "")
	}
	if l.PerRun < 0 {
		p.wrong("gateway.limits.per_run", "must not be negative", "")
	}
}

func defaultSandbox() Sandbox {
	var s Sandbox
	setDefaults(reflect.ValueOf(&s).Elem())
	return s
}

func isLoopback(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}

func (p *parsing) validateSource(j *Job, s *Source, at string) {
	set := 0
	v := reflect.ValueOf(*s)
	for i := range v.NumField() {
		if !v.Field(i).IsNil() {
			set++
		}
	}
	if set != 1 {
		p.wrong(at, fmt.Sprintf("names %d kinds of source; it must name one", set), "Write each source as an element of its own.")
		return
	}
	switch {
	case s.Search != nil:
		p.validateSearch(s.Search, at+".search")
	case s.Category != nil:
		p.validateIDs(s.Category.IDs, at+".category.ids")
		p.notNegative(int64(s.Category.Pages), at+".category.pages")
	case s.Shop != nil:
		p.notBlank(s.Shop.Sellers, at+".shop.sellers", "Write the seller's id.")
		p.notNegative(int64(s.Shop.Pages), at+".shop.pages")
	case s.Offers != nil:
		if (len(s.Offers.IDs) == 0) == (s.Offers.IDsFrom == "") {
			p.wrong(at+".offers", "needs either ids or ids_from", "")
		}
		p.validateIDs(s.Offers.IDs, at+".offers.ids")
	}
	p.supported(j, s, at)
}

func (p *parsing) validateSearch(s *SearchSource, at string) {
	p.notBlank(s.Keywords, at+".keywords", "To list a whole category, use a category source.")
	for _, bound := range []struct {
		name  string
		price *Money
	}{{"from", s.Price.From}, {"to", s.Price.To}} {
		if bound.price != nil && bound.price.Decimal < 0 {
			p.wrong(at+".price."+bound.name, "must not be negative", "")
		}
	}
	if from, to := s.Price.From, s.Price.To; from != nil && to != nil && from.Decimal > to.Decimal {
		p.wrong(at+".price", fmt.Sprintf("from %s is above to %s", from, to), "Swap them.")
	}
	p.notNegative(s.Category, at+".category")
	p.notNegative(s.MinOrder, at+".min_order")
	p.notNegative(int64(s.Pages), at+".pages")
}

func (p *parsing) notNegative(n int64, at string) {
	if n < 0 {
		p.wrong(at, fmt.Sprintf("is %d; it must not be negative", n), "")
	}
}

func (p *parsing) notBlank(texts []string, at, hint string) {
	for i, s := range texts {
		if strings.TrimSpace(s) == "" {
			p.wrong(fmt.Sprintf("%s[%d]", at, i), "is empty", hint)
		}
	}
}

func (p *parsing) validateIDs(ids []int64, at string) {
	for i, id := range ids {
		if id <= 0 {
			p.wrong(fmt.Sprintf("%s[%d]", at, i), fmt.Sprintf("%d is not an id", id), "Ids are positive numbers.")
		}
	}
}

// supported asks the dialect whether it can express the source's queries, so
// that a filter it lacks is an error now and not a wrong result later.
func (p *parsing) supported(j *Job, s *Source, at string) {
	if s.Offers != nil || len(p.faults) > 0 {
		return
	}
	d, err := newDialect(&j.Gateway)
	if err != nil {
		return // reported at its own place
	}
	for _, leaf := range sourceLeaves(s, "") {
		if leaf.Query.Subtree {
			continue
		}
		if _, err := d.Search(leaf.Query, 1); err != nil {
			p.wrong(at, fmt.Sprintf("gateway kind %s: %v", j.Gateway.Kind, err), "See docs/gateways.md for what each kind can filter by.")
			return
		}
	}
}

func (p *parsing) validateOutputs(j *Job) {
	if len(j.Output) == 0 {
		return // required, reported
	}
	for i := range j.Output {
		o := &j.Output[i]
		at := fmt.Sprintf("output[%d]", i)
		p.apart(o, j.Output[:i], at)
		if o.Format == "parquet" && (o.BOM || o.ExcelSafe) {
			p.wrong(at, "bom and excel_safe are for format csv", "Remove them.")
		}
		allowed := map[string][]string{"parquet": {"zstd", "snappy", "gzip", "none"}, "csv": {"none", "gzip", "zstd"}}[o.Format]
		if allowed != nil && !slices.Contains(allowed, o.Compression) {
			p.wrong(at+".compression", fmt.Sprintf("%q is not possible for %s", o.Compression, o.Format), "Valid: "+strings.Join(allowed, ", ")+".")
		}
		// A partition column that the files have too cannot be merged by the
		// common Parquet readers.
		if !slices.Equal(o.PartitionBy, []string{"dt"}) {
			p.wrong(at+".partition_by", "this version partitions by dt only", "Remove it.")
		}
		if err := checkDestination(o.URL); err != nil {
			p.wrong(at+".url", err.Error(), "")
		}
	}
	if j.Journal.URL != "" {
		if err := checkDestination(j.Journal.URL); err != nil {
			p.wrong("journal.url", err.Error(), "")
		}
	}
}

// apart reports an output that shares its directory with one of the others, or
// lies within one, or has one within it: readers take whole directories.
func (p *parsing) apart(o *Output, others []Output, at string) {
	if o.URL == "" {
		return // required, reported
	}
	dir := directory(o.URL)
	for i := range others {
		other := &others[i]
		if other.URL == "" {
			continue
		}
		switch otherDir := directory(other.URL); {
		case dir == otherDir:
			p.wrong(at+".url", fmt.Sprintf("%s is already the %s output", o.URL, other.Format), "One URL holds one format: readers take whole directories.")
		case within(dir, otherDir):
			p.wrong(at+".url", fmt.Sprintf("%s lies within the output %s", o.URL, other.URL), "Give each output a directory of its own, side by side.")
		case within(otherDir, dir):
			p.wrong(at+".url", fmt.Sprintf("the output %s lies within %s", other.URL, o.URL), "Give each output a directory of its own, side by side.")
		}
	}
}

// directory is the absolute path of a destination, so that all spellings of
// one are equal.
func directory(dest string) string {
	if u, err := url.Parse(dest); err == nil && u.Scheme == "file" {
		dest = u.Path
	}
	abs, err := filepath.Abs(dest)
	if err != nil {
		return filepath.Clean(dest)
	}
	return abs
}

// within reports whether a directory lies below another one.
func within(dir, other string) bool {
	rel, err := filepath.Rel(other, dir)
	return err == nil && rel != "." && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// cleanURL is a destination as people read it.
func cleanURL(u string) string {
	return strings.TrimRight(strings.TrimPrefix(u, "file://"), "/")
}
