package sandbox

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"offerlake/pipeline/catalog"
)

// call is one request on its way to an answer.
type call struct {
	s      *Server
	path   []string // segments
	params map[string]string
	files  map[string][]byte // of a multipart body
	bearer string            // of the Authorization header
	now    time.Time
	api    string
	// question identifies what is asked, whoever asks; 0 = not a business call.
	question uint64
	fault    fault

	w       doc
	status  int
	outcome outcome
	key     string // whose limits the call was admitted under
}

// maxRequest bounds the body of a request: a picture as base64 fits.
const maxRequest = 4 << 20

func (s *Server) newCall(w http.ResponseWriter, r *http.Request) (*call, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
	files, err := parseForm(r)
	if err != nil {
		return nil, err
	}
	c := &call{
		s: s, path: strings.Split(strings.Trim(r.URL.Path, "/"), "/"),
		params: make(map[string]string, len(r.Form)), files: files, now: s.opt.Now(), status: http.StatusOK,
	}
	c.bearer, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	for k, v := range r.Form {
		c.params[k] = v[0]
	}
	return c, nil
}

// parseForm reads the parameters into r.Form and returns the files of a
// multipart body.
func parseForm(r *http.Request) (map[string][]byte, error) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		return nil, r.ParseForm()
	}
	if err := r.ParseMultipartForm(maxRequest); err != nil { // all of it in memory
		return nil, err
	}
	files := make(map[string][]byte)
	for name, headers := range r.MultipartForm.File {
		f, err := headers[0].Open()
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
		files[name] = data
	}
	return files, nil
}

// segment returns the i-th part of the path, "" past its end.
func (c *call) segment(i int) string {
	if i < len(c.path) {
		return c.path[i]
	}
	return ""
}

// ask sets the question of the call and throws its dice.
func (c *call) ask(dialect string, business map[string]string) {
	h := mix(hashText(dialect) ^ hashText(c.api)<<1)
	for _, k := range slices.Sorted(maps.Keys(business)) {
		h = mix(h ^ hashText(k))
		h = mix(h ^ hashText(business[k]))
	}
	c.question = max(h, 1)
	c.w.d = newDice(c.s.opt.Seed, c.question)
	if c.s.opt.Night > 0 {
		// Another night a rough gateway leaves out other fields.
		c.w.d = newDice(c.s.opt.Seed, c.question, uint64(c.s.opt.Night))
	}
	c.w.rough = c.s.opt.Profile != Clean
}

// without returns the parameters but for those of the dialect itself.
func (c *call) without(system ...string) map[string]string {
	out := make(map[string]string, len(c.params))
	for k, v := range c.params {
		if !slices.Contains(system, k) {
			out[k] = v
		}
	}
	return out
}

// admit lets the call pass the limits of a key, or says why not.
func (c *call) admit(key string) refusal {
	if c.fault == faultThrottle || c.s.storms() {
		c.s.recorder.fault(faultThrottle)
		c.outcome = outcomeThrottled
		return tooFast
	}
	switch r := c.s.gate.enter(key, c.now); r {
	case admitted:
		c.key = key
		return r
	case quotaSpent:
		c.outcome = outcomeQuota
		return r
	default:
		c.outcome = outcomeThrottled
		return r
	}
}

// leave ends an admitted call.
func (c *call) leave() {
	if c.key != "" {
		c.s.gate.leave(c.key)
	}
}

// token returns the state of an access token and whose it is.
func (c *call) token(token string) (string, tokenState) {
	key, state := c.s.accounts.check(token, c.now)
	if c.fault == faultToken {
		c.s.recorder.fault(c.fault)
		return key, tokenExpired
	}
	return key, state
}

// answered marks the call as answered by the business logic.
func (c *call) answered() { c.outcome = outcomeAnswered }

// offer returns the offer of an id that a call names.
func (c *call) offer(text string) (Truth, bool) {
	id, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return Truth{}, false
	}
	return c.s.catalog.ByID(catalog.OfferID(id))
}

// row returns what a list tells of an offer. An id that nobody knows looks
// like any other.
func (c *call) row(id catalog.OfferID) Truth {
	i, ok := c.s.catalog.index(id)
	if !ok {
		i, _ = c.s.catalog.index(id - 1)
	}
	t := c.s.catalog.offer(i, false)
	t.ID = id
	return t
}

// number reads a parameter that counts from 1; anything else is 1, as live
// gateways take it.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 1
	}
	return n
}

// priceFrom and priceTo read price bounds in fen; what is no price is no bound.
func priceFrom(text string) int {
	d, err := catalog.ParseDecimal(text)
	if err != nil || d < 0 {
		return 0
	}
	return int((d + fen - 1) / fen)
}

func priceTo(text string) int {
	d, err := catalog.ParseDecimal(text)
	if err != nil || d < 0 {
		return 0
	}
	return int(d / fen)
}

// categoryThemes narrows a set of themes to a category; 0 is no category.
func categoryThemes(set themeSet, text string) themeSet {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id == 0 {
		return set
	}
	return set & themesIn(catalog.CategoryID(id))
}

// soldText is how a rough answer writes the number sold.
func soldText(t Truth) string {
	if !t.SoldLowerBound {
		return strconv.FormatInt(t.Sold, 10)
	}
	if t.Sold < 10_000 {
		return strconv.FormatInt(t.Sold, 10) + "+"
	}
	s := strconv.FormatInt(t.Sold/10_000, 10)
	if k := t.Sold / 1000 % 10; k > 0 {
		s += "." + strconv.FormatInt(k, 10)
	}
	return s + "万+"
}
