package load

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// pruned is what stays of a state that was pruned: without it, a run of a later
// date would be compared with one that is older still, and nobody would know.
type pruned struct {
	At time.Time `json:"pruned_at"`
}

func (k runKey) pruned() string { return strings.TrimSuffix(k.state(), stateSuffix) + ".pruned.json" }

const stateSuffix = ".ndjson.zst"

// PruneStates removes the states of a job that no run of the given dates, and
// none of a date to come, would be compared with. Those of publishes that were
// cut short, and what these would be compared with, are kept too. It returns how
// many it removed.
func PruneStates(ctx context.Context, s Store, job string, dates []string, now time.Time) (removed int, err error) {
	states, err := statesOf(ctx, s, job)
	if err != nil || len(states) < 2 {
		return 0, err
	}
	unfinished, err := datesIn(ctx, s, "intents", job)
	if err != nil {
		return 0, err
	}
	keep := map[string]bool{states[len(states)-1]: true}
	for _, date := range slices.Concat(dates, unfinished) {
		if i, _ := slices.BinarySearch(states, date); i > 0 {
			keep[states[i-1]] = true
		}
	}
	for _, date := range unfinished {
		keep[date] = true
	}
	for _, date := range states {
		run := runKey{job: job, date: date}
		// A state that no manifest lists is not this program's to judge.
		if info, err := publishedState(ctx, s, run); keep[date] || err != nil || info == nil {
			continue
		}
		if err := writeJSON(ctx, s, run.pruned(), pruned{At: now.UTC()}); err != nil {
			return removed, err
		}
		if err := s.Remove(ctx, run.state()); err != nil {
			return removed, err
		}
		removed++
	}
	return removed, nil
}

// statesOf returns the dates of a job that have a state, sorted.
func statesOf(ctx context.Context, s Store, job string) ([]string, error) {
	var dates []string
	for key, err := range s.List(ctx, path.Join(stateDir, "state", job)+"/") {
		if err != nil {
			return nil, err
		}
		if date, ok := strings.CutSuffix(path.Base(key), stateSuffix); ok && (runKey{job: job, date: date}).validate() == nil {
			dates = append(dates, date)
		}
	}
	slices.Sort(dates)
	return dates, nil
}

// missing says what a state that is not there means: nil if it was removed by
// hand, which is how a state is passed over.
func (k runKey) missing(ctx context.Context, s Store, info *StateInfo) error {
	p, err := readJSON[pruned](ctx, s, k.pruned())
	if isNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return &StateError{Job: k.job, Date: k.date, Path: info.Path, Cause: fmt.Errorf(
		"it was removed on %s, since no journal was left that needs it (removing %s passes it over)", p.At.Format(time.DateOnly), k.pruned())}
}
