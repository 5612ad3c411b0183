package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-faster/jx"

	"offerlake/pipeline/catalog"
)

// bodyKind says in which of the three fields a record's body is kept.
type bodyKind byte

const (
	bodyNone bodyKind = iota
	bodyJSON          // body: the value as received
	bodyText          // body_text: a JSON string of it
	bodyB64           // body_b64: standard base64
)

// line is a parsed record whose body is still in its encoded form. Its slices
// may alias the text that it was parsed from.
type line struct {
	hash    [16]byte // start of the key's SHA-256
	seq     int64
	key     []byte
	at      time.Time
	status  int
	attempt int
	ms      int64
	err     []byte
	reused  []byte
	sum     uint32 // of the body
	sumAt   int    // where a line that is being written has the digits of the other sum
	kind    bodyKind
	body    []byte // bodyText: the JSON string with its quotes
}

// crcOf is the checksum of a body. The standard library builds its table once.
func crcOf(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

func hashOf(key []byte) [16]byte {
	sum := sha256.Sum256(key)
	return [16]byte(sum[:16])
}

// seqRoom is the space that appendLine leaves for what sealLine puts in front.
const seqRoom = len(`{"seq":`) + 19

// appendLine appends the text of r to b, behind seqRoom unused bytes: the
// sequence number is known only when the record's turn to be written comes. It
// also returns the parts that the index needs.
func appendLine(b []byte, r *catalog.Record) ([]byte, line, error) {
	if r.Key == "" || !utf8.ValidString(r.Key) {
		return nil, line{}, fmt.Errorf("record key %q is not usable text", r.Key)
	}
	if r.At.Year() < 0 || r.At.Year() > 9999 {
		return nil, line{}, fmt.Errorf("record time %v is out of range", r.At)
	}
	l := line{
		hash: hashOf([]byte(r.Key)), key: []byte(r.Key), at: r.At.UTC().Round(0), status: r.Status, attempt: r.Attempt,
		ms: r.Latency.Milliseconds(), sum: crcOf(r.Body),
		err:    []byte(strings.ToValidUTF8(r.Error, "\uFFFD")),
		reused: []byte(strings.ToValidUTF8(r.Reused, "\uFFFD")),
	}
	w := jx.Writer{Buf: append(b, make([]byte, seqRoom)...)}
	w.RawStr(`,"ref":"`)
	w.Buf = hex.AppendEncode(w.Buf, l.hash[:8])
	w.RawStr(`","key":`)
	w.ByteStr(l.key)
	w.RawStr(`,"at":"`)
	w.Buf = l.at.AppendFormat(w.Buf, time.RFC3339Nano)
	w.RawStr(`","status":`)
	w.Int(l.status)
	w.RawStr(`,"attempt":`)
	w.Int(l.attempt)
	w.RawStr(`,"ms":`)
	w.Int64(l.ms)
	if len(l.err) > 0 {
		w.RawStr(`,"error":`)
		w.ByteStr(l.err)
	}
	if len(l.reused) > 0 {
		w.RawStr(`,"reused":`)
		w.ByteStr(l.reused)
	}
	w.RawStr(`,"sum":"`)
	w.Buf = hex.AppendEncode(w.Buf, binary.BigEndian.AppendUint32(nil, l.sum))
	l.sumAt = len(w.Buf) - len(b)
	w.RawStr(`00000000",`)
	writeBody(&w, r.Body)
	w.RawStr("}\n")
	if len(w.Buf) > math.MaxUint32 {
		return nil, line{}, fmt.Errorf("record of %d bytes is too long", len(w.Buf))
	}
	return w.Buf, l, nil
}

func writeBody(w *jx.Writer, body []byte) {
	switch {
	case !utf8.Valid(body):
		w.RawStr(`"body_b64":"`)
		w.Buf = base64.StdEncoding.AppendEncode(w.Buf, body)
		w.RawStr(`"`)
	case embeddable(body):
		w.RawStr(`"body":`)
		w.Raw(body)
	default:
		w.RawStr(`"body_text":`)
		w.ByteStr(body)
	}
}

// sealLine puts the sequence number of l in front of what appendLine made, and
// the sum that covers it in its place, and returns the whole line.
func sealLine(b []byte, l *line) []byte {
	var digits [20]byte
	d := strconv.AppendInt(digits[:0], l.seq, 10)
	var sum [4]byte
	binary.BigEndian.PutUint32(sum[:], l.headSum())
	hex.Encode(b[l.sumAt:], sum[:])
	start := seqRoom - len(d) - len(`{"seq":`)
	copy(b[start:], `{"seq":`)
	copy(b[seqRoom-len(d):], d)
	return b[start:]
}

// embeddable reports whether valid UTF-8 text can stand in a record as a JSON
// value and be found again byte for byte, also by tools that parse strictly.
func embeddable(body []byte) bool {
	if len(body) == 0 || isSpace(body[0]) || isSpace(body[len(body)-1]) {
		return false
	}
	if bytes.IndexByte(body, '\n') >= 0 || bytes.IndexByte(body, '\r') >= 0 || hasLoneSurrogate(body) {
		return false
	}
	return jx.Valid(body)
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// hasLoneSurrogate reports an escaped half of a UTF-16 pair without its other
// half, which JSON permits and many readers refuse.
func hasLoneSurrogate(b []byte) bool {
	for {
		i := bytes.IndexByte(b, '\\')
		if i < 0 || i+1 >= len(b) {
			return false
		}
		b = b[i:]
		if b[1] != 'u' {
			b = b[2:]
			continue
		}
		switch hi := hex4(b[2:]); {
		case hi >= 0xDC00 && hi <= 0xDFFF:
			return true
		case hi >= 0xD800 && hi <= 0xDBFF:
			if len(b) < 12 || b[6] != '\\' || b[7] != 'u' {
				return true
			}
			if lo := hex4(b[8:]); lo < 0xDC00 || lo > 0xDFFF {
				return true
			}
			b = b[12:]
		default:
			b = b[2:]
		}
	}
}

func hex4(b []byte) int {
	if len(b) < 4 {
		return -1
	}
	v, err := strconv.ParseUint(string(b[:4]), 16, 16)
	if err != nil {
		return -1
	}
	return int(v)
}

// parseLine reads one line without its newline and checks its ref and its
// sum. The usual layout is read without looking into the body; a line that
// another tool wrote anew is parsed as the JSON it is.
func parseLine(b []byte) (line, error) {
	if l, ok := parseFixed(b); ok {
		return l, nil
	}
	return parseAny(b)
}

// parseFixed reads a line in exactly the layout of appendLine.
func parseFixed(b []byte) (line, bool) {
	var l line
	c := cursor{b: b, ok: true}
	c.lit(`{"seq":`)
	l.seq = c.int()
	c.lit(`,"ref":`)
	ref := c.str()
	c.lit(`,"key":`)
	l.key = c.str()
	c.lit(`,"at":`)
	at := c.str()
	c.lit(`,"status":`)
	l.status = int(c.int())
	c.lit(`,"attempt":`)
	l.attempt = int(c.int())
	c.lit(`,"ms":`)
	l.ms = c.int()
	if c.maybe(`,"error":`) {
		l.err = c.str()
	}
	if c.maybe(`,"reused":`) {
		l.reused = c.str()
	}
	c.lit(`,"sum":`)
	sum := c.str()
	switch {
	case c.maybe(`,"body":`):
		l.kind = bodyJSON
	case c.maybe(`,"body_text":`):
		l.kind = bodyText
	case c.maybe(`,"body_b64":`):
		l.kind = bodyB64
	default:
		return line{}, false
	}
	n := len(c.b) - 1
	if !c.ok || n < 0 || c.b[n] != '}' || l.at.UnmarshalText(at) != nil {
		return line{}, false
	}
	l.body = c.b[:n]
	if l.kind == bodyB64 {
		l.body = bytes.Trim(l.body, `"`)
	}
	return l, l.check(ref, sum) == nil
}

// cursor reads a line from the left; ok turns false at the first surprise.
type cursor struct {
	b  []byte
	ok bool
}

func (c *cursor) maybe(s string) bool {
	if !c.ok || len(c.b) < len(s) || string(c.b[:len(s)]) != s {
		return false
	}
	c.b = c.b[len(s):]
	return true
}

func (c *cursor) lit(s string) { c.ok = c.maybe(s) }

func (c *cursor) int() int64 {
	i := 0
	if i < len(c.b) && c.b[i] == '-' {
		i++
	}
	for i < len(c.b) && c.b[i] >= '0' && c.b[i] <= '9' {
		i++
	}
	v, err := strconv.ParseInt(string(c.b[:i]), 10, 64)
	c.ok = c.ok && err == nil
	c.b = c.b[i:]
	return v
}

// str reads a JSON string and returns its content.
func (c *cursor) str() []byte {
	if !c.maybe(`"`) {
		c.ok = false
		return nil
	}
	escaped := false
	for i := 0; i < len(c.b); i++ {
		switch c.b[i] {
		case '\\':
			escaped = true
			i++
		case '"':
			s := c.b[:i]
			if escaped {
				s = c.unescape(i)
			}
			c.b = c.b[i+1:]
			return s
		}
	}
	c.ok = false
	return nil
}

// unescape decodes the n bytes ahead as the content of a JSON string.
func (c *cursor) unescape(n int) []byte {
	s, err := decodeString(append(append([]byte{'"'}, c.b[:n]...), '"'))
	c.ok = c.ok && err == nil
	return s
}

// decodeString returns the content of a JSON string, given with its quotes.
func decodeString(quoted []byte) ([]byte, error) {
	d := jx.GetDecoder()
	defer jx.PutDecoder(d)
	d.ResetBytes(quoted)
	s, err := d.StrAppend(make([]byte, 0, len(quoted)))
	if err != nil {
		return nil, err
	}
	if d.Skip() != io.EOF {
		return nil, errors.New("text after the string")
	}
	return s, nil
}

// parseAny reads a line as any JSON object that has the fields of a record. A
// missing ref or sum is accepted, so that a line can be mended by hand.
func parseAny(b []byte) (line, error) {
	if !jx.Valid(b) {
		return line{}, errors.New("not a JSON object")
	}
	var l line
	var at, ref, sum string
	err := jx.DecodeBytes(b).Obj(func(d *jx.Decoder, key string) (err error) {
		switch key {
		case "seq":
			l.seq, err = d.Int64()
		case "ref":
			ref, err = d.Str()
		case "key":
			l.key, err = d.StrAppend(nil)
		case "at":
			at, err = d.Str()
		case "status":
			l.status, err = d.Int()
		case "attempt":
			l.attempt, err = d.Int()
		case "ms":
			l.ms, err = d.Int64()
		case "error":
			l.err, err = d.StrAppend(nil)
		case "reused":
			l.reused, err = d.StrAppend(nil)
		case "sum":
			sum, err = d.Str()
		case "body":
			l.kind = bodyJSON
			l.body, err = rawValue(d)
		case "body_text":
			l.kind = bodyText
			l.body, err = rawValue(d)
		case "body_b64":
			l.kind = bodyB64
			l.body, err = d.StrAppend(nil)
		default:
			err = d.Skip()
		}
		return err
	})
	if err != nil {
		return line{}, fmt.Errorf("not a record: %w", err)
	}
	if l.at, err = time.Parse(time.RFC3339Nano, at); err != nil {
		return line{}, fmt.Errorf("not a record: at %q is not a time", at)
	}
	if len(l.key) == 0 || l.kind == bodyNone {
		return line{}, errors.New("not a record: no key or no body")
	}
	l.at = l.at.UTC()
	return l, l.check([]byte(ref), []byte(sum))
}

// rawValue copies the text of the next value, without the space around it.
func rawValue(d *jx.Decoder) ([]byte, error) {
	raw, err := d.RawAppend(nil)
	return bytes.TrimSpace(raw), err
}

// bodyDigits are the digits of a sum that are the body's. Those behind them are
// of the other fields; records of older journals have none.
const bodyDigits = 8

// check fills in the key's hash and compares ref and sum, where they are
// given, with the record.
func (l *line) check(ref, sum []byte) error {
	l.hash = hashOf(l.key)
	if len(ref) > 0 {
		var want [16]byte
		hex.Encode(want[:], l.hash[:8])
		if string(ref) != string(want[:]) {
			return errors.New("ref does not belong to the key")
		}
	}
	body, err := l.content()
	if err != nil {
		return err
	}
	l.sum = crcOf(body)
	if len(sum) == 0 {
		return nil
	}
	if !isSum(sum[:min(bodyDigits, len(sum))], l.sum) {
		return errors.New("body does not match its sum")
	}
	if len(sum) > bodyDigits && !isSum(sum[bodyDigits:], l.headSum()) {
		return errors.New("record does not match its sum")
	}
	return nil
}

func isSum(digits []byte, sum uint32) bool {
	v, err := strconv.ParseUint(string(digits), 16, 32)
	return err == nil && len(digits) == bodyDigits && uint32(v) == sum
}

// headRoom is memory for the fields of a record, which the checksum would
// otherwise move to the heap for each.
var headRoom = sync.Pool{New: func() any { return new([]byte) }}

// headSum is the checksum of all fields but the body.
func (l *line) headSum() uint32 {
	room := headRoom.Get().(*[]byte)
	defer headRoom.Put(room)
	*room = binary.BigEndian.AppendUint64(l.appendHead((*room)[:0]), uint64(l.seq))
	return crcOf(*room)
}

// content returns the body as it was received. It may alias the line.
func (l *line) content() ([]byte, error) {
	switch l.kind {
	case bodyText:
		s, err := decodeString(l.body)
		if err != nil {
			return nil, fmt.Errorf("body_text: %w", err)
		}
		return s, nil
	case bodyB64:
		s, err := base64.StdEncoding.AppendDecode(nil, l.body)
		if err != nil {
			return nil, fmt.Errorf("body_b64: %w", err)
		}
		return s, nil
	}
	return l.body, nil
}

// record returns l as a Record. Its body may be part of the line; its other
// fields are not.
func (l *line) record() (catalog.Record, error) {
	body, err := l.content()
	if err != nil {
		return catalog.Record{}, err
	}
	r := l.head()
	r.Body = body
	return r, nil
}

// head returns l as a Record without its body.
func (l *line) head() catalog.Record {
	return catalog.Record{
		Seq: l.seq, Key: string(l.key), At: l.at, Status: l.status, Attempt: l.attempt,
		Latency: time.Duration(l.ms) * time.Millisecond,
		Error:   string(l.err), Reused: string(l.reused),
	}
}

// identity is the hash of everything in the record but its place.
func (l *line) identity() [sha256.Size]byte {
	return sha256.Sum256(binary.BigEndian.AppendUint64(l.appendHead(make([]byte, 0, 512)), uint64(l.sum)))
}

// appendHead appends all fields but the body and the place.
func (l *line) appendHead(b []byte) []byte {
	for _, field := range [][]byte{l.key, l.err, l.reused} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(field)))
		b = append(b, field...)
	}
	b = l.at.AppendFormat(b, time.RFC3339Nano)
	for _, n := range []int64{int64(l.status), int64(l.attempt), l.ms} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return b
}
