// Package journal keeps every answer of a gateway, exactly as it came, in
// append-only segments on a local disk. A run's checkpoint, cache, replay and
// audit are all reads of its journal.
//
// # Files
//
// A journal is a directory of segments numbered from 1. The segment that is
// being written is NDJSON (000001.ndjson). A full one is sealed: compressed
// with zstd (000001.ndjson.zst), as independent frames of about 256 KiB that
// end at record boundaries, so that one record can be read by decoding one
// frame. Ordinary tools read both: read_ndjson of DuckDB, zstdcat | jq.
// Beside a sealed segment stands what its records come to in the index
// (000001.ndjson.zst.index), bound to the segment's bytes by their checksum.
// It may be deleted: Open then decodes the segment.
//
// Compact rewrites a journal, which compacted.json then tells of. Its
// directories compact.tmp and compact.new are there only until it has ended.
//
// # Records
//
// A record is one line holding one JSON object, its keys in this order:
//
//	seq      number of the record, rising by one; gaps are accepted
//	ref      first 16 hex digits of the SHA-256 of key
//	key      canonical text of the call, without credentials
//	at       when the answer had arrived, RFC 3339, UTC
//	status   HTTP status, 0 when no answer arrived
//	attempt  from 1
//	ms       latency in whole milliseconds
//	error    why there is no whole answer; left out when there is
//	reused   ref of the record that the answer was copied from; left out when it was paid for
//	sum      CRC-32C of the body, 8 hex digits, and behind it that of the other fields, see
//	         below; records of older journals have the first alone
//	body     the answer itself, when it is JSON in one line; byte for byte as received
//	body_text, body_b64  in its place, for an answer that is other text, or no text
//
// The second half of sum covers everything but body and ref, which is the key's: of
// key, error and reused the length in 4 bytes and the text, at in RFC 3339 with as
// many digits of a second as it has, then status, attempt, ms and seq in 8 bytes
// each. Numbers have their highest byte first.
//
// # Promises
//
// Append returns after the whole record was handed to the kernel in one
// write, so a killed process loses nothing that was appended; everything is
// forced to the disk at least once a second, so a power cut loses at most that
// second. A record that was cut short by either is removed at the next Open,
// which reports it. Damage anywhere else is an error that wraps ErrCorrupt.
//
// One process writes a journal at a time; keeping a second one away is the
// caller's business. Any number may read.
package journal
