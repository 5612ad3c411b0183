package transform

import (
	"fmt"

	"offerlake/pipeline/catalog"
)

// categorySeparator joins the names of a category's path.
const categorySeparator = " > "

// Categories appends a row per node of a category tree, in the order of the
// nodes, in which parents come before their children. A node without a usable
// id and one that repeats an earlier id are rejects. A node whose parent is not
// in the tree keeps its parent_id, begins a path, and is a reject as well.
func Categories(nodes []catalog.CategoryNode, rows *catalog.Rows) {
	byID := make(map[catalog.CategoryID]catalog.CategoryRow, len(nodes))
	for i := range nodes {
		n := &nodes[i]
		reject := func(code, message string) {
			rows.Rejects = append(rows.Rejects, catalog.Reject{
				Stage: stageNormalise, Code: code, Message: message, Path: catalog.Some(fmt.Sprintf("categories[%d]", i)),
				Excerpt: catalog.Text(shorten(n.ID.String()+" "+n.Name, maxExcerpt)), JournalRef: n.Obs.Ref,
			})
		}
		if n.ID <= 0 {
			reject(CodeBadID, "a category without a usable id")
			continue
		}
		if _, again := byID[n.ID]; again {
			reject(CodeDuplicateCategory, "the tree has the category already")
			continue
		}
		row := catalog.CategoryRow{
			CategoryID: int64(n.ID), Name: Clean(n.Name), Level: 1, Leaf: n.Leaf,
			ParentID:   catalog.Opt[int64]{V: int64(n.Parent), OK: n.Parent > 0},
			ObservedAt: n.Obs.At, JournalRef: n.Obs.Ref,
		}
		row.Path = row.Name
		if parent, ok := byID[n.Parent]; ok {
			row.Level, row.Path = parent.Level+1, parent.Path+categorySeparator+row.Name
		} else if row.ParentID.OK {
			reject(CodeUnknownParent, "the tree has no category "+n.Parent.String()+" above this one")
		}
		byID[n.ID] = row
		rows.Categories = append(rows.Categories, row)
	}
}
