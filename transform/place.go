package transform

import "strings"

// provinces are the short names of the provinces, autonomous regions,
// municipalities and special administrative regions. No name is a prefix of
// another one.
var provinces = [...]string{
	"北京", "天津", "上海", "重庆", "河北", "山西", "辽宁", "吉林", "黑龙江", "江苏", "浙江", "安徽", "福建", "江西", "山东",
	"河南", "湖北", "湖南", "广东", "海南", "四川", "贵州", "云南", "陕西", "甘肃", "青海", "台湾",
	"内蒙古", "广西", "西藏", "宁夏", "新疆", "香港", "澳门",
}

// provinceSuffixes follow a short name in the long forms, longest first where
// one ends another.
var provinceSuffixes = [...]string{
	"壮族自治区", "回族自治区", "维吾尔自治区", "维吾尔族自治区", "特别行政区", "自治区", "省",
}

// minorities are the name parts between a prefecture's own name and its
// 自治州.
var minorities = [...]string{
	"土家族", "苗族", "藏族", "羌族", "彝族", "傣族", "景颇族", "白族", "哈尼族", "壮族", "布依族", "侗族", "朝鲜族", "回族",
	"傈僳族", "蒙古族", "蒙古", "哈萨克", "柯尔克孜",
}

// Place is where an offer is sent from or a supplier sits, in short names
// ("广东", "深圳"), so that all gateways' spellings agree. Either may be empty.
// The city of a municipality such as 上海 is the municipality itself, whatever
// district the gateway names.
type Place struct{ Province, City string }

// ParsePlace reads province and city out of one text: "广东省深圳市", "浙江 杭州",
// "广西壮族自治区南宁市". In text that begins with no Chinese province, the parts
// before and after the first separator are province and city, and a single
// part is the city.
func ParsePlace(location string) Place {
	s := strings.TrimSpace(strings.TrimPrefix(Clean(location), "中国"))
	if province, rest := cutProvince(s); province != "" {
		return Place{Province: province, City: canonicalCity(province, rest)}
	}
	separates := isSeparator
	if isASCII(s) { // Names in Latin letters hold spaces: "Inner Mongolia, Baotou"
		separates = func(r rune) bool { return r != ' ' && isSeparator(r) }
	}
	i := strings.IndexFunc(s, separates)
	if i < 0 {
		return Place{City: shortCity(s)}
	}
	return Place{Province: s[:i], City: shortCity(strings.TrimFunc(s[i:], isSeparator))}
}

// placeOf combines the three fields that dialects fill in various ways.
func placeOf(texts placeTexts) Place {
	province, city := texts.province, texts.city
	if province == "" && city == "" {
		return ParsePlace(texts.location)
	}
	if province == "" {
		return ParsePlace(city)
	}
	p := Place{Province: Clean(province)}
	short, rest := cutProvince(p.Province)
	if short != "" {
		p.Province = short
	}
	if city = Clean(city); city != "" {
		rest = city
	}
	p.City = canonicalCity(p.Province, rest)
	return p
}

// cutProvince returns the short name of the province that s begins with, and
// what follows its long form.
func cutProvince(s string) (province, rest string) {
	for _, name := range provinces {
		rest, ok := strings.CutPrefix(s, name)
		if !ok {
			continue
		}
		for _, suffix := range provinceSuffixes {
			if r, ok := strings.CutPrefix(rest, suffix); ok {
				rest = r
				break
			}
		}
		if strings.HasPrefix(rest, "市") && !isMunicipality(name) {
			return name, s // 吉林市 is the city of that name
		}
		return name, strings.TrimFunc(strings.TrimPrefix(rest, "市"), isSeparator)
	}
	return "", s
}

func isMunicipality(province string) bool {
	switch province {
	case "北京", "天津", "上海", "重庆":
		return true
	}
	return false
}

func canonicalCity(province, rest string) string {
	if isMunicipality(province) {
		return province
	}
	// 浙江省金华市 can stand in the city field beside 浙江.
	if again, after := cutProvince(rest); again == province && after != "" {
		rest = after
	}
	return shortCity(rest)
}

// shortCity returns the first administrative unit of s by its short name.
func shortCity(s string) string {
	if i := strings.IndexFunc(s, isSeparator); i >= 0 && !isASCII(s) {
		s = s[:i]
	}
	for _, end := range [...]string{"自治州", "地区", "市", "盟"} {
		if i := strings.Index(s, end); i >= len("市市") {
			return withoutMinorities(s[:i])
		}
	}
	return s
}

func withoutMinorities(s string) string {
	for _, m := range minorities {
		if t, ok := strings.CutSuffix(s, m); ok && t != "" {
			return withoutMinorities(t)
		}
	}
	return s
}

func isSeparator(r rune) bool {
	switch r {
	case ' ', ',', '/', '-', '|', '>', '·', '、':
		return true
	}
	return false
}
