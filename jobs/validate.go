package jobs

import (
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"offerlake/load"
)

// validate reports everything that is wrong with a decoded job, each fault at
// its place in the file.
func (p *parsing) validate(j *Job) {
	j.elementDefaults()
	p.checkTags(reflect.ValueOf(j).Elem(), "")
	p.validateGateway(&j.Gateway)
	if len(j.Sources) == 0 {
		p.wrong("sources", "a job needs at least one source", "Add, for instance:  sources: [{search: {keywords: [保温杯]}}]")
	}
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
		if f.Tag.Get("req") == "true" && field.IsZero() {
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
	if g.Sandbox.Offers < 1 || g.Sandbox.Offers > 10_000_000 {
		p.wrong("gateway.sandbox.offers", "must be between 1 and 10,000,000", "")
	}
	l := g.Limits
	if l.PerSecond < 0 || l.PerSecond > 10_000 {
		p.wrong("gateway.limits.per_second", "must be between 0 (no limit) and 10000", "")
	}
	if l.Burst < 1 || l.InFlight < 1 || l.InFlight > 1024 || l.PerRun < 0 {
		p.wrong("gateway.limits", "burst and in_flight must be at least 1 (in_flight at most 1024), per_run not negative", "")
	}
	if g.Attempts < 1 || g.Attempts > 100 {
		p.wrong("gateway.attempts", "must be between 1 and 100", "")
	}
	if g.Timeout <= 0 {
		p.wrong("gateway.timeout", "must be more than 0s", "")
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
	if s.Search != nil {
		p.validateSearch(s.Search, at+".search")
	}
	if s.Offers != nil && (len(s.Offers.IDs) == 0) == (s.Offers.IDsFrom == "") {
		p.wrong(at+".offers", "needs either ids or ids_from", "")
	}
	p.supported(j, s, at)
}

func (p *parsing) validateSearch(s *SearchSource, at string) {
	for i, k := range s.Keywords {
		if strings.TrimSpace(k) == "" {
			p.wrong(fmt.Sprintf("%s.keywords[%d]", at, i), "is empty", "To list a whole category, use a category source.")
		}
	}
	if from, to := s.Price.From, s.Price.To; from != nil && to != nil && from.Decimal > to.Decimal {
		p.wrong(at+".price", fmt.Sprintf("from %s is above to %s", from, to), "Swap them.")
	}
	if s.Pages < 0 || s.MinOrder < 0 {
		p.wrong(at, "pages and min_order must not be negative", "")
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
	seen := map[string]string{}
	for i := range j.Output {
		o := &j.Output[i]
		at := fmt.Sprintf("output[%d]", i)
		if format, ok := seen[cleanURL(o.URL)]; ok {
			p.wrong(at+".url", fmt.Sprintf("%s is already the %s output", o.URL, format), "One URL holds one format: readers take whole directories.")
		}
		seen[cleanURL(o.URL)] = o.Format
		if o.Format == "parquet" && (o.BOM || o.ExcelSafe) {
			p.wrong(at, "bom and excel_safe are for format csv", "Remove them.")
		}
		allowed := map[string][]string{"parquet": {"zstd", "snappy", "gzip", "none"}, "csv": {"none", "gzip", "zstd"}}[o.Format]
		if allowed != nil && !slices.Contains(allowed, o.Compression) {
			p.wrong(at+".compression", fmt.Sprintf("%q is not possible for %s", o.Compression, o.Format), "Valid: "+strings.Join(allowed, ", ")+".")
		}
		if err := load.ValidatePartitionBy(o.PartitionBy); err != nil {
			p.wrong(at+".partition_by", err.Error(), "")
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

// cleanURL makes two spellings of one destination equal.
func cleanURL(u string) string {
	return strings.TrimRight(strings.TrimPrefix(u, "file://"), "/")
}
