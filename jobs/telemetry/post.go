package telemetry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Post sends a JSON object to an address of the user's. An answer of 200 to 299
// means that it was taken. Redirects are not followed: another host has no
// business with it. The error names what was told, and the host; not the
// address, whose path or query is often a secret, nor anything that was answered.
func Post(ctx context.Context, what, address string, header http.Header, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: not an address", what)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", "application/json")
	transport := http.DefaultTransport.(*http.Transport).Clone()
	defer transport.CloseIdleConnections()
	client := http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		var withAddress *url.Error
		if errors.As(err, &withAddress) {
			err = withAddress.Err
		}
		return fmt.Errorf("%s at %s: %w", what, req.URL.Host, err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection ends well
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("%s at %s: HTTP status %d", what, req.URL.Host, resp.StatusCode)
	}
	return nil
}
