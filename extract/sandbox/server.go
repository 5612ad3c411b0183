package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"

	"offerlake/pipeline/catalog"
)

// Server is the handler of all emulated gateways. It is safe for concurrent
// use and starts no goroutine.
type Server struct {
	opt      Options
	catalog  *Catalog
	lists    lists
	accounts *accounts
	gate     gate
	faults   faults
	recorder recorder
	born     time.Time
	fronts   []frontEnd
	denied   map[string]bool
	bodies   sync.Pool // of *[]byte
	zips     sync.Pool // of *gzip.Writer
}

var _ http.Handler = (*Server)(nil)

// A frontEnd speaks one dialect. It has no state of its own.
type frontEnd interface {
	// name is what Server.Detail calls the dialect.
	name() string
	// claims reports whether a call is in this dialect.
	claims(c *call) bool
	// identify returns the API of a claimed call and those parameters that
	// make up its question: no credential, signature or timestamp. No
	// parameters at all (nil) means that it is not a business call.
	identify(c *call) (api string, business map[string]string)
	// serve writes the answer to c.
	serve(c *call)
	// detail is the question for one offer's details.
	detail(id catalog.OfferID) (api string, business map[string]string)
	// describe writes the answer to the question that detail returns.
	describe(c *call)
}

// New returns a sandbox.
func New(o Options) (*Server, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("sandbox options: %w", err)
	}
	c := newCatalog(o)
	s := &Server{
		opt: o, catalog: c,
		lists:    lists{catalog: c, window: o.Window, rough: o.Profile != Clean, restless: o.Restless, lying: o.LyingTotals, frank: o.FrankTotals},
		accounts: newAccounts(o.Now(), o.TokenLife),
		gate:     gate{perSecond: o.PerSecond, inFlight: o.InFlight, perDay: o.PerDay},
		faults:   faults{seed: o.Seed, on: o.Profile == Hostile, outage: int(1000*o.ServerErrors + 0.5), drips: o.Drip > 0},
		born:     time.Now(),
		denied:   make(map[string]bool),
		// The first that claims a call gets it.
		fronts: []frontEnd{onebound{}, portals{}, openplatform{}, param2{}, bearer{}, router{}},
	}
	for _, api := range o.Deny {
		s.denied[api] = true
	}
	return s, nil
}

// Catalog returns the truth behind the answers.
func (s *Server) Catalog() *Catalog { return s.catalog }

// Stats returns what was counted so far.
func (s *Server) Stats() Stats { return s.recorder.snapshot() }

// Reset forgets the counts, quotas and used-up faults, as POST /_sandbox/reset does.
func (s *Server) Reset() {
	s.recorder.reset()
	s.gate.reset()
	s.faults.reset()
}

// Detail returns the body that a dialect (onebound, openplatform, param2,
// bearer, router, portals) answers for the details of one offer, without HTTP and without counting.
func (s *Server) Detail(dialect string, id catalog.OfferID) ([]byte, error) {
	i := slices.IndexFunc(s.fronts, func(f frontEnd) bool { return f.name() == dialect })
	if i < 0 {
		return nil, fmt.Errorf("sandbox: unknown dialect %q", dialect)
	}
	c := &call{s: s, now: s.opt.Now(), status: http.StatusOK}
	c.api, c.params = s.fronts[i].detail(id)
	c.ask(dialect, c.params)
	c.w.b = make([]byte, 0, 16<<10)
	s.fronts[i].describe(c)
	return s.drift(c.w.b, c.question), nil
}

// ServeHTTP answers one call of any dialect.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_sandbox/") {
		s.control(w, r)
		return
	}
	c, err := s.newCall(w, r)
	if err != nil {
		http.Error(w, "unreadable request", http.StatusBadRequest)
		return
	}
	i := slices.IndexFunc(s.fronts, func(f frontEnd) bool { return f.claims(c) })
	if i < 0 {
		s.recorder.arrive("unknown", c.now)
		s.recorder.settle(outcomeRefused, 0)
		http.NotFound(w, r)
		return
	}
	front := s.fronts[i]
	api, business := front.identify(c)
	c.api = api
	if business != nil {
		c.ask(front.name(), business)
		c.fault = s.faults.next(c.question)
	}
	s.recorder.arrive(api, c.now)
	s.run(c, front, w, r)
}

// run answers a call of which front, question and fault are known.
func (s *Server) run(c *call, front frontEnd, w http.ResponseWriter, r *http.Request) {
	switch c.fault {
	case faultReset:
		s.recorder.fault(c.fault)
		reset(w)
		return
	case faultServer:
		s.recorder.fault(c.fault)
		status := pick(&c.w.d, []int{500, 502, 503})
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<html><head><title>%d %s</title></head><body><center>nginx</center></body></html>", status, http.StatusText(status))
		return
	}
	buf := s.body()
	defer s.bodies.Put(buf)
	c.w.b = (*buf)[:0]
	front.serve(c)
	*buf = c.w.b
	if c.outcome == outcomeAnswered {
		c.w.b = s.drift(c.w.b, c.question)
	}
	defer c.leave()
	if !s.wait(c, r) {
		reset(w) // to return without an answer would send an empty one
		return
	}
	s.send(c, w, r)
}

func (s *Server) body() *[]byte {
	if b, ok := s.bodies.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, 0, 16<<10)
	return &b
}

// wait takes the time that the answer takes; false when the client left or
// the listener closes.
func (s *Server) wait(c *call, r *http.Request) bool {
	delay := s.opt.Latency
	if c.fault == faultSlow {
		s.recorder.fault(c.fault)
		delay += s.opt.SlowAnswer
	}
	if delay == 0 {
		return r.Context().Err() == nil
	}
	t := time.NewTimer(delay)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// send writes the answer, spoilt where the call's fault says so.
func (s *Server) send(c *call, w http.ResponseWriter, r *http.Request) {
	body, announced, whole := c.w.b, -1, true
	contentType := "application/json;charset=UTF-8"
	if bytes.HasPrefix(body, []byte("<?xml")) {
		contentType = "text/xml;charset=UTF-8"
	}
	// Only answers are spoilt: a refusal has gone wrong enough.
	if c.outcome == outcomeAnswered {
		switch c.fault {
		case faultCut:
			body, whole = body[:len(body)/2], false
		case faultTruncated:
			announced, whole = len(body), false
			body = body[:len(body)/2]
		case faultDrip:
			s.recorder.fault(c.fault)
			s.drip(w, r, body)
			return
		case faultHTML:
			body, whole = []byte("<!DOCTYPE html><html><body>系统繁忙, 请稍后再试</body></html>"), false
			contentType = "text/html;charset=UTF-8"
		}
	}
	if !whole {
		s.recorder.fault(c.fault)
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	if announced < 0 && len(body) > 512 && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = s.zip(body)
	}
	h.Set("Content-Length", fmt.Sprint(max(announced, len(body))))
	w.WriteHeader(c.status)
	if whole {
		s.recorder.settle(c.outcome, c.question)
	}
	// A failed write means that the client went away; nobody is left to tell.
	if _, err := w.Write(body); err != nil {
		slog.Debug("sandbox: answer not delivered", "api", c.api, "error", err)
	}
}

// drip sends half of a body in many small pieces, then breaks off.
func (s *Server) drip(w http.ResponseWriter, r *http.Request, body []byte) {
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	out := http.NewResponseController(w)
	const drops = 20
	tick := time.NewTicker(max(s.opt.Drip/drops, 1))
	defer tick.Stop()
	for i := range drops {
		if _, err := w.Write(body[i*len(body)/2/drops : (i+1)*len(body)/2/drops]); err != nil {
			return // the client has left
		}
		if out.Flush() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
	reset(w)
}

// storms reports whether all calls are throttled now.
func (s *Server) storms() bool {
	storm := s.opt.Storm
	return storm > 0 && s.opt.Profile == Hostile && time.Since(s.born)%(10*storm) >= 9*storm
}

// zip compresses a body at the level that costs least.
func (s *Server) zip(body []byte) []byte {
	var out sliceWriter
	z, ok := s.zips.Get().(*gzip.Writer)
	if !ok {
		var err error
		if z, err = gzip.NewWriterLevel(&out, gzip.BestSpeed); err != nil {
			return body
		}
	}
	defer s.zips.Put(z)
	z.Reset(&out)
	_, writeErr := z.Write(body)
	if err := errors.Join(writeErr, z.Close()); err != nil {
		return body
	}
	return out
}

// sliceWriter is an io.Writer that cannot fail.
type sliceWriter []byte

func (w *sliceWriter) Write(p []byte) (int, error) {
	*w = append(*w, p...)
	return len(p), nil
}

// reset breaks the connection off.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		// The documented way to end a response that cannot be hijacked.
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(interface{ SetLinger(int) error }); ok {
		_ = tcp.SetLinger(0) // makes Close send RST; without it Close sends FIN, which does as well
	}
	conn.Close()
}

// control serves the sandbox's own pages.
func (s *Server) control(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/_sandbox/stats" && r.Method == http.MethodGet:
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(s.Stats()); err != nil {
			slog.Debug("sandbox: stats not delivered", "error", err)
		}
	case r.URL.Path == "/_sandbox/reset" && r.Method == http.MethodPost:
		s.Reset()
		w.WriteHeader(http.StatusNoContent)
	case strings.HasPrefix(r.URL.Path, picturePath) && r.Method == http.MethodGet:
		s.servePicture(w, r)
	default:
		http.NotFound(w, r)
	}
}
