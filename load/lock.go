package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Holder says who holds a lock.
type Holder struct {
	Host  string    `json:"host"`
	PID   int       `json:"pid"`
	Since time.Time `json:"since"`
}

// LockedError says that another process works on the same job and date.
type LockedError struct {
	Job, Date string
	Holder    Holder // zero when the holder has not named itself yet
	Held      *HeldError
}

// Unwrap returns the lock that is held.
func (e *LockedError) Unwrap() error { return e.Held }

// Error names the job, the date and the holder.
func (e *LockedError) Error() string {
	if e.Holder.Host == "" {
		return fmt.Sprintf("job %s, date %s: another process is starting it at this moment", e.Job, e.Date)
	}
	return fmt.Sprintf("job %s, date %s: being worked on by host %s, pid %d, since %s",
		e.Job, e.Date, e.Holder.Host, e.Holder.PID, e.Holder.Since.UTC().Format(time.RFC3339))
}

// AcquireLock takes the lock of a job and date on a destination, until the
// result is closed or the process ends. If another process holds it the error
// is a *LockedError. The lock of a dead process is free.
func AcquireLock(ctx context.Context, s Store, job, date string, h Holder) (io.Closer, error) {
	run := runKey{job: job, date: date}
	if err := run.validate(); err != nil {
		return nil, err
	}
	locker, ok := s.(Locker)
	if !ok {
		return nil, fmt.Errorf("destination %s cannot be locked", s.URL())
	}
	note, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	lock, err := locker.Lock(ctx, run.lock(), note)
	var held *HeldError
	if errors.As(err, &held) {
		e := &LockedError{Job: job, Date: date, Held: held}
		// A note that cannot be read yet names nobody.
		_ = json.Unmarshal(held.Note, &e.Holder)
		return nil, e
	}
	return lock, err
}
