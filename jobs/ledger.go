package jobs

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

// stateDirVariable names the environment variable that holds the directory of
// what this machine's processes share.
const stateDirVariable = "OFFERLAKE_STATE_DIR"

// stateDir is where it is: the variable's directory, else that of the user.
func stateDir() (string, error) {
	if dir := os.Getenv(stateDirVariable); dir != "" {
		return filepath.Abs(dir)
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "offerlake"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("%w; set %s to a directory for the counts of calls", err, stateDirVariable)
	}
	return filepath.Join(home, ".local", "state", "offerlake"), nil
}

// ledger counts the calls of a credential in a file for each day of the
// gateways, together with this machine's other processes.
type ledger struct {
	dir, name string

	mu    sync.Mutex
	day   time.Time
	tally *tallyFile // of that day
}

var _ extract.Ledger = (*ledger)(nil)

// newLedger returns the ledger of a credential. Its name is a hash, so that
// nothing can be learnt of the key.
func newLedger(dir string, g *Gateway, c Credential) *ledger {
	sum := sha256.Sum256([]byte(strings.Join([]string{"offerlake calls", g.Kind, accountHost(g.urls()[0]), c.Key + c.AppKey}, "\n")))
	return &ledger{dir: filepath.Join(dir, "calls"), name: hex.EncodeToString(sum[:12])}
}

// accountHost is the part of an endpoint's host that a key belongs to: the last
// two labels of its name, since the hosts of one gateway share its quotas. A
// name that is too short counts too much together, never too little.
func accountHost(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return endpoint
	}
	host := strings.ToLower(u.Hostname())
	if labels := strings.Split(host, "."); net.ParseIP(host) == nil && len(labels) > 2 {
		return strings.Join(labels[len(labels)-2:], ".")
	}
	return strings.ToLower(u.Host)
}

// of returns the tally of a day.
func (l *ledger) of(day time.Time) *tallyFile {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tally == nil || !l.day.Equal(day) {
		if l.tally != nil {
			_ = l.tally.close() // what it counted is with the kernel
		}
		l.day, l.tally = day, &tallyFile{path: l.path(day)}
		l.forget(day)
	}
	return l.tally
}

func (l *ledger) path(day time.Time) string {
	return filepath.Join(l.dir, l.name+"-"+day.In(catalog.GatewayZone).Format(time.DateOnly))
}

// keptDays is how long the tally of a day is kept for those who wonder.
const keptDays = 7

// forget removes the tallies of days long ago. One that cannot be removed does
// no harm.
func (l *ledger) forget(day time.Time) {
	old, _ := filepath.Glob(filepath.Join(l.dir, l.name+"-*"))
	first := l.path(day.AddDate(0, 0, -keptDays))
	for _, path := range old {
		if path < first {
			_ = os.Remove(path)
		}
	}
}

// Take implements extract.Ledger.
func (l *ledger) Take(day time.Time, limit int64) (extract.Tally, bool, error) {
	ok := false
	t, err := l.of(day).change(func(t *extract.Tally) bool {
		if ok = t.Calls < limit && t.Refused.IsZero(); ok {
			t.Calls++
		}
		return ok
	})
	return t, ok && err == nil, err
}

// Read implements extract.Ledger.
func (l *ledger) Read(day time.Time) (extract.Tally, error) {
	return l.of(day).change(func(*extract.Tally) bool { return false })
}

// Refuse implements extract.Ledger. It is the one call about a day that may be
// over.
func (l *ledger) Refuse(day, until time.Time) error {
	t := &tallyFile{path: l.path(day)}
	_, err := t.change(func(t *extract.Tally) bool {
		t.Refused = until
		return true
	})
	return errors.Join(err, t.close())
}

// Place implements extract.Ledger.
func (l *ledger) Place() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.path(l.day)
}

func (l *ledger) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tally == nil {
		return nil
	}
	return l.tally.close()
}

// withLedgers gives the credentials of a gateway their ledgers. The embedded
// emulator has none: its clock stands still. Where no calls can be counted,
// only a job without limits per day may go on.
func (g *Gateway) withLedgers(all []extract.Credential) (closeAll func() error, err error) {
	none := func() error { return nil }
	if g.Kind == "sandbox" {
		return none, nil
	}
	dir, err := stateDir()
	if err != nil {
		if g.limitsDays() {
			return none, fmt.Errorf("limits.per_day: %w (%w)", err, ErrUsage)
		}
		return none, nil
	}
	var ledgers []*ledger
	for i, c := range g.Credentials {
		l := newLedger(dir, g, c)
		if _, err := l.Read(time.Now()); err != nil {
			if g.limitsDays() {
				return none, fmt.Errorf("limits.per_day: calls cannot be counted: %w. Set %s to a directory that can be written to", err, stateDirVariable)
			}
			continue
		}
		all[i].Ledger = l
		ledgers = append(ledgers, l)
	}
	return func() error {
		var errs []error
		for _, l := range ledgers {
			errs = append(errs, l.close())
		}
		return errors.Join(errs...)
	}, nil
}

// limitsDays reports whether any credential may only make so many calls a day.
func (g *Gateway) limitsDays() bool {
	limited := g.Limits.PerDay > 0
	for _, c := range g.Credentials {
		limited = limited || c.PerDay != nil && *c.PerDay > 0
	}
	return limited
}
