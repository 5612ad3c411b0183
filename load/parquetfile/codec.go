package parquetfile

import (
	"fmt"
	"sync"
	_ "unsafe" // for go:linkname

	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/klauspost/compress/zstd"
)

// codec is a compression with its level.
type codec struct {
	id    compress.Compression
	level int
}

func parseCodec(name string) (codec, error) {
	switch name {
	case "", "zstd":
		return codec{compress.Codecs.Zstd, 1}, nil
	case "snappy":
		return codec{compress.Codecs.Snappy, compress.DefaultCompressionLevel}, nil
	case "gzip":
		return codec{compress.Codecs.Gzip, compress.DefaultCompressionLevel}, nil
	case "none":
		return codec{compress.Codecs.Uncompressed, compress.DefaultCompressionLevel}, nil
	}
	return codec{}, fmt.Errorf("compression %q of Parquet files is none of zstd, snappy, gzip, none", name)
}

// arrowCodecs is the library's own table of codecs. Its zstd entry makes a new
// encoder for every page, which takes more time and memory than compressing
// does; there is no public way to replace it, and the library's version is
// frozen. A test guards that the entry is really replaced.
//
//go:linkname arrowCodecs github.com/apache/arrow/go/v15/parquet/compress.codecs
var arrowCodecs map[compress.Compression]compress.Codec

// poolZstd replaces the library's zstd codec, once, before the first file is
// begun: the table is read without a lock.
var poolZstd = sync.OnceFunc(func() {
	original, ok := arrowCodecs[compress.Codecs.Zstd]
	if !ok {
		return
	}
	arrowCodecs[compress.Codecs.Zstd] = &pooledZstd{Codec: original}
})

// freeList keeps up to its capacity of things that are used again. Unlike a
// sync.Pool it survives the garbage collector, which a replay sets off every
// tenth of a second.
type freeList[T any] chan T

// inUse is how many goroutines are expected to compress at a time.
const inUse = 4

func newFreeList[T any]() freeList[T] { return make(freeList[T], inUse) }

// take returns something that was put back, or else what fresh makes.
func (l freeList[T]) take(fresh func() T) T {
	select {
	case v := <-l:
		return v
	default:
		return fresh()
	}
}

func (l freeList[T]) put(v T) {
	select {
	case l <- v:
	default:
	}
}

// pooledZstd is the library's zstd codec with encoders that are used again.
type pooledZstd struct {
	compress.Codec
	pools sync.Map // of freeList[*zstd.Encoder], by zstd.EncoderLevel
}

// CompressBound returns how much room a page gets at first. Pages shrink a
// lot, and EncodeLevel makes more room where one does not.
func (z *pooledZstd) CompressBound(size int64) int64 { return size/3 + 64 }

// EncodeLevel compresses one page. The bytes do not depend on what the encoder
// compressed before.
func (z *pooledZstd) EncodeLevel(dst, src []byte, level int) []byte {
	speed := zstd.SpeedDefault
	if level != compress.DefaultCompressionLevel {
		speed = zstd.EncoderLevelFromZstd(level)
	}
	pool := z.pool(speed)
	enc := pool.take(func() *zstd.Encoder {
		// The options are constants that the library accepts. Less memory is
		// 4 MB less for each encoder, and changes no byte. Pages in which nothing
		// repeats are coded by frequency all the same: hex digits become half as long.
		enc, _ := zstd.NewWriter(nil, zstd.WithZeroFrames(true), zstd.WithAllLitEntropyCompression(true),
			zstd.WithEncoderLevel(speed), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
		return enc
	})
	defer pool.put(enc)
	return enc.EncodeAll(src, dst[:0])
}

func (z *pooledZstd) pool(speed zstd.EncoderLevel) freeList[*zstd.Encoder] {
	if p, ok := z.pools.Load(speed); ok {
		return p.(freeList[*zstd.Encoder])
	}
	p, _ := z.pools.LoadOrStore(speed, newFreeList[*zstd.Encoder]())
	return p.(freeList[*zstd.Encoder])
}
