package jobs

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// noise is a picture that compresses badly.
func noise(w, h int) *image.RGBA {
	dice := rand.New(rand.NewPCG(1, 2))
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = uint8(dice.Uint32())
	}
	return m
}

func encoded(t *testing.T, encode func(b *bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pictureFile(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "picture")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tinyWebP is a lossless picture of one pixel.
const tinyWebP = "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="

func TestReadPicture(t *testing.T) {
	t.Parallel()
	small := noise(40, 30)
	smallPNG := encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, small) })
	smallJPEG := encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, small, nil) })
	webp, err := base64.StdEncoding.DecodeString(tinyWebP)
	if err != nil {
		t.Fatal(err)
	}
	const limit = 20_000
	tests := []struct {
		name string
		file []byte
		same bool // passed on as it is
	}{
		{"small PNG", smallPNG, true},
		{"small JPEG", smallJPEG, true},
		{"GIF", encoded(t, func(b *bytes.Buffer) error { return gif.Encode(b, small, nil) }), false},
		{"WebP", webp, false},
		{"large PNG", encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, noise(700, 500)) }), false},
		{"large JPEG", encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, noise(500, 700), nil) }), false},
		{"line", encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, noise(20_000, 2)) }), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := pictureFile(t, tt.file)
			data, sum, err := readPicture(path, limit)
			if err != nil {
				t.Fatal(err)
			}
			if want := sha256.Sum256(tt.file); sum != hex.EncodeToString(want[:]) {
				t.Errorf("checksum = %s, want that of the file", sum)
			}
			if len(data) > limit {
				t.Errorf("%d bytes, at most %d fit", len(data), limit)
			}
			if bytes.Equal(data, tt.file) != tt.same {
				t.Errorf("passed on as it is: %t, want %t", !tt.same, tt.same)
			}
			_, format, err := image.DecodeConfig(bytes.NewReader(data))
			if err != nil || format != "jpeg" && format != "png" {
				t.Errorf("format = %q, %v, want jpeg or png", format, err)
			}
			again, _, err := readPicture(path, limit)
			if err != nil || !bytes.Equal(data, again) {
				t.Errorf("a second reading gives other bytes (%v)", err)
			}
		})
	}
}

// TestPictureOnWhite: what is transparent becomes white, not black.
func TestPictureOnWhite(t *testing.T) {
	t.Parallel()
	file := encoded(t, func(b *bytes.Buffer) error { return gif.Encode(b, transparent(), nil) })
	data, _, err := readPicture(pictureFile(t, file), 100_000)
	if err != nil {
		t.Fatal(err)
	}
	m, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if r, g, b, _ := m.At(8, 8).RGBA(); r>>8 < 250 || g>>8 < 250 || b>>8 < 250 {
		t.Errorf("pixel = %d %d %d, want white", r>>8, g>>8, b>>8)
	}
}

func transparent() image.Image {
	return image.NewPaletted(image.Rect(0, 0, 16, 16), color.Palette{color.Transparent, color.Black})
}

func TestReadPictureFaults(t *testing.T) {
	t.Parallel()
	whole := encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, noise(100, 100)) })
	tests := []struct {
		name  string
		file  []byte
		limit int
		want  string
	}{
		{"no picture", []byte("<html>not here</html>"), 1000, "is not a PNG, JPEG, GIF or WebP picture"},
		{"empty", nil, 1000, "is not a PNG, JPEG, GIF or WebP picture"},
		{"cut short", whole[:len(whole)/2], 1000, "is damaged"},
		{"cut short, within the limit", whole[:len(whole)/2], 1_000_000, "is damaged"},
		{"absurdly large", hugePNG(), 1000, "has 60000 x 60000 pixels"},
		{"hopeless limit", whole, 100, "does not fit into the 100 bytes"},
	}
	for _, tt := range tests {
		path := pictureFile(t, tt.file)
		_, _, err := readPicture(path, tt.limit)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: readPicture = %v, want %q and the path", tt.name, err, tt.want)
		}
	}
	if _, _, err := readPicture("no/such.png", 1000); err == nil || !strings.Contains(err.Error(), "no/such.png") {
		t.Errorf("a missing file gives %v, want an error with its path", err)
	}
}

// hugePNG is the beginning of a picture that would take 14 GB of memory.
func hugePNG() []byte {
	header := append([]byte("IHDR"), binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 60000), 60000)...)
	header = append(header, 8, 6, 0, 0, 0)
	b := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), header...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(header))
}
