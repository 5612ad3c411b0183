package transform

import (
	"testing"

	"offerlake/pipeline/catalog"
)

func TestParseCount(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in   string
		want int64
		ok   bool
	}{
		{"0", 0, true}, {"1030", 1030, true}, {"108.0", 108, true}, {"2123.00", 2123, true}, {"1,200", 1200, true}, {"-3", -3, true},
		{" 7 ", 7, true}, {"１２", 12, true}, {"1e3", 1000, true}, {"1040419053367", 1040419053367, true},
		{"9223372036854775807", 9223372036854775807, true},
		{"9223372036854775808", 0, false}, {"", 0, false}, {"108.5", 0, false}, {"many", 0, false}, {"1,20", 0, false}, {"0x10", 0, false},
	}
	for _, tt := range tests {
		got, err := ParseCount(tt.in)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("ParseCount(%q) = %d, %v, want %d, ok %v", tt.in, got, err, tt.want, tt.ok)
		}
	}
}

func TestParseSold(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in         string
		want       int64
		lowerBound bool
		ok         bool
	}{
		{"311", 311, false, true},
		{"0", 0, false, true},
		{"2123.0", 2123, false, true},
		{"2000+", 2000, true, true},
		{"2000＋", 2000, true, true},
		{"已售300+件", 300, true, true},
		{"已售300件", 300, false, true},
		{"成交 1,200 笔", 1200, false, true},
		{"1.2万+", 12000, true, true},
		{"1.2万", 12000, false, true},
		{"月销1.25 w+", 12500, true, true},
		{"90K+", 90000, true, true},
		{"3千", 3000, false, true},
		{"1亿+", 100000000, true, true},
		{"500件以上", 500, true, true},
		{"超过300件", 300, true, true},
		{"-5", -5, false, true},
		{"", 0, false, false},
		{"暂无", 0, false, false},
		{"10%", 0, false, false},
		{"300-500", 0, false, false},
		{"1.5", 0, false, false},
		{"1.23456万", 0, false, false},
	}
	for _, tt := range tests {
		got, lowerBound, err := ParseSold(tt.in)
		if got != tt.want || lowerBound != tt.lowerBound || (err == nil) != tt.ok {
			t.Errorf("ParseSold(%q) = %d, %v, %v, want %d, %v, ok %v", tt.in, got, lowerBound, err, tt.want, tt.lowerBound, tt.ok)
		}
	}
}

func TestParseWeight(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text, unit string
		want       string
		ok         bool
	}{
		{"0.5", "kg", "500", true},
		{"0.35", "kg", "350", true},
		{"0.0000001", "kg", "0.0001", true},
		{"0.00025", "kg", "0.25", true},
		{"1000", "g", "1000", true},
		{"1000.0", "g", "1000", true},
		{"0.5kg", "g", "500", true},
		{"500g", "kg", "500", true},
		{"0.5公斤", "g", "500", true},
		{"300 克", "", "300", true},
		{"0", "kg", "0", true},
		{"-1", "g", "-1", true},
		{"1", "", "0", false},
		{"heavy", "kg", "0", false},
		{"1e2", "kg", "0", false},
		{"0.33333", "g", "0", false},
	}
	for _, tt := range tests {
		m := catalog.Measure{Text: tt.text, Unit: tt.unit}
		got, err := ParseWeight(m)
		if (err == nil) != tt.ok || tt.ok && got != amount(tt.want) {
			t.Errorf("ParseWeight(%+v) = %v, %v, want %v, ok %v", m, got, err, tt.want, tt.ok)
		}
	}
}

// TestParseWeightTwice reads kilograms as they are and with a space before them,
// which only the slower way of reading takes.
func TestParseWeightTwice(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"0", "0.0", ".", ".5", "5.", "0.575", "00.0001", "1.2345", "1.23456", "12345678901.2345", "99999999999.9999", "99999999999.99999", "100000000000",
		"999999999999999999", "0000000000001", "1..2", "1,5", "-1", "",
	} {
		got, err := ParseWeight(catalog.Measure{Text: text, Unit: "kg"})
		want, wantErr := ParseWeight(catalog.Measure{Text: " " + text, Unit: "kg"})
		if got != want || err != wantErr {
			t.Errorf("ParseWeight(%q kg) = %v, %v, want %v, %v", text, got, err, want, wantErr)
		}
	}
}
