package jobs

import (
	"maps"

	"offerlake/load"
	"offerlake/pipeline/catalog"
)

// columnKinds returns the types that a call source can declare for a column.
func columnKinds() map[string]catalog.CellKind {
	return map[string]catalog.CellKind{
		"bool": catalog.CellBool, "int": catalog.CellInt, "decimal": catalog.CellDecimal, "timestamp": catalog.CellInstant,
		"date": catalog.CellDate, "json": catalog.CellJSON, "text": catalog.CellText,
	}
}

// recordTable is the table that s fills.
func (s *CallSource) recordTable() load.RecordTable {
	t := load.RecordTable{Name: s.Table, Columns: map[string]catalog.CellKind{}}
	for name, kind := range s.Columns {
		t.Columns[name] = columnKinds()[kind]
	}
	return t
}

// recordTables returns the tables of all call sources, in the order of the
// file. Sources that fill the same table declare its columns together.
func (j *Job) recordTables() []load.RecordTable {
	var tables []load.RecordTable
	at := map[string]int{}
	for _, s := range j.Sources {
		if s.Call == nil {
			continue
		}
		t := s.Call.recordTable()
		if i, ok := at[t.Name]; ok {
			maps.Copy(tables[i].Columns, t.Columns)
			continue
		}
		at[t.Name] = len(tables)
		tables = append(tables, t)
	}
	return tables
}

// declaredColumns returns the types that the job gives to columns of its call
// sources, by table and column.
func (j *Job) declaredColumns() map[string]map[string]catalog.CellKind {
	declared := map[string]map[string]catalog.CellKind{}
	for _, t := range j.recordTables() {
		declared[t.Name] = t.Columns
	}
	return declared
}
