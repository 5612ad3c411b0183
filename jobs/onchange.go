package jobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"
)

// The times that a command and a webhook have.
const (
	commandTime = 2 * time.Minute
	webhookTime = 30 * time.Second
)

// fire tells everyone. Its error holds neither the webhook's address, whose
// path or query is often a secret, nor anything that it answered.
func (o *OnChange) fire(ctx context.Context, dir string, e *Event, body []byte) error {
	var errs []error
	if len(o.Command) > 0 {
		errs = append(errs, o.runCommand(ctx, dir, e, body))
	}
	if o.Webhook != "" {
		errs = append(errs, o.callWebhook(ctx, e, body))
	}
	return errors.Join(errs...)
}

func (o *OnChange) runCommand(ctx context.Context, dir string, e *Event, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, o.Command[0], o.Command[1:]...)
	cmd.Dir, cmd.Stdin, cmd.WaitDelay = dir, bytes.NewReader(body), 5*time.Second
	cmd.Env = append(os.Environ(), "OFFERLAKE_EVENT_ID="+e.ID, "OFFERLAKE_JOB="+e.Job, "OFFERLAKE_DATE="+e.Date)
	said := &tail{}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("on_change.command %s: %w%s", o.Command[0], err, said.text())
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

func (o *OnChange) callWebhook(ctx context.Context, e *Event, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, webhookTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.Webhook, bytes.NewReader(body))
	if err != nil {
		return errors.New("on_change.webhook: not an address")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", e.ID)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	defer transport.CloseIdleConnections()
	client := http.Client{
		Transport: transport,
		// Another host has no business with the event.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		var withAddress *url.Error
		if errors.As(err, &withAddress) {
			err = withAddress.Err
		}
		return fmt.Errorf("on_change.webhook at %s: %w", req.URL.Host, err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection ends well
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("on_change.webhook at %s: HTTP status %d", req.URL.Host, resp.StatusCode)
	}
	return nil
}
