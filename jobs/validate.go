package jobs

import (
	"fmt"
	"maps"
	"math"
	"net/url"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"offerlake/extract"
	"offerlake/extract/sandbox"
	"offerlake/load"
	"offerlake/load/store"
	"offerlake/transform"
)

// validate reports everything that is wrong with a decoded job, each fault at
// its place in the file.
func (p *parsing) validate(j *Job) {
	j.elementDefaults()
	p.checkTags(reflect.ValueOf(j).Elem(), "")
	p.validateGateway(j)
	for i := range j.Sources {
		p.validateSource(&j.Sources[i], fmt.Sprintf("sources[%d]", i))
	}
	p.oneStdin(j)
	p.validateRetention(j)
	p.validateTables(j)
	if j.Details.Batch < 1 || j.Details.Batch > 1000 {
		p.wrong("details.batch", fmt.Sprintf("batch is %d; it must be between 1 and 1000", j.Details.Batch), "")
	}
	p.repeated(j.Enrich, "enrich")
	p.validateAliases(j.Aliases)
	for _, code := range slices.Sorted(maps.Keys(j.Quality.MaxRejectsOf)) {
		if !slices.Contains(RejectCodes(), code) {
			hint := "docs/tables.md lists them."
			if n := nearest(code, RejectCodes()); n != "" {
				hint = fmt.Sprintf("Did you mean %q? %s", n, hint)
			}
			p.wrong("quality.max_rejects_of."+code, "is no code of the table rejects", hint)
		}
	}
	if j.Changes != nil {
		p.validateChanges(j.Changes)
	}
	if j.Lineage != nil {
		p.validateLineage(j.Lineage)
	}
	if j.Notify != nil {
		p.validateNotify(j.Notify)
	}
	p.validateOutputs(j)
	p.checkSupported(j)
	p.validateDated(j)
}

// validateDated checks a job whose dates are what it asks about: only calls can
// name a day, everything else is as it is now.
func (p *parsing) validateDated(j *Job) {
	if d := j.Expand.dates(); d == nil || !d.Parameter {
		return
	}
	for i, s := range j.Sources {
		if s.Call == nil {
			p.wrong(fmt.Sprintf("sources[%d]", i), "shows what is there today, whatever the date", "With expand.date.as: parameter, all sources are calls.")
		}
	}
	if len(j.Enrich) > 0 {
		p.wrong("enrich", "tells what is there today, whatever the date", "Remove it, or expand.date.as: parameter.")
	}
}

// repeated reports values that a list holds twice.
func (p *parsing) repeated(values []string, at string) {
	for i, v := range values {
		if slices.Contains(values[:i], v) {
			p.wrong(fmt.Sprintf("%s[%d]", at, i), fmt.Sprintf("%s is there twice", v), "Remove one.")
		}
	}
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
		switch {
		case field.Kind() == reflect.String && field.String() != "":
			p.checkString(field.String(), f, at)
		case field.Type() == reflect.TypeFor[[]string]():
			for i := range field.Len() {
				p.checkString(field.Index(i).String(), f, fmt.Sprintf("%s[%d]", at, i))
			}
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

func (p *parsing) validateGateway(j *Job) {
	g := &j.Gateway
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
	p.checkKind(g)
	p.placeTokenFiles(g)
	if g.Kind != "sandbox" && !reflect.DeepEqual(g.Sandbox, defaultSandbox()) {
		p.wrong("gateway.sandbox", "is only for kind sandbox", "Remove it, or set gateway.kind: sandbox.")
	}
	p.validateSandbox(g.Sandbox)
	p.validateLimits(j)
	p.validateReserve(g)
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
	if s.Night < 0 || s.Night > sandbox.MaxNight {
		p.wrong("gateway.sandbox.night", "must be between 0 and "+count(sandbox.MaxNight), "")
	}
	if !(s.PerSecond >= 0 && s.PerSecond <= math.MaxFloat64) { // not NaN either
		p.wrong("gateway.sandbox.per_second", "must be a number that is not negative", "")
	}
	if s.PerDay < 0 {
		p.wrong("gateway.sandbox.per_day", "must not be negative", "")
	}
}

func (p *parsing) validateLimits(j *Job) {
	l := j.Gateway.Limits
	if !validRate(l.PerSecond) {
		p.wrong("gateway.limits.per_second", "must be 0 (no limit) or between 0.01 and 10000", "")
	}
	if l.Burst < 1 || l.Burst > 10_000 {
		p.wrong("gateway.limits.burst", "must be between 1 and 10000", "")
	}
	if l.InFlight < 1 || l.InFlight > 1024 {
		p.wrong("gateway.limits.in_flight", "must be between 1 and 1024", "")
	}
	if l.PerDay < 0 {
		p.wrong("gateway.limits.per_day", "must not be negative", "")
	}
	if l.PerRun < 0 {
		p.wrong("gateway.limits.per_run", "must not be negative", "")
	}
	if l.OnBudget == publishPart && j.Changes != nil {
		p.wrong("gateway.limits.on_budget", "what is missing from a part would be taken for delisted", "Use stop in a job with changes.")
	}
	if l.Reserve >= 1 {
		p.wrong("gateway.limits.reserve", "must be less than 100%", "")
	}
}

// validateReserve reports a reserve of nothing.
func (p *parsing) validateReserve(g *Gateway) {
	if g.Limits.Reserve == 0 || g.limitsDays() {
		return
	}
	if d, err := newDialect(g); err == nil {
		if _, tells := d.(extract.QuotaDialect); !tells {
			p.wrong("gateway.limits.reserve", "there is no per_day to keep a share of, and kind "+g.spoken()+" does not tell what is left", "Set gateway.limits.per_day.")
		}
	}
}

// validRate reports whether a number of calls per second can be kept; NaN
// cannot.
func validRate(perSecond float64) bool {
	return perSecond == 0 || perSecond >= 0.01 && perSecond <= 10_000
}

func defaultSandbox() Sandbox {
	var s Sandbox
	setDefaults(reflect.ValueOf(&s).Elem())
	return s
}

func isLoopback(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}

// oneStdin reports sources beyond the first that read standard input.
func (p *parsing) oneStdin(j *Job) {
	taken := false
	for i, s := range j.Sources {
		if s.Offers == nil || s.Offers.IDsFrom != fromStdin {
			continue
		}
		if taken {
			p.wrong(fmt.Sprintf("sources[%d].offers.ids_from", i), "standard input is read by a source before this one", "Name a file.")
		}
		taken = true
	}
}

func (p *parsing) validateSource(s *Source, at string) {
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
	case s.Image != nil:
		p.validateImage(s.Image, at+".image")
	case s.Pool != nil:
		p.notBlank(s.Pool.IDs, at+".pool.ids", "Write the pool's id.")
		p.notNegative(s.Pool.Category, at+".pool.category")
		p.notNegative(int64(s.Pool.Pages), at+".pool.pages")
	case s.Selected != nil:
		p.validatePrice(s.Selected.Price, at+".selected.price")
		p.notNegative(s.Selected.Category, at+".selected.category")
		p.notNegative(int64(s.Selected.Pages), at+".selected.pages")
	case s.Top != nil:
		p.validateIDs(s.Top.Categories, at+".top.categories")
	case s.Offers != nil:
		if (len(s.Offers.IDs) == 0) == (s.Offers.IDsFrom == "") {
			p.wrong(at+".offers", "needs either ids or ids_from", "")
		}
		p.validateIDs(s.Offers.IDs, at+".offers.ids")
	case s.Call != nil:
		p.validateCall(s.Call, at+".call")
	}
	for _, leaf := range queries(s, 0) {
		if leaf.Split && leaf.MaxPages > 0 {
			p.wrong(at, "pages and cover contradict each other: one wants a part of the results, the other all of them", "Remove one of them.")
			return
		}
	}
}

func (p *parsing) validateImage(s *ImageSource, at string) {
	if len(s.URLs)+len(s.Files) == 0 {
		p.wrong(at, "needs urls or files", "")
	}
	for i, u := range s.URLs {
		if parsed, err := url.Parse(u); err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
			p.wrong(fmt.Sprintf("%s.urls[%d]", at, i), fmt.Sprintf("%q is not an absolute http or https URL", u), "A file of this machine goes under files.")
		}
	}
	p.notBlank(s.Files, at+".files", "Write the path of a picture.")
	p.notNegative(int64(s.Pages), at+".pages")
}

func (p *parsing) validateCall(s *CallSource, at string) {
	p.validateTable(s, at)
	if s.PageParam == "" && s.Pages != 0 {
		p.wrong(at+".pages", "without page_param there is one page", "Remove it, or name the parameter that numbers the pages.")
	}
	if _, ok := s.Params[s.PageParam]; ok {
		p.wrong(at+".params", s.PageParam+" is the page_param, whose value comes from first_page on", "Remove it from params.")
	}
	p.notNegative(int64(s.Pages), at+".pages")
}

// validateTable checks the table that a call source fills.
func (p *parsing) validateTable(s *CallSource, at string) {
	if slices.Contains(load.ReservedTables(), s.Table) {
		p.wrong(at+".table", s.Table+" is a table of offerlake's own", "Give the records a name of their own, such as "+s.Table+"_raw.")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(s.Columns)) {
		if _, ok := columnKinds()[s.Columns[name]]; !ok {
			p.wrong(at+".columns."+name, fmt.Sprintf("%q is not a type", s.Columns[name]), "Valid: "+strings.Join(slices.Sorted(maps.Keys(columnKinds())), ", ")+".")
			return
		}
	}
	if err := load.ValidateRecordTable(s.recordTable()); err != nil && s.Table != "" {
		p.wrong(at+".columns", err.Error(), "")
	}
}

// validateTables checks the tables that several call sources fill together.
func (p *parsing) validateTables(j *Job) {
	types := map[string]string{}
	for i, s := range j.Sources {
		if s.Call == nil {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(s.Call.Columns)) {
			column, kind := s.Call.Table+"."+name, s.Call.Columns[name]
			if other, ok := types[column]; ok && other != kind {
				p.wrong(fmt.Sprintf("sources[%d].call.columns.%s", i, name), fmt.Sprintf("is %s here and %s in a source before it, of the same table", kind, other), "Give it one type.")
			}
			types[column] = kind
		}
	}
}

func (p *parsing) validateSearch(s *SearchSource, at string) {
	p.notBlank(s.Keywords, at+".keywords", "To list a whole category, use a category source.")
	p.validatePrice(s.Price, at+".price")
	p.notNegative(s.Category, at+".category")
	p.notNegative(s.MinOrder, at+".min_order")
	p.notNegative(int64(s.Pages), at+".pages")
}

func (p *parsing) validatePrice(r PriceRange, at string) {
	for _, bound := range []struct {
		name  string
		price *Money
	}{{"from", r.From}, {"to", r.To}} {
		if bound.price != nil && bound.price.Decimal < 0 {
			p.wrong(at+"."+bound.name, "must not be negative", "")
		}
	}
	if r.From != nil && r.To != nil && r.From.Decimal > r.To.Decimal {
		p.wrong(at, fmt.Sprintf("from %s is above to %s", r.From, r.To), "Swap them.")
	}
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

func (p *parsing) validateOutputs(j *Job) {
	if len(j.Output) == 0 {
		return // required, reported
	}
	for i := range j.Output {
		o := &j.Output[i]
		at := fmt.Sprintf("output[%d]", i)
		p.apart(o, j.Output[:i], at)
		if o.Format != "csv" && (o.BOM || o.ExcelSafe || o.ExcelIDs || o.Delimiter != "" || o.Quoting != "") {
			p.wrong(at, "bom, delimiter, quoting, excel_safe and excel_ids are for format csv", "Remove them.")
		}
		allowed := map[string][]string{"parquet": {"zstd", "snappy", "gzip", "none"}, "csv": {"none", "gzip", "zstd"}, "jsonl": {"none", "gzip", "zstd"}}[o.Format]
		if allowed != nil && !slices.Contains(allowed, o.Compression) {
			p.wrong(at+".compression", fmt.Sprintf("%q is not possible for %s", o.Compression, o.Format), "Valid: "+strings.Join(allowed, ", ")+".")
		}
		p.columns(at+".partition_by", load.ValidatePartitionBy(o.PartitionBy))
		p.columns(at+".sort_by", load.ValidateSortBy(o.SortBy))
		p.columns(at+".bloom", load.ValidateBloom(o.Bloom))
		if o.Format != "parquet" && len(o.Bloom) > 0 {
			p.wrong(at+".bloom", "is for format parquet", "Remove it.")
		}
		if err := checkDestination(o.URL); err != nil {
			p.wrong(at+".url", err.Error(), "")
		}
	}
	if every := time.Duration(j.Journal.UploadEvery); every < minUploads {
		p.wrong("journal.upload_every", fmt.Sprintf("is %s, which is too often", every), "It is 1s at least.")
	}
	if j.Journal.URL != "" {
		if err := checkDestination(j.Journal.URL); err != nil {
			p.wrong("journal.url", err.Error(), "")
		}
	}
}

// columns reports what is wrong with a list of columns.
func (p *parsing) columns(at string, err error) {
	if err != nil {
		p.wrong(at, err.Error(), "docs/tables.md lists the columns.")
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
	if store.Remote(dest) {
		if dir, err := workDir(dest); err == nil {
			return dir
		}
	}
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
	if store.Remote(u) {
		return u
	}
	return strings.TrimRight(strings.TrimPrefix(u, "file://"), "/")
}

// validateAliases reports aliases that stand for nothing.
func (p *parsing) validateAliases(a Aliases) {
	check := func(of map[string]string, at string) {
		for _, alias := range slices.Sorted(maps.Keys(of)) {
			if transform.Clean(alias) == "" || transform.Clean(of[alias]) == "" {
				p.wrong(at, fmt.Sprintf("%q: %q is empty on one side", alias, of[alias]), "Write the seller's text and the canonical one.")
			}
		}
	}
	check(a.Names, "aliases.names")
	for _, name := range slices.Sorted(maps.Keys(a.Values)) {
		check(a.Values[name], "aliases.values."+name)
	}
}
