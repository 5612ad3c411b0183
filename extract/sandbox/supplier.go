package sandbox

import (
	"fmt"
	"strconv"
	"strings"

	"offerlake/pipeline/catalog"
)

// Supplier is the truth about one seller.
type Supplier struct {
	ID       string // b2b-…, as onebound and the older official model give it
	OpenID   string // the opaque form that the newer official model gives
	Number   int64  // the digits of ID
	LoginID  string
	Name     string
	Province string // without the suffix 省
	City     string // without the suffix 市
	Years    int
	Scores   []catalog.Pair // composite and logistics score
}

const (
	firstSupplier  = 2_200_000_000_000
	supplierStride = 300_007
	// An open id scatters the number by an odd factor, which the inverse undoes.
	openFactor  = 0x9e3779b97f4a7c15
	openInverse = 0xf1de83e19937733d
)

var places = []struct{ province, city string }{
	{"浙江", "金华"}, {"浙江", "杭州"}, {"浙江", "台州"}, {"广东", "深圳"}, {"广东", "广州"}, {"广东", "东莞"}, {"福建", "泉州"},
	{"江苏", "苏州"}, {"河北", "保定"}, {"山东", "临沂"}, {"河南", "郑州"}, {"安徽", "合肥"}, {"江西", "景德镇"}, {"湖南", "长沙"},
}

var (
	firmNames = []string{"恒信", "佳美", "顺达", "鑫源", "优尚", "万家", "永兴", "博雅", "华龙", "晨光", "云帆", "美居", "锦绣", "海纳"}
	firmTrade = []string{"日用品", "贸易", "电子商务", "服饰", "工艺品", "塑料制品", "科技", "家居用品", "进出口"}
	firmForms = []string{"有限公司", "厂", "商行", "经营部"}
)

// suppliers returns how many sellers share the offers: one in 25.
func (c *Catalog) suppliers() int { return c.size/25 + 1 }

func (c *Catalog) supplierNumber(i int) int64 {
	d := newDice(c.seed, saltSupplierID, uint64(i))
	return firstSupplier + int64(i)*supplierStride + int64(d.below(supplierStride))
}

// Supplier returns the i-th seller.
func (c *Catalog) Supplier(i int) Supplier {
	d := newDice(c.seed, saltSupplier, uint64(i))
	number := c.supplierNumber(i)
	place := places[c.place(&d)]
	s := Supplier{
		ID: "b2b-" + strconv.FormatInt(number, 10), Number: number,
		OpenID:   fmt.Sprintf("BBB%016X", uint64(number)*openFactor),
		Province: place.province, City: place.city, Years: d.low(1, 18),
	}
	if d.percent(30) {
		s.ID += fmt.Sprintf("%05x", d.below(1<<20))
	}
	name := pick(&d, firmNames) + pick(&d, firmNames)
	s.Name = place.city + "市" + name + pick(&d, firmTrade) + pick(&d, firmForms)
	s.LoginID = name + strconv.Itoa(d.between(1, 9999))
	s.Scores = []catalog.Pair{
		{Key: "compositeServiceScore", Value: fmt.Sprintf("%d.%d", d.between(3, 4), d.below(10))},
		{Key: "logisticsExperienceScore", Value: fmt.Sprintf("%d.%d", d.between(2, 4), d.below(10))},
	}
	return s
}

// place throws the dice of a seller, as the first throw, for an index of places.
func (c *Catalog) place(d *dice) int { return d.below(len(places)) }

// inRegion reports whether a place lies in a region that a search names: a
// province or a city, with or without its suffix.
func inRegion(place uint8, region string) bool {
	p := places[place]
	return p.province == plainProvince(region) || p.city == strings.TrimSuffix(region, "市")
}

// supplierIndex finds a seller by any of the ids that answers carry.
func (c *Catalog) supplierIndex(id string) (int, bool) {
	number, ok := supplierDigits(id)
	if !ok || number < firstSupplier {
		return 0, false
	}
	i := int((number - firstSupplier) / supplierStride)
	if i >= c.suppliers() || c.supplierNumber(i) != number {
		return 0, false
	}
	return i, true
}

func supplierDigits(id string) (int64, bool) {
	if hex, ok := strings.CutPrefix(id, "BBB"); ok {
		u, err := strconv.ParseUint(hex, 16, 64)
		return int64(u * openInverse), err == nil
	}
	digits := strings.TrimPrefix(id, "b2b-")
	// A suffix of five hex digits may follow the 13 digits of the number.
	n, err := strconv.ParseInt(digits[:min(len(digits), 13)], 10, 64)
	return n, err == nil
}
