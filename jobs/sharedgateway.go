package jobs

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"offerlake/extract"
)

// sharedGateway is the gateway of a backfill: its shards keep the limits of one
// run. The emulated world of kind sandbox has a clock of its own for each
// date, so there the shards of a date share a gateway.
type sharedGateway struct {
	budget extract.Budget // nil = no limit
	log    *slog.Logger
	side   int // shards that run side by side

	mu   sync.Mutex
	open map[string]*openedGateway
}

// openedGateway is a gateway that some shards use now.
type openedGateway struct {
	*gateway
	pool  *extract.Pool
	users int
}

// options are a client's, or a pool's, options for the gateway of a job.
func (gw *gateway) options(g *Gateway, log *slog.Logger) extract.Options {
	limits := g.Limits
	o := extract.Options{
		Gateway: g.Kind, Logger: log,
		Endpoints: gw.endpoints, Credentials: gw.credentials, Now: gw.now,
		PerSecond: limits.PerSecond, Burst: limits.Burst, InFlight: limits.InFlight,
		AttemptTimeout: time.Duration(g.Timeout), MaxAttempts: g.Attempts,
		PerDay: limits.PerDay, Reserve: float64(limits.Reserve), RootCAs: gw.roots,
	}
	if o.PerSecond == 0 {
		o.PerSecond = extract.Unlimited
	}
	return o
}

// sideBySide is how many runs share this process.
func (s *sharedGateway) sideBySide() int {
	if s == nil {
		return 1
	}
	return max(s.side, 1)
}

// use returns the gateway for a date with its pool, and a function that gives
// it back. A nil s makes a gateway of its own, without a pool.
func (s *sharedGateway) use(g *Gateway, date time.Time) (*gateway, *extract.Pool, func() error, error) {
	if s == nil {
		gw, err := openGateway(g, date)
		if err != nil {
			return nil, nil, nil, err
		}
		return gw, nil, gw.close, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := ""
	if g.Kind == "sandbox" {
		key = date.Format(time.DateOnly)
	}
	o := s.open[key]
	if o == nil {
		var err error
		if o, err = s.begin(g, date); err != nil {
			return nil, nil, nil, err
		}
		s.open[key] = o
	}
	o.users++
	return o.gateway, o.pool, func() error { return s.giveBack(key) }, nil
}

func (s *sharedGateway) begin(g *Gateway, date time.Time) (*openedGateway, error) {
	gw, err := openGateway(g, date)
	if err != nil {
		return nil, err
	}
	o := gw.options(g, s.log)
	o.Budget = s.budget
	pool, err := extract.NewPool(o)
	if err != nil {
		return nil, errors.Join(err, gw.close())
	}
	return &openedGateway{gateway: gw, pool: pool}, nil
}

// giveBack closes an emulator that nobody uses any more. Other gateways stay
// open: what their pool has learnt of pace and health is for all shards.
func (s *sharedGateway) giveBack(key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.open[key]
	if o.users--; o.users > 0 || key == "" {
		return nil
	}
	delete(s.open, key)
	o.pool.Close()
	return o.close()
}

// close closes what is still open.
func (s *sharedGateway) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for key, o := range s.open {
		o.pool.Close()
		errs = append(errs, o.close())
		delete(s.open, key)
	}
	return errors.Join(errs...)
}
