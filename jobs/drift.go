package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"offerlake/load"
	"offerlake/pipeline"
	"offerlake/pipeline/catalog"
)

// The values of schema.
const (
	schemaFreeze     = "freeze"
	schemaQuarantine = "quarantine"
)

// Drift is one way in which the answers of a run differ from what is known of
// the gateway's API.
type Drift struct {
	pipeline.Drift
	// Since is the date of the job's first published run that shows it, this
	// one's where none has. A run whose answers do not have it any more passes it
	// on with no answers.
	Since string `json:"since"`
}

// maxKnownDrift bounds what is passed on from run to run.
const maxKnownDrift = 2000

// DriftError ends a run whose job has schema: freeze.
type DriftError struct{ New []Drift }

// Error lists what is new.
func (e *DriftError) Error() string {
	s := "the gateway's answers differ from what is known of its API, and the job has schema: freeze; nothing is published:"
	for i, d := range e.New {
		if i == 10 {
			return s + fmt.Sprintf("\n  ... and %d more", len(e.New)-i)
		}
		s += "\n  " + d.text()
	}
	return s
}

// text writes a drift on one line.
func (d *Drift) text() string {
	at := d.API + " " + d.Path
	switch d.Kind {
	case catalog.DriftNewField:
		at += ": a new field"
	case catalog.DriftChangedType:
		at += fmt.Sprintf(": want %s, got %s", d.Want, d.Got)
	case catalog.DriftNewValue:
		at += ": new value " + d.Got
	default:
		at = "more than can be listed"
	}
	return fmt.Sprintf("%s, in %s answers, first in %s", at, count(d.Answers), d.Ref)
}

// since dates the drift of a report by what the job's last published run up to
// its date knew, and passes on what that knew and this one did not meet.
func (s *session) since(ctx context.Context, found []pipeline.Drift) ([]Drift, error) {
	known, err := s.knownDrift(ctx)
	if err != nil {
		return nil, err
	}
	var all []Drift
	for _, d := range found {
		all = append(all, Drift{d, s.day()})
	}
	for _, k := range known {
		i := slices.IndexFunc(all, func(d Drift) bool { return d.Same(k.Drift) })
		switch {
		case i >= 0:
			all[i].Since = k.Since
		case len(all) < maxKnownDrift:
			k.Answers, k.Values = 0, 0
			all = append(all, k)
		}
	}
	return all, nil
}

// knownDrift returns what the last published run knew.
func (s *session) knownDrift(ctx context.Context) ([]Drift, error) {
	m, err := load.LastManifest(ctx, s.outputs[0].Store, s.job.Name, s.day())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var last struct {
		Published bool    `json:"published"`
		Drift     []Drift `json:"drift"`
	}
	if len(m.Run.Details) == 0 || json.Unmarshal(m.Run.Details, &last) != nil {
		return nil, nil // an older version's
	}
	return last.Drift, nil
}

// frozen returns a *DriftError if the job has schema: freeze and the answers
// have what no published run of it has shown.
func (s *session) frozen(ctx context.Context, all []Drift) error {
	if s.job.Schema != schemaFreeze || len(all) == 0 {
		return nil
	}
	known, err := s.knownDrift(ctx)
	if err != nil {
		return err
	}
	var fresh []Drift
	for _, d := range all {
		if d.Answers > 0 && !slices.ContainsFunc(known, func(k Drift) bool { return d.Same(k.Drift) }) {
			fresh = append(fresh, d)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	return &DriftError{New: fresh}
}

// printDrift tells a person what is new, and how much is known already.
func (s *Summary) printDrift(line func(label, format string, args ...any)) {
	known := 0
	labels := map[catalog.DriftKind]string{
		catalog.DriftChangedType: "changed types", catalog.DriftNewValue: "new values", catalog.DriftNewField: "new fields",
	}
	for _, kind := range []catalog.DriftKind{catalog.DriftChangedType, catalog.DriftNewValue, catalog.DriftNewField} {
		var texts []string
		for _, d := range s.Drift {
			switch {
			case d.Kind != kind || d.Answers == 0:
			case d.Since != s.Date:
				known++
			default:
				texts = append(texts, d.short())
			}
		}
		if len(texts) > 0 {
			line("drift", "%s %s", count(int64(len(texts))), labels[kind])
		}
		for i, t := range texts {
			if i == 5 {
				line("", "  ... and %d more; see the manifest, or --json", len(texts)-i)
				break
			}
			line("", "  %s", t)
		}
	}
	if known > 0 {
		line("drift", "%s ways that earlier runs have shown", count(int64(known)))
	}
}

// short writes a drift for the summary: the end of its path, and how many
// answers have it.
func (d *Drift) short() string {
	const most = 44
	path := d.Path
	if len(path) > most {
		path = "..." + strings.ToValidUTF8(path[len(path)-most+3:], "")
	}
	switch d.Kind {
	case catalog.DriftChangedType:
		path += fmt.Sprintf(": %s for %s", d.Got, d.Want)
	case catalog.DriftNewValue:
		path += " = " + d.Got
	}
	return fmt.Sprintf("%s (%s)", path, count(d.Answers))
}

// newDrift counts by kind what no earlier published run has shown, "" for
// nothing.
func (s *Summary) newDrift() string {
	if s == nil {
		return ""
	}
	counts := map[string]int64{}
	for _, d := range s.Drift {
		if d.Answers > 0 && d.Since == s.Date {
			counts[string(d.Kind)]++
		}
	}
	if len(counts) == 0 {
		return ""
	}
	return countsByName(counts)
}
