package jobs

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"time"

	"offerlake/load"
	"offerlake/load/csvfile"
	"offerlake/load/jsonlfile"
	"offerlake/load/parquetfile"
	"offerlake/load/store"
	"offerlake/pipeline/catalog"
)

// ParseDate reads a run's date; "" is the gateways' today. The result is that
// day's midnight in UTC+8.
func ParseDate(s string, now time.Time) (time.Time, error) {
	if s == "" {
		s = now.In(catalog.GatewayZone).Format(time.DateOnly)
	}
	d, err := time.ParseInLocation(time.DateOnly, s, catalog.GatewayZone)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a date of the form 2006-01-02", s)
	}
	return d, nil
}

// Redirect sends the job's outputs below dest: one output to dest itself,
// several to dest joined with the last element of their own path. An empty
// dest changes nothing.
func (j *Job) Redirect(dest string) error {
	if dest == "" {
		return nil
	}
	if err := checkDestination(dest); err != nil {
		return err
	}
	j.dest = dest
	j.home, j.homeState = j.journalRoot(), j.Output[0].URL
	seen := map[string]bool{}
	for i := range j.Output {
		o := &j.Output[i]
		if len(j.Output) == 1 {
			o.URL = dest
			continue
		}
		below, _, _ := strings.Cut(cleanURL(o.URL), "?")
		base := path.Base(filepath.ToSlash(below))
		if seen[base] {
			return fmt.Errorf("two outputs end in %q; they would share %s/%s", base, dest, base)
		}
		seen[base] = true
		o.URL = store.Join(dest, base)
	}
	return nil
}

// journalRoot is the URL below which the job's journals and run states live.
func (j *Job) journalRoot() string {
	if j.Journal.URL != "" {
		return j.Journal.URL
	}
	return store.Join(j.Output[0].URL, "_offerlake")
}

// checkDestination reports whether a URL can be a destination.
func checkDestination(url string) error {
	_, err := store.Open(url)
	return err
}

// openOutputs opens the job's destinations and their encoders.
func (j *Job) openOutputs() ([]load.Output, error) {
	var outputs []load.Output
	for i, o := range j.Output {
		s, err := store.Open(o.URL)
		if err != nil {
			return nil, fmt.Errorf("output[%d]: %w", i, err)
		}
		enc, err := o.encoder()
		if err != nil {
			return nil, fmt.Errorf("output[%d]: %w", i, err)
		}
		outputs = append(outputs, load.Output{Store: s, Encoder: enc, PartitionBy: o.PartitionBy, SortBy: o.SortBy, FileBytes: int64(o.FileSize)})
	}
	return outputs, nil
}

// encoder returns the encoder of an output's format.
func (o Output) encoder() (load.Encoder, error) {
	switch o.Format {
	case load.CSV:
		return csvfile.New(csvfile.Options{
			Compression: o.Compression, BOM: o.BOM, ExcelSafe: o.ExcelSafe, ExcelIDs: o.ExcelIDs, QuoteAll: o.Quoting == "all",
			Delimiter: map[string]rune{"semicolon": ';', "tab": '\t', "pipe": '|'}[o.Delimiter],
		})
	case load.JSONL:
		return jsonlfile.New(jsonlfile.Options{Compression: o.Compression})
	}
	return parquetfile.New(parquetfile.Options{Compression: o.Compression, Bloom: o.Bloom})
}
