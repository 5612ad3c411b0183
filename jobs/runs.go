package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
	"syscall"

	"offerlake/load"
	"offerlake/load/store"
)

// Runs lists the runs whose state is kept in a destination, oldest date first.
// Publishes that were cut short are finished first. A run whose process is
// gone is shown as such, not as running.
func Runs(ctx context.Context, dest string) ([]*RunState, error) {
	if err := recoverDest(ctx, dest); err != nil {
		return nil, err
	}
	s, err := store.Open(dest)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", err, ErrUsage)
	}
	if err := isDestination(ctx, s); err != nil {
		return nil, err
	}
	var all []*RunState
	for key, err := range s.List(ctx, runsDir+"/") {
		if err != nil {
			return nil, err
		}
		l := &runLog{store: s, key: key}
		if err := l.read(ctx); err != nil {
			return nil, err
		}
		for _, r := range l.Runs {
			r.Journal = l.named(r.Journal)
		}
		all = append(all, l.Runs...)
	}
	for _, r := range all {
		if r.State == StateRunning && r.gone(ctx, s) {
			r.State = StateInterrupted
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].Date < all[j].Date })
	return all, nil
}

// isDestination returns an error if nothing in a store is offerlake's.
func isDestination(ctx context.Context, s load.Store) error {
	for _, err := range s.List(ctx, "_offerlake/") {
		return err
	}
	return fmt.Errorf("%s is no destination of offerlake: there is no _offerlake in it (%w)", s.URL(), ErrUsage)
}

// gone reports whether a run's process no longer exists. A run holds the lock of
// its job and date until its process ends, however it ends; the number of a
// process says less, because another one may have it by now. Where the lock
// cannot be looked at, the process can.
func (r *RunState) gone(ctx context.Context, s load.Store) bool {
	lock, err := load.AcquireLock(ctx, s, r.Job, r.Date, holder())
	var held *load.LockedError
	switch {
	case err == nil:
		return lock.Close() == nil
	case errors.As(err, &held) && held.Holder.Host != "":
		return held.Holder.Host != r.Host || held.Holder.PID != r.PID
	}
	host, _ := os.Hostname()
	return r.Host == host && syscall.Kill(r.PID, 0) == syscall.ESRCH
}

// PrintRuns writes the list for a person, 80 columns wide.
func PrintRuns(w io.Writer, runs []*RunState) {
	if len(runs) == 0 {
		fmt.Fprintln(w, "no runs")
		return
	}
	fmt.Fprintf(w, "%-20s %-10s %3s %-11s %8s %8s %10s\n", "JOB", "DATE", "RUN", "STATE", "CALLS", "OFFERS", "COST")
	for _, r := range runs {
		calls, offers, cost := "", "", ""
		if s := r.Summary; s != nil {
			calls, offers = count(s.Paid), count(s.Rows["products"])
			cost = strings.TrimSpace(s.Cost + " " + s.Currency)
		}
		state := r.State
		if r.Replay {
			state = "replayed"
		}
		fmt.Fprintf(w, "%-20.20s %-10s %3d %-11s %8s %8s %10s\n", r.Job, r.Date, r.Number, state, calls, offers, cost)
		if v := ValuesText(r.Values); v != "" {
			fmt.Fprintf(w, "    %s\n", v)
		}
		if d := r.Summary.newDrift(); d != "" {
			fmt.Fprintf(w, "    the gateway changed: %s\n", d)
		}
		if e := r.plannedError(); e != "" {
			fmt.Fprintf(w, "    %s\n", e)
		}
		if r.Error != "" {
			printNote(w, r.Error)
		}
		if e := r.Event; e != nil {
			fmt.Fprintf(w, "    %s\n", e)
		}
	}
}

// printNote writes what an error says, but not what to do about it, below a row
// of a list: its first line, or the whole of it where that line announces others.
func printNote(w io.Writer, text string) {
	if first, _, _ := strings.Cut(text, "\n"); !strings.HasSuffix(first, ":") {
		text = first
	}
	wrap(w, "    ", text)
}

// wrap writes a text in lines of 80 columns, each indented.
func wrap(w io.Writer, indent, text string) {
	const most = 80
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && wide(indent)+wide(line)+1+wide(word) > most {
			fmt.Fprintln(w, indent+line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	fmt.Fprintln(w, indent+line)
}

// PrintNotes writes what Notes says for a person.
func PrintNotes(w io.Writer, notes []string) {
	for _, n := range notes {
		wrap(w, "  ", "note: "+n)
	}
}

// plannedError compares the plan that was made for a run with what it took.
func (r *RunState) plannedError() string {
	if r.Planned == 0 || r.Summary == nil || r.State != StatePublished {
		return ""
	}
	off := 100 * float64(r.Planned-r.Summary.Paid) / float64(max(r.Summary.Paid, 1))
	return fmt.Sprintf("planned %s calls, %s answered: %+.1f %%", count(r.Planned), count(r.Summary.Paid), off)
}
