package catalog

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// ValidUTF8 is utf8.Valid, quicker over texts of ASCII and Chinese.
func ValidUTF8(b []byte) bool {
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf {
			i = asciiEnd(b, i)
			continue
		}
		if i+8 <= len(b) {
			// Characters of three bytes from U+1000 to U+CFFF: the first byte is E1
			// to EC, and any two bytes of continuation may follow it.
			w := binary.LittleEndian.Uint64(b[i:])
			if w&0xC0C0F0 == 0x8080E0 && w&0xF-1 < 12 {
				i += 3
				if w&0xC0C0F0000000 == 0x8080E0000000 && w>>24&0xF-1 < 12 {
					i += 3
				}
				continue
			}
		}
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return false
		}
		i += n
	}
	return true
}

// asciiEnd returns where the ASCII that goes on at i ends.
func asciiEnd(b []byte, i int) int {
	const tops = 0x8080808080808080
	for ; i+32 <= len(b); i += 32 {
		four := b[i : i+32]
		if (binary.LittleEndian.Uint64(four)|binary.LittleEndian.Uint64(four[8:])|
			binary.LittleEndian.Uint64(four[16:])|binary.LittleEndian.Uint64(four[24:]))&tops != 0 {
			break
		}
	}
	for i+8 <= len(b) {
		if m := binary.LittleEndian.Uint64(b[i:]) & tops; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
		i += 8
	}
	for i < len(b) && b[i] < utf8.RuneSelf {
		i++
	}
	return i
}
