package transform

import "testing"

func TestParsePlace(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in   string
		want Place
	}{
		{"", Place{}},
		{"广东省深圳市", Place{"广东", "深圳"}},
		{"广东 深圳", Place{"广东", "深圳"}},
		{"浙江　杭州", Place{"浙江", "杭州"}},
		{"中国 浙江 义乌市", Place{"浙江", "义乌"}},
		{"广东省深圳市宝安区", Place{"广东", "深圳"}},
		{"浙江省", Place{"浙江", ""}},
		{"广西壮族自治区南宁市", Place{"广西", "南宁"}},
		{"内蒙古自治区呼和浩特市", Place{"内蒙古", "呼和浩特"}},
		{"内蒙古 锡林郭勒盟", Place{"内蒙古", "锡林郭勒"}},
		{"新疆维吾尔自治区乌鲁木齐市", Place{"新疆", "乌鲁木齐"}},
		{"宁夏回族自治区 银川", Place{"宁夏", "银川"}},
		{"西藏自治区拉萨市", Place{"西藏", "拉萨"}},
		{"新疆 喀什地区", Place{"新疆", "喀什"}},
		{"云南省大理白族自治州", Place{"云南", "大理"}},
		{"湖北恩施土家族苗族自治州", Place{"湖北", "恩施"}},
		{"新疆巴音郭楞蒙古自治州", Place{"新疆", "巴音郭楞"}},
		{"北京", Place{"北京", "北京"}},
		{"北京市", Place{"北京", "北京"}},
		{"上海市浦东新区", Place{"上海", "上海"}},
		{"重庆 重庆市", Place{"重庆", "重庆"}},
		{"吉林省吉林市", Place{"吉林", "吉林"}},
		{"吉林市", Place{"吉林", "吉林"}},
		{"吉林 长春", Place{"吉林", "长春"}},
		{"香港特别行政区", Place{"香港", ""}},
		{"台湾省台北市", Place{"台湾", "台北"}},
		{"深圳市", Place{"", "深圳"}},
		{"Guangdong, Shenzhen", Place{"Guangdong", "Shenzhen"}},
		{"Inner Mongolia, Baotou", Place{"Inner Mongolia", "Baotou"}},
	}
	for _, tt := range tests {
		if got := ParsePlace(tt.in); got != tt.want {
			t.Errorf("ParsePlace(%q) = %+v, want %+v", tt.in, got, tt.want)
		}
	}
}

func TestPlaceOfFields(t *testing.T) {
	t.Parallel()
	tests := []struct {
		province, city, location string
		want                     Place
	}{
		{"浙江", "金华市", "", Place{"浙江", "金华"}},
		{"浙江省", "金华", "广东省深圳市", Place{"浙江", "金华"}},
		{"浙江", "浙江省金华市", "", Place{"浙江", "金华"}},
		{"", "浙江省金华市", "", Place{"浙江", "金华"}},
		{"浙江省金华市", "", "", Place{"浙江", "金华"}},
		{"上海", "奉贤区", "", Place{"上海", "上海"}},
		{"青海", "海南藏族自治州", "", Place{"青海", "海南"}},
		{"", "", "广东 深圳", Place{"广东", "深圳"}},
		{"", "", "", Place{}},
		{"Zhejiang", "Yiwu", "", Place{"Zhejiang", "Yiwu"}},
	}
	for _, tt := range tests {
		if got := placeOf(placeTexts{tt.province, tt.city, tt.location}); got != tt.want {
			t.Errorf("placeOf(%q, %q, %q) = %+v, want %+v", tt.province, tt.city, tt.location, got, tt.want)
		}
	}
}
