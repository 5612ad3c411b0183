package sandbox

import (
	"slices"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

// node is one category of the emulated three-level tree. Ids of departments
// are those of the live tree.
type node struct {
	id, parent catalog.CategoryID
	name       string
	leaf       bool
}

var tree = []node{
	{10166, 0, "女装", false}, {311, 0, "童装", false}, {67, 0, "办公、文化", false}, {130822220, 0, "个护/家清", false},
	{13, 0, "家居百货", false}, {7, 0, "数码、电脑", false}, {54, 0, "运动服饰", false}, {1813, 0, "照明工业", false},
	{1031912, 10166, "女士裙装", false}, {1037192, 10166, "女式上装", false}, {1042954, 311, "儿童上装", false},
	{67010001, 67, "书写工具", false}, {122690001, 130822220, "家庭清洁用品", false}, {1031900, 13, "餐饮用具", false},
	{121790001, 13, "收纳用品", false}, {1032400, 13, "雨具", false}, {122206001, 7, "影音电器", false},
	{50010400, 7, "手机配件", false}, {1032190, 54, "运动鞋靴", false}, {122704001, 1813, "室内照明", false},
	{1048182, 1031912, "连衣裙", true}, {1031919, 1031912, "半身裙", true}, {1037648, 1037192, "女式T恤", true},
	{1042963, 1042954, "儿童T恤", true}, {67010012, 67010001, "圆珠笔", true}, {122690003, 122690001, "毛巾", true},
	{1031910, 1031900, "杯类", true}, {1031911, 1031900, "碗碟", true}, {121792005, 121790001, "收纳盒", true},
	{1032403, 1032400, "雨伞", true}, {122206003, 122206001, "蓝牙耳机", true}, {50010404, 50010400, "手机保护套", true},
	{1032196, 1032190, "运动鞋", true}, {122704004, 122704001, "台灯", true},
}

// Category returns a node of the category tree.
func (c *Catalog) Category(id catalog.CategoryID) (extract.Category, bool) {
	n, ok := category(id)
	return extract.Category{ID: n.id, Name: n.name, Leaf: n.leaf}, ok
}

// Children returns the sub-categories of a category; 0 is the root.
func (c *Catalog) Children(id catalog.CategoryID) []extract.Category {
	var out []extract.Category
	for _, n := range tree {
		if n.parent == id {
			out = append(out, extract.Category{ID: n.id, Name: n.name, Leaf: n.leaf})
		}
	}
	return out
}

func category(id catalog.CategoryID) (node, bool) {
	i := slices.IndexFunc(tree, func(n node) bool { return n.id == id })
	if i < 0 {
		return node{}, false
	}
	return tree[i], true
}

// within reports whether a category lies in the subtree of top.
func within(id, top catalog.CategoryID) bool {
	for id != top {
		n, ok := category(id)
		if !ok || n.parent == 0 {
			return false
		}
		id = n.parent
	}
	return true
}

// lineage returns the ids of a category's department, middle level and itself.
func lineage(leaf catalog.CategoryID) [3]catalog.CategoryID {
	middle, _ := category(leaf)
	top, _ := category(middle.parent)
	return [3]catalog.CategoryID{top.parent, middle.parent, leaf}
}
