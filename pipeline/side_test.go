package pipeline

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// At most n calls are under way, all of them are made, and the first to be
// begun are the first of the items.
func TestSideBySide(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var begun []int
		busy, most := 0, 0
		SideBySide(3, []int{0, 1, 2, 3, 4, 5, 6, 7}, func(i int) {
			mu.Lock()
			begun = append(begun, i)
			busy++
			most = max(most, busy)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			busy--
			mu.Unlock()
		})
		if most != 3 || busy != 0 || len(begun) != 8 {
			t.Errorf("%d calls, at most %d at a time, %d not over, want 8, 3 and 0", len(begun), most, busy)
		}
		if first := slices.Sorted(slices.Values(begun[:3])); !slices.Equal(first, []int{0, 1, 2}) {
			t.Errorf("the first calls were of %v, want of 0, 1, 2", first)
		}
	})
}
