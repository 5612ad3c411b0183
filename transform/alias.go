package transform

import (
	"maps"
	"strings"

	"offerlake/pipeline/catalog"
)

// Aliases map the names and values that sellers give attributes to canonical
// ones: exactly, after cleaning, without regard to the case of letters. They
// change canonical columns only; sku_key and the seller's own texts never. An
// Aliases is immutable and safe for concurrent use.
type Aliases struct {
	names  map[string]string
	values map[string]map[string]string // by canonical name
}

// The canonical names that other columns are made from.
const (
	nameColor = "颜色"
	nameSize  = "尺码"
)

// builtInNames are spellings of one property that occur on all gateways.
var builtInNames = map[string]string{
	"颜色分类": nameColor, "主要颜色": nameColor, "产品颜色": nameColor, "色号": nameColor, "color": nameColor, "colour": nameColor,
	"码数": nameSize, "鞋码": nameSize, "鞋子尺码": nameSize, "服装尺码": nameSize, "适合尺码": nameSize, "size": nameSize, "sizes": nameSize,
	"material": "材质", "capacity": "容量", "brand": "品牌", "style": "风格", "weight": "重量",
}

// NewAliases adds names, and values by canonical name, to the built-in ones and
// takes precedence over them.
func NewAliases(names map[string]string, values map[string]map[string]string) *Aliases {
	a := &Aliases{names: maps.Clone(builtInNames), values: map[string]map[string]string{nameColor: {}, nameSize: {}}}
	for alias, canonical := range builtInColors {
		a.values[nameColor][alias] = canonical
	}
	for alias, canonical := range names {
		a.names[aliasKey(alias)] = Clean(canonical)
	}
	for name, of := range values {
		name = a.name(Clean(name))
		if a.values[name] == nil {
			a.values[name] = map[string]string{}
		}
		for alias, canonical := range of {
			a.values[name][aliasKey(alias)] = Clean(canonical)
		}
	}
	return a
}

// aliasKey is how a spelling is looked up.
func aliasKey(s string) string { return strings.ToLower(Clean(s)) }

// name returns the canonical form of a clean name.
func (a *Aliases) name(clean string) string {
	if canonical, ok := a.names[lowered(clean)]; ok {
		return canonical
	}
	return clean
}

// Pair returns the canonical form of a clean pair.
func (a *Aliases) Pair(clean catalog.Pair) catalog.Pair {
	name := a.name(clean.Key)
	of := a.values[name]
	if of == nil {
		return catalog.Pair{Key: name, Value: clean.Value}
	}
	if canonical, ok := of[lowered(clean.Value)]; ok {
		return catalog.Pair{Key: name, Value: canonical}
	}
	if name == nameSize {
		if size := Size(clean.Value); size != "" {
			return catalog.Pair{Key: name, Value: size}
		}
	}
	return catalog.Pair{Key: name, Value: clean.Value}
}

// lowered returns s in lower case; most texts have no letters that change.
func lowered(s string) string {
	for i := range len(s) {
		if s[i] >= 'A' && s[i] <= 'Z' || s[i] >= 0xC3 && s[i] < 0xE0 {
			return strings.ToLower(s)
		}
	}
	return s
}

// other returns a canonical text where it is not the same as the seller's.
func other(canonical, own string) catalog.Opt[string] {
	if canonical == own {
		return catalog.Opt[string]{}
	}
	return catalog.Some(canonical)
}
