package extract

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"time"

	"offerlake/pipeline/catalog"
)

// reply is what one attempt brought.
type reply struct {
	status  int
	body    []byte
	fault   string        // why there is no whole answer, without credentials
	after   time.Duration // from Retry-After
	token   string        // the access token that was used
	lease   lease         // the endpoint that it was sent to
	sent    time.Time     // real clock
	at      time.Time     // the same by Options.Now
	latency time.Duration
	room    int64 // that body has taken; whoever has the reply gives it back
}

// buildFunc makes a signed request for an endpoint.
type buildFunc func(endpoint string, cred Credential) (*http.Request, error)

// send makes one attempt as m, when m's turn comes; failed is the endpoint
// where the call's last attempt did, nil if none. The caller holds a slot and
// settles the reply's lease and gives its room back. An error means that nothing was sent, or that ctx
// ended first; errResting, that m is not the one to send it.
func (c *Client) send(ctx context.Context, m *member, api string, failed *endpoint, build buildFunc) (reply, error) {
	queued := time.Now()
	n, err := m.pace.wait(ctx, c.halt)
	c.count.waited.Add(int64(time.Since(queued)))
	if err != nil {
		return reply{}, err
	}
	to := c.endpoints.pick(failed)
	cred := m.credential()
	req, err := c.prepare(ctx, m, api, func() (*http.Request, error) { return build(to.url, cred) })
	if err != nil {
		c.endpoints.giveBack(to)
		return reply{}, err
	}
	m.calls.Add(1)
	connected := httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if !info.Reused {
			m.pace.out(n, time.Now())
		}
	}}
	rep := c.exchange(httptrace.WithClientTrace(ctx, &connected), req)
	rep.token, rep.lease = cred.AccessToken, to
	c.count.bytes.Add(int64(len(rep.body)))
	if err := ctx.Err(); err != nil && rep.fault != "" {
		c.endpoints.settle(to, unclear)
		if api != tokenAPI {
			c.count.wasted.add(catalog.WasteInDoubt)
		}
		c.room.give(rep.room)
		return reply{}, err
	}
	return rep, nil
}

// prepare builds an attempt's request and takes it from the budgets and from
// m's quota, last of all. Token requests cost no quota.
func (c *Client) prepare(ctx context.Context, m *member, api string, build func() (*http.Request, error)) (*http.Request, error) {
	req, err := build()
	if err != nil {
		return nil, fmt.Errorf("%s: build request: %s", api, c.redact.text(foreignText(err)))
	}
	if err := c.halt.check(ctx); err != nil {
		return nil, err
	}
	if err := c.spend(api); err != nil {
		return nil, err
	}
	if api != tokenAPI {
		if err := c.charge(m); err != nil {
			if back := refundAll(c.budgets); back != nil {
				return nil, errors.Join(err, back)
			}
			return nil, err
		}
		c.opts.expect()
	}
	c.count.calls.Add(1)
	return req, nil
}

// settle lets the health of the attempt's endpoint follow from its answer. It
// returns the endpoint if that is where the attempt failed.
func (c *Client) settle(rep reply, ge *catalog.GatewayError) *endpoint {
	h := healthOf(rep, ge)
	switch c.endpoints.settle(rep.lease, h) {
	case EndpointDown:
		c.log.Warn("an endpoint is down; calls go to others for a while, if there are any", "host", rep.lease.host, "error", ge.Error())
	case EndpointUp:
		c.log.Warn("an endpoint is back", "host", rep.lease.host)
	}
	if h == broken {
		return rep.lease.endpoint
	}
	return nil
}

// spend takes an attempt from the budgets, or refuses it.
func (c *Client) spend(api string) error {
	ok, err := spendAll(c.budgets)
	if ok || err != nil {
		return err
	}
	return &catalog.GatewayError{
		Class: catalog.ErrBudget, API: api,
		Message: fmt.Sprintf("all calls that may be made are used, %d of them by this run's process; resume the run to go on", c.count.calls.Load()),
	}
}

// exchange sends req and reads the whole answer.
func (c *Client) exchange(ctx context.Context, req *http.Request) reply {
	ctx, t, cancel := withTimeout(ctx, c.opts.AttemptTimeout)
	defer cancel()
	req = req.WithContext(ctx)
	req.Header.Set("User-Agent", "offerlake")
	// The transport decompresses only what it asked to be compressed itself.
	req.Header.Del("Accept-Encoding")

	rep := reply{sent: time.Now()}
	// Latency goes into the journal and so into a table: a frozen world has none.
	begun := c.opts.Now()
	rep.at = begun
	resp, err := c.http.Do(req)
	if err != nil {
		rep.fault = c.fault(req, err)
		rep.latency = c.opts.Now().Sub(begun)
		return rep
	}
	defer resp.Body.Close()
	rep.status = resp.StatusCode
	rep.after = retryAfter(resp.Header, time.Now())
	rep.body, rep.room, err = c.read(ctx, resp.Body, resp.ContentLength, t)
	rep.latency = c.opts.Now().Sub(begun)
	switch to := resp.Header.Get("Location"); {
	case err != nil:
		rep.fault = brokenOff + c.fault(req, err)
	case int64(len(rep.body)) > c.opts.MaxBody:
		// The beginning is enough to see what it was.
		rep.body = bytes.Clone(rep.body[:min(len(rep.body), 4096)])
		rep.fault = fmt.Sprintf("%s%d bytes", tooLarge, c.opts.MaxBody)
	case rep.status/100 == 3 && to != "":
		rep.fault = fmt.Sprintf("redirect from %s to %s refused", req.URL.Host, hostOf(to))
	}
	return rep
}

// fault describes a failed exchange by host and cause. Errors of net/http
// name the whole URL, which holds credentials.
func (c *Client) fault(req *http.Request, err error) string {
	text := foreignText(err)
	if errors.Is(err, context.DeadlineExceeded) || context.Cause(req.Context()) == context.DeadlineExceeded {
		text = fmt.Sprintf("%s%v", tooSlow, c.opts.AttemptTimeout)
	}
	return c.redact.text(req.URL.Host + ": " + text)
}

// foreignText is the text of an error without the URLs that net/http and
// net/url wrap around it.
func foreignText(err error) string {
	for {
		var ue *url.Error
		if !errors.As(err, &ue) {
			return err.Error()
		}
		err = ue.Err
	}
}

func hostOf(location string) string {
	if u, err := url.Parse(location); err == nil && u.Host != "" {
		return u.Host
	}
	return "an unreadable address"
}

// retryAfter reads the header of that name: seconds, or a date, which is taken
// by the gateway's own clock where the answer tells it.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseInt(value, 10, 32); err == nil {
		return max(time.Duration(n)*time.Second, 0)
	}
	if t, err := http.ParseTime(value); err == nil {
		if there, err := http.ParseTime(h.Get("Date")); err == nil {
			now = there
		}
		return max(t.Sub(now), 0)
	}
	return 0
}

// maxRedirects bounds the redirects within one host that an attempt follows.
const maxRedirects = 3

func newHTTPClient(rt http.RoundTripper) *http.Client {
	return &http.Client{
		Transport: once{rt},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			from := via[0].URL
			safe := req.URL.Scheme == from.Scheme || req.URL.Scheme == "https"
			if req.URL.Host != from.Host || !safe || len(via) > maxRedirects {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
}

// newTransport returns the default transport. HTTP/1.1 only: over HTTP/2 the
// transport repeats requests on its own.
func newTransport(inFlight int, roots *x509.CertPool) *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    10 * time.Second,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		MaxIdleConns:           2 * inFlight,
		MaxIdleConnsPerHost:    inFlight,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
		Protocols:              &protocols,
	}
}

// once keeps the transport from repeating a request behind the client's back.
// net/http does that with a GET whose kept-alive connection breaks, even when
// the gateway has already read, and charged, the first one. A request with a
// body that cannot be rewound is never repeated; an empty body adds nothing
// to the wire.
type once struct{ http.RoundTripper }

func (o once) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil || req.Body == http.NoBody {
		sent := *req
		sent.Body = io.NopCloser(strings.NewReader(""))
		sent.GetBody = nil
		req = &sent
	}
	return o.RoundTripper.RoundTrip(req)
}

// CloseIdleConnections passes http.Client.CloseIdleConnections on.
func (o once) CloseIdleConnections() {
	if t, ok := o.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}
