package extract

import (
	"sync"
	"time"
)

// Ledger counts the calls of one credential together with the other clients
// that use it, in this process and in others. Its methods are safe for
// concurrent use. A call is counted before it is sent, so that a process that
// is killed has counted too many at worst, never too few.
type Ledger interface {
	// Take counts one call of a day, which is a midnight of the gateways' clock,
	// and reports whether there was room for it: fewer than limit calls were
	// counted, and nobody was refused. The tally is that after the call.
	Take(day time.Time, limit int64) (Tally, bool, error)
	// Read returns the tally of a day.
	Read(day time.Time) (Tally, error)
	// Refuse notes that the gateway has turned down a call of a day because its
	// calls are used up, and until when nobody needs to try again.
	Refuse(day, until time.Time) error
	// Place says where the tally is kept, for messages.
	Place() string
}

// Tally is what a Ledger knows of a day.
type Tally struct {
	Calls   int64
	Refused time.Time // until when; zero = nobody was refused
}

// Budget bounds attempts, token requests included. Its methods are safe for
// concurrent use.
type Budget interface {
	// Spend takes an attempt that is about to be sent; false when none is left.
	Spend() (bool, error)
	// Refund gives back an attempt that was not sent after all.
	Refund() error
}

// memoryBudget is a Budget that ends with its process.
type memoryBudget struct {
	mu   sync.Mutex
	left int64
}

// Spend implements Budget.
func (b *memoryBudget) Spend() (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left <= 0 {
		return false, nil
	}
	b.left--
	return true, nil
}

// Refund implements Budget.
func (b *memoryBudget) Refund() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left++
	return nil
}

// spendAll takes an attempt from each of the budgets, or from none.
func spendAll(budgets []Budget) (bool, error) {
	for i, b := range budgets {
		if ok, err := b.Spend(); !ok || err != nil {
			if back := refundAll(budgets[:i]); err == nil {
				err = back
			}
			return false, err
		}
	}
	return true, nil
}

func refundAll(budgets []Budget) error {
	var first error
	for _, b := range budgets {
		if err := b.Refund(); err != nil && first == nil {
			first = err
		}
	}
	return first
}
