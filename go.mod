module offerlake

go 1.26.0

require (
	github.com/apache/arrow/go/v15 v15.0.2 // record batches, Parquet and CSV writing
	github.com/apache/thrift v0.25.0 // reads page headers in tests; newer than the other libraries ask for
	github.com/go-faster/jx v1.2.0 // JSON decoding on the hot path: exact literals, seven times encoding/json
	github.com/goccy/go-yaml v1.19.2 // job files, with the position of every value
	github.com/google/go-cmp v0.7.0 // differences in tests
	github.com/klauspost/compress v1.20.3 // zstd of journals, CSV and Parquet pages
	github.com/schollz/progressbar/v3 v3.19.1 // the progress bar
	github.com/spf13/cobra v1.10.2 // commands and flags
	github.com/xitongsys/parquet-go v1.6.2 // the independent reader that checks every Parquet file
	go.uber.org/goleak v1.3.0 // goroutine leaks in tests
	golang.org/x/image v0.47.0 // reads WebP pictures, scales pictures down for gateways
	golang.org/x/sync v0.24.0 // errgroup
	golang.org/x/term v0.47.0 // is stderr a terminal
	golang.org/x/text v0.43.0 // NFKC, widths of characters
	golang.org/x/time v0.16.0 // the token bucket that tests compare the pacer with
)

require (
	github.com/BurntSushi/toml v1.4.1-0.20240526193622-a339e1f7089c // indirect
	github.com/JohnCGriffin/overflow v0.0.0-20211019200055-46fa312c352c // indirect
	github.com/andybalholm/brotli v1.2.8 // indirect
	github.com/apache/arrow/go/arrow v0.0.0-20200730104253-651201b0f516 // indirect
	github.com/go-faster/errors v0.7.1 // indirect
	github.com/goccy/go-json v0.12.0 // indirect
	github.com/golang/snappy v1.0.0 // indirect
	github.com/google/flatbuffers v23.5.26+incompatible // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/klauspost/asmfmt v1.3.2 // indirect
	github.com/klauspost/cpuid/v2 v2.2.5 // indirect
	github.com/minio/asm2plan9s v0.0.0-20200509001527-cdd76441f9d8 // indirect
	github.com/minio/c2goasm v0.0.0-20190812172519-36a3d3bbc4f3 // indirect
	github.com/mitchellh/colorstring v0.0.0-20190213212951-d06e56a500db // indirect
	github.com/pierrec/lz4/v4 v4.1.33 // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
	github.com/segmentio/asm v1.2.1 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	github.com/zeebo/xxh3 v1.0.2 // indirect
	golang.org/x/exp v0.0.0-20231110203233-9a3e6036ecaa // indirect
	golang.org/x/exp/typeparams v0.0.0-20231108232855-2478ac86f678 // indirect
	golang.org/x/mod v0.41.0 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/telemetry v0.0.0-20260924152758-ed294f943157 // indirect
	golang.org/x/tools v0.51.0 // indirect
	golang.org/x/xerrors v0.0.0-20220907171357-04be3eba64a2 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20261026165753-2ffab32bce7e // indirect
	google.golang.org/grpc v1.85.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
	honnef.co/go/tools v0.8.2 // indirect
)

tool honnef.co/go/tools/cmd/staticcheck
