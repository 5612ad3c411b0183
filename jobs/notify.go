package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"offerlake/load"
	"offerlake/pipeline/catalog"
)

// An event is kept as an object of the first output from before its run is
// published until it is delivered, so that no crash loses it: whatever lies in
// eventsDir is pending. The run's state says the same for people to read.

const eventsDir = "_offerlake/events"

// EventState is what became of a run's event.
type EventState struct {
	ID        string    `json:"id"`
	Changes   int64     `json:"changes"`
	Delivered time.Time `json:"delivered,omitzero"` // zero while it is pending
	Attempts  int       `json:"attempts"`
	Error     string    `json:"error,omitempty"` // of the last attempt
}

// String tells a person in one line.
func (e *EventState) String() string {
	what := fmt.Sprintf("on_change: %s changes, ", count(e.Changes))
	if !e.Delivered.IsZero() {
		return what + "delivered " + e.Delivered.In(catalog.GatewayZone).Format("2006-01-02 15:04")
	}
	if e.Attempts == 0 {
		return what + "pending"
	}
	return fmt.Sprintf("%snot delivered after %d attempts: %s", what, e.Attempts, strings.Split(e.Error, "\n")[0])
}

func eventKey(job, date string, run int) string {
	return path.Join(eventsDir, job, fmt.Sprintf("%s-%d.json", date, run))
}

// recordEvent makes an event pending; e is nil where there is none.
func (s *session) recordEvent(ctx context.Context, e *Event) error {
	key := eventKey(s.job.Name, s.day(), s.state.Number)
	if e == nil {
		if s.state.Event == nil {
			return nil
		}
		s.state.Event = nil
		return s.outputs[0].Store.Remove(ctx, key)
	}
	b, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	if err := writeObject(ctx, s.outputs[0].Store, key, append(b, '\n')); err != nil {
		return fmt.Errorf("on_change: %w", err)
	}
	s.state.Event = &EventState{ID: e.ID, Changes: e.Count}
	return s.runs.save(ctx)
}

// notify delivers the pending events of the job: the one of this run, and
// those that earlier commands could not deliver. What fails is a warning; the
// next command on the job tries it again.
func (s *session) notify(ctx context.Context) {
	if s.job.Changes == nil || s.job.Changes.OnChange == nil {
		return
	}
	var keys []string
	for key, err := range s.outputs[0].Store.List(ctx, path.Join(eventsDir, s.job.Name)+"/") {
		if err != nil {
			s.log().Warn("on_change: pending events cannot be listed", "error", err)
			return
		}
		keys = append(keys, key)
	}
	for _, key := range keys {
		if err := s.deliver(ctx, key); err != nil {
			s.log().Warn("on_change was not delivered; the next command on this job tries again", "event", key, "error", err)
		}
	}
}

// deliver fires one pending event if its run is published, under the lock of
// the run's date.
func (s *session) deliver(ctx context.Context, key string) error {
	dest := s.outputs[0].Store
	b, err := readObject(ctx, dest, key)
	var e Event
	if err == nil {
		err = json.Unmarshal(b, &e)
	}
	if err != nil {
		return err
	}
	runs := s.runs
	if e.Date != s.day() {
		lock, err := load.AcquireLock(ctx, dest, s.job.Name, e.Date, holder())
		var busy *load.LockedError
		if errors.As(err, &busy) {
			return nil // whoever holds it delivers it
		}
		if err != nil {
			return err
		}
		defer lock.Close()
		if runs, err = openRunLog(ctx, dest, s.job.Name, e.Date); err != nil {
			return err
		}
	}
	return s.fireOnce(ctx, runs, &e, b, key)
}

// fireOnce fires an event and notes what came of it.
func (s *session) fireOnce(ctx context.Context, runs *runLog, e *Event, body []byte, key string) error {
	dest := s.outputs[0].Store
	run := runs.number(e.Run)
	switch {
	case run == nil, run.Event == nil, run.State == StateAbandoned, !run.Event.Delivered.IsZero():
		return dest.Remove(ctx, key) // nothing to tell, or told before a crash
	case run.State != StatePublished && !s.isPublished(ctx, run):
		return nil
	}
	err := s.job.Changes.OnChange.hook().fire(ctx, s.job.Dir, message{id: e.ID, job: e.Job, date: e.Date, body: body})
	run.Event.Attempts++
	run.Event.Error = ""
	if err != nil {
		run.Event.Error = err.Error()
	} else {
		run.Event.Delivered = time.Now().UTC()
	}
	if err := runs.save(ctx); err != nil {
		return err
	}
	if err != nil {
		return err
	}
	return dest.Remove(ctx, key)
}

// isPublished reports whether a run got as far as its manifest, though it could
// not say so.
func (s *session) isPublished(ctx context.Context, run *RunState) bool {
	m, err := load.ReadManifest(ctx, s.outputs[0].Store, run.Job, run.Date)
	return err == nil && m.Run.ID == run.ID()
}

// number returns the run of a number, or nil.
func (l *runLog) number(n int) *RunState {
	for _, r := range l.Runs {
		if r.Number == n {
			return r
		}
	}
	return nil
}
