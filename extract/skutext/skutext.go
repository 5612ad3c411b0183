// Package skutext reads SKU attributes that come as one text, such as
// "颜色:红色;尺码:XL", in gateways that have nothing else. Values may hold the
// separators.
package skutext

import (
	"fmt"
	"html"
	"slices"
	"strings"

	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

// TakeApart reads the SKU attributes of a whole table, each SKU's in one text:
// "颜色:红色;尺码:XL", in any order. Values may hold the separators. What begins
// an attribute is told by the table: all SKUs of an offer have the same names,
// so a name that only a few have is part of a value. nil stands for a text that
// this does not settle.
func TakeApart(texts []string) [][]catalog.Attribute {
	table := make([][]piece, len(texts))
	for i, text := range texts {
		table[i] = split(text)
	}
	names := commonNames(table)
	out := make([][]catalog.Attribute, len(table))
	for i, pieces := range table {
		out[i] = attributes(pieces, names)
	}
	return out
}

// piece is what stands between two semicolons: perhaps an attribute, perhaps
// the rest of a value.
type piece struct {
	name string // "" if it cannot begin an attribute
	text string
}

// split cuts a text at its semicolons, but for those that end an HTML entity.
func split(text string) []piece {
	var list []piece
	from := 0
	for at := 0; at <= len(text); at++ {
		if at == len(text) || text[at] == ';' && !endsEntity(text[from:at+1]) {
			list = append(list, pieceOf(text[from:at]))
			from = at + 1
		}
	}
	for len(list) > 0 && strings.TrimSpace(list[len(list)-1].text) == "" {
		list = list[:len(list)-1]
	}
	return list
}

func endsEntity(text string) bool {
	at := strings.LastIndexByte(text, '&')
	return at >= 0 && !strings.HasSuffix(html.UnescapeString(text[at:]), ";")
}

// pieceOf takes what precedes a colon for a name, unless it is a mere number or
// size, as in "1:1".
func pieceOf(text string) piece {
	name, _, ok := strings.Cut(text, ":")
	if !ok || strings.Trim(name, "0123456789.*x+- \t") == "" {
		name = ""
	}
	return piece{name: strings.TrimSpace(name), text: text}
}

// namesOf returns the names of pieces in order, nil if the first one has none.
func namesOf(pieces []piece) []string {
	if len(pieces) == 0 || pieces[0].name == "" {
		return nil
	}
	var names []string
	for _, p := range pieces {
		if p.name != "" {
			names = append(names, p.name)
		}
	}
	slices.Sort(names)
	return names
}

// commonNames returns the names that most SKUs of a table have, exactly; of
// sets that are equally frequent the smallest, and nil if that leaves several.
func commonNames(table [][]piece) []string {
	type candidate struct {
		names []string
		count int
	}
	var all []candidate
	for _, pieces := range table {
		names := namesOf(pieces)
		if names == nil {
			continue
		}
		i := slices.IndexFunc(all, func(c candidate) bool { return slices.Equal(c.names, names) })
		if i < 0 {
			i, all = len(all), append(all, candidate{names: names})
		}
		all[i].count++
	}
	slices.SortStableFunc(all, func(a, b candidate) int {
		if a.count != b.count {
			return b.count - a.count
		}
		return len(a.names) - len(b.names)
	})
	switch {
	case len(all) == 0, len(all) > 1 && all[0].count == all[1].count && len(all[0].names) == len(all[1].names):
		return nil
	}
	return all[0].names
}

// attributes reads the pieces of one SKU, given the sorted names of its table.
func attributes(pieces []piece, names []string) []catalog.Attribute {
	list := make([]catalog.Attribute, 0, len(names))
	if len(pieces) == 1 && !strings.Contains(pieces[0].text, ":") {
		return append(list, catalog.Attribute{Value: strings.TrimSpace(pieces[0].text)})
	}
	var found []string
	for _, p := range pieces {
		switch {
		case slices.Contains(names, p.name):
			_, value, _ := strings.Cut(p.text, ":")
			list = append(list, catalog.Attribute{Name: p.name, Value: value})
			found = append(found, p.name)
		case len(list) == 0:
			return nil
		default:
			list[len(list)-1].Value += ";" + p.text
		}
	}
	slices.Sort(found)
	if len(pieces) > 0 && !slices.Equal(found, names) {
		return nil
	}
	for i := range list {
		list[i].Value = strings.TrimSpace(list[i].Value)
	}
	return list
}

// Join gives each SKU of an offer its attributes; texts has a text for each. A
// SKU whose text cannot be taken apart for certain is left out, as an issue:
// under a wrong name it would pass for another one. table is the name of the
// field that holds the SKUs, field that of their text.
func Join(o *catalog.Offer, texts []string, table, field string) {
	kept := o.SKUs[:0]
	for i, list := range TakeApart(texts) {
		if list == nil {
			o.DecodeIssues = append(o.DecodeIssues, catalog.Issue{
				Code: flex.CodeBadType, Path: fmt.Sprintf("%s[%d].%s", table, i, field),
				Message: "names and values cannot be told apart; the SKU is left out", Excerpt: flex.Excerpt([]byte(texts[i])),
			})
			continue
		}
		o.SKUs[i].Attributes = list
		kept = append(kept, o.SKUs[i])
	}
	o.SKUTableIsBad = o.SKUTableIsBad || len(kept) == 0 && len(o.SKUs) > 0
	o.SKUs = kept
}
