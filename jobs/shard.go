package jobs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Shard is one combination of the values of a job's expand with a date: a job
// of its own, with its own journal and part files in the same destinations.
type Shard struct {
	Job    string
	Date   time.Time
	Values map[string]string // of expand, without the date
}

// day is the shard's date as text.
func (s Shard) day() string { return s.Date.Format(time.DateOnly) }

// ValuesText lists the values, "" when there are none.
func ValuesText(values map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		parts = append(parts, name+"="+values[name])
	}
	return strings.Join(parts, " ")
}

// days returns the dates from one to another, both included.
func days(from, to time.Time) []time.Time {
	var all []time.Time
	for d := from; !d.After(to); d = d.AddDate(0, 0, 1) {
		all = append(all, d)
	}
	return all
}

// shardDates returns the dates of a job's shards. from and to take the place
// of those in the job; an empty to is today.
func (e Expand) shardDates(from, to string, now time.Time) ([]time.Time, error) {
	d := e.dates()
	if d != nil && len(d.Values) > 0 {
		return listedDates(d.Values, from, to)
	}
	if d != nil {
		from, to = orElse(from, d.From), orElse(to, d.To)
	}
	if from == "" && (to != "" || d != nil) {
		return nil, fmt.Errorf("it is not said with which date to begin: give --from (%w)", ErrUsage)
	}
	last, err := ParseDate(to, now)
	if err != nil {
		return nil, fmt.Errorf("--to: %w (%w)", err, ErrUsage)
	}
	if from == "" {
		return []time.Time{last}, nil
	}
	first, err := ParseDate(from, now)
	switch {
	case err != nil:
		return nil, fmt.Errorf("--from: %w (%w)", err, ErrUsage)
	case first.After(last):
		return nil, fmt.Errorf("--from %s is after --to %s (%w)", from, last.Format(time.DateOnly), ErrUsage)
	case last.Sub(first) > maxValues*24*time.Hour:
		return nil, fmt.Errorf("%s to %s are more than %s days (%w)", from, to, count(maxValues), ErrUsage)
	}
	return days(first, last), nil
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// listedDates returns those dates of a list that are within from and to.
func listedDates(values []string, from, to string) ([]time.Time, error) {
	var all []time.Time
	for _, v := range values {
		if from != "" && v < from || to != "" && v > to {
			continue
		}
		d, err := ParseDate(v, time.Time{})
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("none of the dates in expand is from %s to %s (%w)", from, to, ErrUsage)
	}
	return all, nil
}

// shards returns all combinations: in the order of the file, the last name
// changing fastest. A job whose dates are not among its names has them first.
func (e Expand) shards(job string, dates []time.Time) ([]Shard, error) {
	all := []Shard{{}}
	dated := e.dates() != nil
	if !dated {
		all = crossed(all, dates, func(s *Shard, d time.Time) { s.Date = d })
	}
	for _, d := range e {
		if len(all)*max(len(d.Values), len(dates)) > 10*maxShards {
			break // counted below
		}
		if d.Dates {
			all = crossed(all, dates, func(s *Shard, d time.Time) { s.Date = d })
			continue
		}
		all = crossed(all, d.Values, func(s *Shard, v string) {
			s.Values = maps.Clone(s.Values)
			if s.Values == nil {
				s.Values = map[string]string{}
			}
			s.Values[d.Name] = v
		})
	}
	if n := e.combinations(len(dates)); n > maxShards {
		return nil, fmt.Errorf("expand makes more than %s shards. Split the job, or narrow --from and --to (%w)", count(maxShards), ErrUsage)
	}
	names := map[string]string{}
	for i := range all {
		s := &all[i]
		s.Job = e.shardName(job, s.Values)
		text := ValuesText(s.Values)
		if other, ok := names[s.Job]; ok && other != text {
			return nil, fmt.Errorf("the shards of %s and of %s would have one name, %s: leave one of them out (%w)", other, text, s.Job, ErrUsage)
		}
		names[s.Job] = text
	}
	return all, nil
}

// combinations counts the shards, up to more than can be.
func (e Expand) combinations(dates int) int {
	n := dates
	for _, d := range e {
		if !d.Dates {
			n = min(n*len(d.Values), maxShards+1)
		}
	}
	return n
}

// crossed gives each of shards each of values, the values changing fastest.
func crossed[T any](shards []Shard, values []T, put func(*Shard, T)) []Shard {
	all := make([]Shard, 0, len(shards)*len(values))
	for _, s := range shards {
		for _, v := range values {
			next := s
			put(&next, v)
			all = append(all, next)
		}
	}
	return all
}

const (
	maxName  = 63
	hashSize = 8 // hexadecimal digits
)

// plainValue is a value that can be read in the name of a shard, and in which
// there is no hyphen to confuse it with two.
var plainValue = regexp.MustCompile(`^[a-z0-9_]{1,24}$`)

// shardName is a function of the job's name and the values alone, so that a
// shard stays the same whatever else expand has. Values that fit are in it as
// they are; others are told by a hash.
func (e Expand) shardName(job string, values map[string]string) string {
	if len(values) == 0 {
		return job
	}
	var parts []string
	hashed := []string{job}
	plain := true
	for _, d := range e {
		if d.Dates {
			continue
		}
		v := values[d.Name]
		plain = plain && plainValue.MatchString(v)
		parts = append(parts, v)
		hashed = append(hashed, d.Name, v)
	}
	if name := job + "-" + strings.Join(parts, "-"); plain && len(name) <= maxName {
		return name
	}
	sum := sha256.Sum256([]byte(strings.Join(hashed, "\x00")))
	return job[:min(len(job), maxName-1-hashSize)] + "-" + hex.EncodeToString(sum[:])[:hashSize]
}

// shardJob returns the job of a shard.
func (j *Job) shardJob(s Shard) (*Job, error) {
	if len(j.Expand) == 0 {
		return j, nil
	}
	opts := j.load
	opts.values = maps.Clone(s.Values)
	if opts.values == nil {
		opts.values = map[string]string{}
	}
	opts.values[dateName] = s.day()
	job, err := Parse(j.File, j.source, opts)
	if err != nil {
		return nil, fmt.Errorf("with %s: %w", strings.TrimSpace(ValuesText(s.Values)+" date="+s.day()), err)
	}
	job.Name, job.Expand, job.values = s.Job, nil, s.Values
	return job, job.Redirect(j.dest)
}

// CheckValues reports values of expand that do not fit where they are used, each
// of them once and together with the first values of the others.
func (j *Job) CheckValues() error {
	for _, d := range j.Expand {
		for _, v := range d.Values {
			opts := j.load
			opts.values = j.Expand.sample()
			opts.values[d.Name] = v
			if _, err := Parse(j.File, j.source, opts); err != nil {
				return fmt.Errorf("with %s=%s: %w", d.Name, v, err)
			}
		}
	}
	return nil
}
