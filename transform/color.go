package transform

import "strings"

// builtInColors are spellings of colours that mean the same colour.
var builtInColors = map[string]string{
	"红": "红色", "白": "白色", "黑": "黑色", "蓝": "蓝色", "绿": "绿色", "黄": "黄色", "灰": "灰色", "紫": "紫色", "粉": "粉色", "粉红": "粉色", "粉红色": "粉色",
	"橙": "橙色", "橘色": "橙色", "橘黄": "橙色", "棕": "棕色", "咖啡色": "棕色", "褐色": "棕色", "金": "金色", "银": "银色", "银白色": "银色", "米": "米色", "米白色": "米白",
	"red": "红色", "white": "白色", "black": "黑色", "blue": "蓝色", "green": "绿色", "yellow": "黄色", "gray": "灰色", "grey": "灰色", "purple": "紫色",
	"pink": "粉色", "orange": "橙色", "brown": "棕色", "gold": "金色", "silver": "银色", "beige": "米色", "transparent": "透明", "multicolor": "多色", "彩色": "多色",
	"花色": "多色", "混色": "多色",
}

// baseColors are the characters that name a base colour within a longer name,
// such as 藏青色 or 酒红, and the colour.
var baseColors = [...]struct{ mark, color string }{
	{"红", "红色"}, {"白", "白色"}, {"黑", "黑色"}, {"蓝", "蓝色"}, {"绿", "绿色"}, {"黄", "黄色"}, {"灰", "灰色"}, {"紫", "紫色"}, {"粉", "粉色"},
	{"橙", "橙色"}, {"橘", "橙色"}, {"棕", "棕色"}, {"咖", "棕色"}, {"褐", "棕色"}, {"青", "青色"}, {"金", "金色"}, {"银", "银色"}, {"米", "米色"},
	{"杏", "米色"}, {"驼", "棕色"}, {"卡其", "棕色"}, {"透明", "透明"},
}

// pairedColors are names of one colour that hold the marks of two; the base
// colour is the second one's.
var pairedColors = [...]struct{ name, color string }{
	{"粉红", "粉色"}, {"橘红", "橙色"}, {"橘黄", "橙色"}, {"橙红", "橙色"}, {"橙黄", "橙色"}, {"紫红", "紫色"}, {"金黄", "金色"}, {"米白", "米色"}, {"银灰", "银色"},
	{"银白", "银色"}, {"米黄", "米色"}, {"青绿", "青色"}, {"蓝绿", "青色"}, {"青灰", "灰色"}, {"蓝灰", "灰色"}, {"灰蓝", "蓝色"}, {"灰绿", "绿色"}, {"灰白", "灰色"}, {"青蓝", "蓝色"},
	{"藏青", "蓝色"}, {"黄绿", "绿色"}, {"紫蓝", "蓝色"}, {"蓝紫", "紫色"}, {"粉紫", "紫色"}, {"粉蓝", "蓝色"}, {"粉绿", "绿色"}, {"棕红", "红色"}, {"棕黄", "棕色"}, {"红棕", "棕色"},
	{"咖啡", "棕色"}, {"米驼", "米色"}, {"玫瑰金", "金色"}, {"香槟金", "金色"}, {"黑金", ""}, {"奶白", "白色"}, {"玉米", ""},
}

// The bytes of the marks and names above.
var (
	baseColorBytes = func() (sets [len(baseColors)]byteSet) {
		for i, c := range baseColors {
			sets[i] = bytesOf(c.mark)
		}
		return sets
	}()
	pairedColorBytes = func() (sets [len(pairedColors)]byteSet) {
		for i, p := range pairedColors {
			sets[i] = bytesOf(p.name)
		}
		return sets
	}()
)

// byteSet is a set of the lower six bits of bytes. What does not have those of
// another text cannot hold it.
type byteSet uint64

func bytesOf(s string) (set byteSet) {
	for i := range len(s) {
		set |= 1 << (s[i] & 63)
	}
	return set
}

func (set byteSet) has(other byteSet) bool { return set&other == other }

// BaseColor returns the base colour that the canonical name of a colour stands
// for: itself, or the one of which it holds the mark, such as 红色 for 酒红. It is
// "" when there is none, or when there are several, as in 黑白.
func BaseColor(name string) string {
	if canonical, ok := builtInColors[lowered(name)]; ok {
		name = canonical
	}
	if name == "多色" {
		return name
	}
	return baseColor(name, bytesOf(name))
}

// baseColor looks for marks in a name with the bytes of set, at least.
func baseColor(name string, set byteSet) string {
	found := ""
	add := func(color string) bool {
		if found != "" && found != color {
			return false
		}
		found = color
		return true
	}
	for i, p := range pairedColors {
		if set.has(pairedColorBytes[i]) && strings.Contains(name, p.name) {
			if p.color == "" || !add(p.color) {
				return ""
			}
			name = strings.Replace(name, p.name, "", 1)
		}
	}
	for i, c := range baseColors {
		if set.has(baseColorBytes[i]) && strings.Contains(name, c.mark) && !add(c.color) {
			return ""
		}
	}
	return found
}
