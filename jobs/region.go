package jobs

import (
	"fmt"
	"slices"
	"strings"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

// allProvinces stands for provinces in a list of regions.
const allProvinces = "provinces"

// provinces are the divisions of mainland China that sellers say they are in,
// without the suffixes of their names, as search results spell them.
var provinces = strings.Fields("北京 天津 河北 山西 内蒙古 辽宁 吉林 黑龙江 上海 江苏 浙江 安徽 福建 江西 山东 河南 " +
	"湖北 湖南 广东 广西 海南 重庆 四川 贵州 云南 西藏 陕西 甘肃 青海 宁夏 新疆")

// regions are those of a source, as the job states them.
func (s *Source) regions() []string {
	switch {
	case s.Search != nil:
		return s.Search.Regions
	case s.Category != nil:
		return s.Category.Regions
	case s.Shop != nil:
		return s.Shop.Regions
	}
	return nil
}

// regionsOf returns the regions behind a job's list.
func regionsOf(list []string) []string {
	var all []string
	for _, r := range list {
		more := []string{strings.TrimSpace(r)}
		if r == allProvinces {
			more = provinces
		}
		for _, m := range more {
			if !slices.Contains(all, m) {
				all = append(all, m)
			}
		}
	}
	return all
}

// checkRegions checks the regions of a leaf of a source.
func (p *parsing) checkRegions(j *Job, leaf catalog.Leaf, list []string, at string, d extract.Dialect) bool {
	kind := j.Gateway.spoken()
	at += "." + string(leaf.Query.Kind) + ".regions"
	switch can := inRegions(leaf.Query); {
	case len(list) == 0:
		return true
	case !leaf.Split:
		p.wrong(at, "are for cover: split, which splits by them what nothing else does", "Add cover: split, or remove them.")
	case slices.Contains(leaf.Regions, ""):
		p.wrong(at, "one is empty", "Write the region's name.")
	case !can(d):
		p.wrong(at, fmt.Sprintf("gateway kind %s cannot filter by region", kind), "Remove them. "+kindsThat(can))
	case len(leaf.Regions) < 2:
		p.wrong(at, "one region splits nothing", "Name all that there are, or [provinces].")
	case kind == "onebound" && slices.Contains(list, allProvinces):
		p.wrong(at, "kind onebound filters by city, not by province", "Name the cities.")
	default:
		return true
	}
	return false
}

// inRegions tells whether a dialect can narrow a query to a region.
func inRegions(q catalog.Query) func(extract.Dialect) bool {
	q.Region, q.Subtree = "-", false
	return func(d extract.Dialect) bool {
		_, err := d.Search(q, 1)
		return err == nil
	}
}
