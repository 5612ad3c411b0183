package sandbox_test

import (
	"testing"

	"offerlake/extract/sandbox"
)

func BenchmarkDetail(b *testing.B) {
	s, err := sandbox.New(sandbox.Options{Offers: 100_000, Profile: sandbox.Rough})
	if err != nil {
		b.Fatal(err)
	}
	for _, dialect := range dialects {
		b.Run(dialect, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				body, err := s.Detail(dialect, s.Catalog().ID(i%100_000))
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(len(body)))
			}
		})
	}
}

func BenchmarkSearch(b *testing.B) {
	s, err := sandbox.New(sandbox.Options{Offers: 100_000, Profile: sandbox.Rough})
	if err != nil {
		b.Fatal(err)
	}
	for _, dialect := range dialects {
		b.Run(dialect, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				serve(s, search(dialect, "保温杯", i%50+1))
			}
		})
	}
}
