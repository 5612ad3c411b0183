package journal

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
)

const benchRecords = 20_000

func benchBody(i int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"item":{"num_iid":"%d","title":"不锈钢保温杯 %d","skus":[`, i, i*7919)
	for k := range 18 {
		if k > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"sku_id":"%d","properties":"1:%d;2:%d","price":"%d.%02d","quantity":%d,"properties_name":"颜色:红色;尺码:%d","image":"https://cbu01.alicdn.com/img/%x.jpg"}`,
			i*100+k, i*31+k, k*17, i%90, k, i*k%1000, k, (i+1)*(k+1)*7919)
	}
	b.WriteString(`]}}`)
	return b.String()
}

func benchJournal(b *testing.B, seal bool) (dir string, bytes int64) {
	dir = b.TempDir()
	j, err := Open(dir, Options{SegmentBytes: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	for i := range benchRecords {
		if err := j.Append(rec(i, benchBody(i))); err != nil {
			b.Fatal(err)
		}
	}
	bytes = j.end()
	if seal {
		if err := j.Seal(); err != nil {
			b.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
	return dir, bytes
}

func BenchmarkAppend(b *testing.B) {
	j, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	body := benchBody(12345)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := j.Append(rec(i, body)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, seal := range []bool{false, true} {
		b.Run(fmt.Sprintf("sealed=%v", seal), func(b *testing.B) {
			dir, bytes := benchJournal(b, seal)
			b.SetBytes(bytes)
			b.ReportAllocs()
			for b.Loop() {
				j, err := OpenReadOnly(dir, Options{})
				if err != nil {
					b.Fatal(err)
				}
				j.Close()
			}
		})
	}
}

func BenchmarkRecords(b *testing.B) {
	for _, seal := range []bool{false, true} {
		for _, stride := range []int64{1, 7919} {
			b.Run(fmt.Sprintf("sealed=%v/stride=%d", seal, stride), func(b *testing.B) {
				dir, bytes := benchJournal(b, seal)
				j, err := OpenReadOnly(dir, Options{})
				if err != nil {
					b.Fatal(err)
				}
				defer j.Close()
				b.SetBytes(bytes / benchRecords)
				b.ReportAllocs()
				var next atomic.Int64
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						i := int(next.Add(stride) % benchRecords)
						if got, err := j.Records(rec(i, "").Key); err != nil || len(got) == 0 {
							b.Errorf("Records(%d) = %d records, %v", i, len(got), err)
							return
						}
					}
				})
			})
		}
	}
}
