package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// The ways in which a run or a backfill ends, as notify, metrics and lineage
// name them.
const (
	EndDone        = "done"
	EndQuality     = "quality"     // published, but beyond the job's quality limits
	EndStopped     = "stopped"     // at a call budget or quota, resumable
	EndInterrupted = "interrupted" // resumable
	EndFailed      = "failed"
)

// EndOf names how a command ended that returned err.
func EndOf(err error) string {
	switch ExitCode(err) {
	case ExitDone:
		return EndDone
	case ExitQuality:
		return EndQuality
	case ExitBudget:
		return EndStopped
	case ExitInterrupted:
		return EndInterrupted
	}
	return EndFailed
}

// Notify says who is told how a run or a backfill ended.
type Notify struct {
	On      []string `yaml:"on" enum:"done,quality,stopped,interrupted,failed" doc:"The ends that are told: done; quality: published, but beyond the job's limits; stopped at a budget or quota; interrupted; failed. Default: all of them."`
	Command []string `yaml:"command" doc:"A program and its arguments, run in the directory of the job file. It gets the ending, one JSON object, on its standard input."`
	Webhook string   `yaml:"webhook" doc:"An https address that the ending is sent to with POST. Take it from the environment if it is a secret: ${NAME}."`
}

func (p *parsing) validateNotify(n *Notify) {
	p.repeated(n.On, "notify.on")
	p.validateHook("notify", hook{command: n.Command, webhook: n.Webhook})
}

// Ending is what notify tells. Its JSON form is the standard input of the
// command and the body of the webhook.
type Ending struct {
	ID       string         `json:"id"`
	What     string         `json:"what"` // run or backfill
	Job      string         `json:"job"`
	Date     string         `json:"date"` // of a backfill, the day of its end
	Outcome  string         `json:"outcome"`
	ExitCode int            `json:"exit_code"`
	Error    string         `json:"error,omitempty"` // with the next step
	Text     string         `json:"text"`            // the same in a line, for chats
	Host     string         `json:"host"`
	Started  time.Time      `json:"started"`
	Ended    time.Time      `json:"ended"`
	Summary  *Summary       `json:"summary,omitempty"` // of a run that got as far as having one
	Shards   map[string]int `json:"shards,omitempty"`  // of a backfill, by state
}

// newEnding describes how the work on a job that began at started ended now.
func newEnding(what string, job *Job, date string, started time.Time, err error) Ending {
	h := holder()
	e := Ending{
		What: what, Job: job.Name, Date: date, Outcome: EndOf(err), ExitCode: ExitCode(err),
		Host: h.Host, Started: started.UTC(), Ended: h.Since,
	}
	if err != nil {
		e.Error = strings.ReplaceAll(err.Error(), " ("+ErrUsage.Error()+")", "")
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%s\n%d\n%s", what, e.Job, date, h.Host, h.PID, e.Started))
	e.ID = hex.EncodeToString(sum[:16])
	return e
}

// summed adds the summary of a run, which may be nil.
func (e Ending) summed(s *Summary) Ending {
	e.Summary = s
	e.Text = fmt.Sprintf("offerlake: %s %s: %s", e.Job, e.Date, e.Outcome)
	if s != nil && s.Published {
		e.Text += fmt.Sprintf(", %s products, %s SKUs, %s calls", count(s.Rows["products"]), count(s.Rows["skus"]), count(s.Calls))
	}
	return e.explained()
}

// sharded adds the states of a backfill's shards.
func (e Ending) sharded(r *BackfillReport) Ending {
	e.Text = fmt.Sprintf("offerlake: backfill of %s: %s", e.Job, e.Outcome)
	if r == nil {
		return e.explained()
	}
	e.Shards = r.states()
	e.Text += fmt.Sprintf(", %d of %d shards published", r.count(ShardDone, ShardPublished, ShardQuality), len(r.Shards))
	return e.explained()
}

// explained ends the text with the first line of the error.
func (e Ending) explained() Ending {
	if first, _, _ := strings.Cut(e.Error, "\n"); first != "" {
		e.Text += ": " + first
	}
	return e
}

// The tries of notify: an ending is told once more after each pause.
var notifyPauses = [...]time.Duration{time.Second, 4 * time.Second}

// tell tells whom the job wants to know. What fails is a warning: the run is
// what it is. It works after a cancelled run, too.
func (e Ending) tell(ctx context.Context, job *Job, log *slog.Logger) {
	n := job.Notify
	if n == nil || len(n.On) > 0 && !slices.Contains(n.On, e.Outcome) {
		return
	}
	body, err := json.Marshal(e)
	if err != nil {
		log.Warn("notify", "error", err)
		return
	}
	ctx = context.WithoutCancel(ctx)
	m := message{id: e.ID, job: e.Job, date: e.Date, body: body}
	for _, h := range []hook{{name: "notify", command: n.Command}, {name: "notify", webhook: n.Webhook}} {
		if err := h.insist(ctx, job.Dir, m, notifyPauses[:]); err != nil {
			log.Warn("the end of the run could not be told", "error", err)
		}
	}
}

// insist fires until it succeeds, with a pause before each further try.
func (h hook) insist(ctx context.Context, dir string, m message, pauses []time.Duration) error {
	err := h.fire(ctx, dir, m)
	for _, pause := range pauses {
		if err == nil {
			return nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
		err = h.fire(ctx, dir, m)
	}
	return err
}
