package jobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"offerlake/jobs/telemetry"
)

// hook tells a program, an address or both of something.
type hook struct {
	name    string   // of its section in the job file, for errors
	command []string // a program and its arguments; none = nobody
	webhook string   // an http or https address; "" = nobody
}

// message is what a hook tells. Its id does not change when it is told again.
type message struct {
	id, job, date string
	body          []byte // one JSON object
}

// The times that a command and a webhook have.
const (
	commandTime = 2 * time.Minute
	webhookTime = 30 * time.Second
)

// fire tells everyone. Its error holds neither the webhook's address, whose
// path or query is often a secret, nor anything that it answered.
func (h hook) fire(ctx context.Context, dir string, m message) error {
	var errs []error
	if len(h.command) > 0 {
		errs = append(errs, h.runCommand(ctx, dir, m))
	}
	if h.webhook != "" {
		errs = append(errs, h.callWebhook(ctx, m))
	}
	return errors.Join(errs...)
}

// runCommand runs the command in dir, with the message on its standard input.
func (h hook) runCommand(ctx context.Context, dir string, m message) error {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, h.command[0], h.command[1:]...)
	cmd.Dir, cmd.Stdin, cmd.WaitDelay = dir, bytes.NewReader(m.body), 5*time.Second
	cmd.Env = append(os.Environ(), "OFFERLAKE_EVENT_ID="+m.id, "OFFERLAKE_JOB="+m.job, "OFFERLAKE_DATE="+m.date)
	said := &tail{}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s.command %s: %w%s", h.name, h.command[0], err, said.text())
	}
	return nil
}

// tail keeps the end of what a command says.
type tail struct{ b []byte }

const maxTail = 500

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	t.b = t.b[max(0, len(t.b)-maxTail):]
	return len(p), nil
}

func (t *tail) text() string {
	s := strings.Join(strings.Fields(strings.ToValidUTF8(string(t.b), "?")), " ")
	if s == "" {
		return ""
	}
	return ": " + s
}

// callWebhook sends the message by POST.
func (h hook) callWebhook(ctx context.Context, m message) error {
	ctx, cancel := context.WithTimeout(ctx, webhookTime)
	defer cancel()
	return telemetry.Post(ctx, h.name+".webhook", h.webhook, http.Header{"Idempotency-Key": {m.id}}, m.body)
}
