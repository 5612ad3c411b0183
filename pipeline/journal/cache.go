package journal

import (
	"container/list"
	"sync"
)

// frameCache keeps the frames that were decoded last. A frame is decoded
// outside the lock, once for all that ask for it at the same time.
type frameCache struct {
	limit int64 // bytes of decoded frames

	mu    sync.Mutex
	byPos map[int64]*list.Element // of *cachedFrame, by the frame's position
	used  list.List               // most recently used first
	bytes int64
}

type cachedFrame struct {
	pos, size int64
	once      sync.Once
	data      []byte
	err       error
}

// get returns the frame at pos, whose decoded size is known, and calls decode
// for it when it is not there. The caller must not change what it gets.
func (c *frameCache) get(pos, size int64, decode func() ([]byte, error)) ([]byte, error) {
	f := c.entry(pos, size)
	f.once.Do(func() { f.data, f.err = decode() })
	if f.err != nil {
		c.forget(f)
	}
	return f.data, f.err
}

func (c *frameCache) entry(pos, size int64) *cachedFrame {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.byPos[pos]; ok {
		c.used.MoveToFront(e)
		return e.Value.(*cachedFrame)
	}
	f := &cachedFrame{pos: pos, size: size}
	if c.byPos == nil {
		c.byPos = map[int64]*list.Element{}
	}
	c.byPos[pos] = c.used.PushFront(f)
	c.bytes += size
	for c.bytes > c.limit && c.used.Len() > 1 {
		c.drop(c.used.Back())
	}
	return f
}

// forget removes f, so that a failed read is tried again by the next caller.
func (c *frameCache) forget(f *cachedFrame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.byPos[f.pos]; ok && e.Value == f {
		c.drop(e)
	}
}

func (c *frameCache) drop(e *list.Element) {
	f := c.used.Remove(e).(*cachedFrame)
	delete(c.byPos, f.pos)
	c.bytes -= f.size
}
