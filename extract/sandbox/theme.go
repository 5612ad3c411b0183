package sandbox

import "offerlake/pipeline/catalog"

// theme is what the offers of one keyword have in common.
type theme struct {
	keyword    string
	leaf       catalog.CategoryID
	materials  []string
	dimensions []dimension // SKU attributes, the first one carries pictures
	unit       string
	low, high  int // price of one piece, fen
	light      int // weight range, grams
	heavy      int
}

// dimension is one attribute that tells SKUs apart.
type dimension struct {
	id     int64
	name   string
	values []string
}

// Keywords returns the keywords that have offers.
func Keywords() []string {
	out := make([]string, len(themes))
	for i, t := range themes {
		out[i] = t.keyword
	}
	return out
}

var colours = []string{"白色", "黑色", "红色", "藏青", "米白", "军绿", "奶茶色", "浅灰", "深灰", "天蓝", "雾霾蓝", "樱花粉", "柠檬黄",
	"咖啡色", "酒红", "香槟金", "薄荷绿", "透明", "D7500迷彩/camouflage", "E2守门员手套蓝色", "A01 黑白拼色", "姜黄+灰", "紫罗兰", "卡其"}

var sizes = []string{"S", "M", "L", "XL", "2XL", "3XL", "均码", "4XL(160-180斤)"}

var (
	colour = dimension{3216, "颜色", colours}
	size   = dimension{450, "尺码", sizes}
	volume = dimension{1627207, "规格", []string{"350ml", "500ml", "750ml", "1000ml", "350ml 礼盒装", "500ml 礼盒装"}}
	pack   = dimension{1627207, "规格", []string{"单个装", "2个装", "5个装", "10个/箱", "100个/箱", "OPP袋装"}}
	length = dimension{1627207, "规格", []string{"30*30cm", "35*75cm", "70*140cm", "80*160cm", "90*180cm"}}
	layers = dimension{1627207, "规格", []string{"小号", "中号", "大号", "三件套", "加厚款 大号"}}
	plug   = dimension{1627207, "规格", []string{"USB充电款", "插电款", "电池款", "三档调光", "无极调光 2400mAh"}}
	phone  = dimension{7853, "适用型号", []string{"iPhone 15", "iPhone 15 Pro", "iPhone 15 Pro Max", "iPhone 16", "Mate 60", "P70 Pro", "小米14", "Galaxy S24"}}
)

// hardValues hold the separators of text that joins SKU attributes; sellers
// do write such values, if rarely.
var hardValues = []string{"黑色:升级款", "30*40;加厚", "1:1复刻 白", "A款;B款混装"}

var themes = []theme{
	{"保温杯", 1031910, []string{"304不锈钢", "316不锈钢", "陶瓷内胆", "钛合金"}, []dimension{colour, volume, pack}, "个", 800, 9900, 180, 620},
	{"玻璃杯", 1031910, []string{"高硼硅玻璃", "钠钙玻璃", "水晶玻璃"}, []dimension{volume, pack}, "个", 150, 4500, 120, 480},
	{"连衣裙", 1048182, []string{"纯棉", "雪纺", "真丝", "涤纶", "醋酸"}, []dimension{colour, size}, "件", 1990, 29900, 200, 700},
	{"收纳盒", 121792005, []string{"PP塑料", "亚克力", "棉麻", "无纺布"}, []dimension{colour, layers}, "个", 180, 6800, 100, 2500},
	{"蓝牙耳机", 122206003, []string{"ABS", "硅胶", "蛋白皮"}, []dimension{colour, pack}, "PCS", 1200, 39900, 30, 380},
	{"手机壳", 50010404, []string{"TPU", "PC+TPU", "液态硅胶", "皮革"}, []dimension{phone, colour}, "个", 100, 3900, 20, 90},
	{"T恤", 1037648, []string{"纯棉", "精梳棉", "莫代尔", "速干涤纶"}, []dimension{colour, size}, "件", 890, 12900, 120, 320},
	{"雨伞", 1032403, []string{"碰击布", "黑胶", "银胶", "玻璃纤维骨"}, []dimension{colour, layers}, "把", 590, 8900, 250, 750},
	{"台灯", 122704004, []string{"ABS", "铝合金", "实木"}, []dimension{colour, plug}, "台", 1100, 25900, 250, 2200},
	{"毛巾", 122690003, []string{"纯棉", "珊瑚绒", "竹纤维", "超细纤维"}, []dimension{colour, length}, "条", 120, 3900, 40, 520},
	{"运动鞋", 1032196, []string{"网面", "超纤", "飞织"}, []dimension{colour, size, pack}, "双", 2500, 35900, 400, 1100},
	{"圆珠笔", 67010012, []string{"ABS", "金属", "竹"}, []dimension{colour, pack}, "支", 20, 900, 5, 60},
}

var adjectives = []string{"新款", "ins风", "跨境", "大容量", "便携", "高颜值", "简约", "加厚", "2026夏季", "网红", "外贸", "定制LOGO", "学生",
	"车载", "家用", "礼品", "亚马逊爆款", "北欧", "韩版", "宽松", "可爱卡通", "商务", "A&B联名", "源头工厂", "防摔"}

var endings = []string{"批发", "厂家直销", "一件代发", "现货", "支持定制", "工厂", "女士夏天", "500ml", "Q&A热销", "礼盒套装"}

// property is one kind of product attribute with its usual values.
type property struct {
	id     int64
	name   string
	values []string
	many   bool // comes with several values, one row each
}

var properties = []property{
	{2176, "品牌", []string{"other/其他", "无品牌", "Simple Life", "优选工厂", "H&M代工"}, false},
	{100000691, "货源类别", []string{"现货", "订货"}, false},
	{7588, "适用场景", []string{"家居", "办公室", "旅行", "户外", "学校", "车载"}, true},
	{1398, "货号", []string{"A1", "HX-2026", "8808", "YD 019", "K3"}, false},
	{4010, "产地", []string{"浙江义乌", "广东深圳", "福建泉州", "河北保定"}, false},
	{8021, "风格", []string{"简约现代", "ins", "卡通", "复古", "国潮"}, true},
	{20664, "是否进口", []string{"否", "是"}, false},
	{3151, "图案", []string{"纯色", "印花", "条纹", "字母 Logo", "无"}, true},
	{182282223, "是否跨境出口专供货源", []string{"是", "否"}, false},
	{2900, "加工方式", []string{"来样加工", "来图加工", "OEM", "ODM"}, true},
	{287, "上市时间", []string{"2025年 春季", "2026年 夏季", "2026年"}, false},
}
