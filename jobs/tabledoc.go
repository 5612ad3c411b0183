package jobs

import (
	"offerlake/extract"
	"offerlake/load"
)

// TableDoc is what offerlake says of a table.
type TableDoc struct {
	Name    string      `json:"name"`
	Meaning string      `json:"meaning"`
	Columns []ColumnDoc `json:"columns"`
	// Sources are the fields that rows come from, by kind of gateway.
	Sources map[string]string `json:"sources,omitempty"`
}

// ColumnDoc is what offerlake says of a column.
type ColumnDoc struct {
	load.Column
	Unit     string `json:"unit,omitempty"`
	NullWhen string `json:"null_when,omitempty"`
	// Sources are the fields of an answer that the column is read from, by kind of
	// gateway; a kind that cannot tell is not there. Columns that do not come from
	// details have none.
	Sources map[string]string `json:"sources,omitempty"`
}

// SourceKinds are the ways to ask for details, in the order of the
// documentation: the kinds of gateways, and productInfo for openplatform with
// that detail API.
func SourceKinds() []string {
	return []string{"onebound", "openplatform", "productInfo", "param2", "bearer", "router", "portals"}
}

// Sources returns what the dialect of a kind says of the columns.
func Sources(kind string) (map[string]string, error) {
	g := Gateway{Kind: kind}
	if kind == "productInfo" {
		g = Gateway{Kind: "openplatform", Detail: kind}
	}
	d, err := newDialect(&g)
	if err != nil {
		return nil, err
	}
	s, ok := d.(extract.SourceDialect)
	if !ok {
		return nil, nil
	}
	return s.Sources(), nil
}

// TableDocs returns what is said of all tables.
func TableDocs() ([]TableDoc, error) {
	sources := map[string]map[string]string{} // column, kind, field
	for _, kind := range SourceKinds() {
		of, err := Sources(kind)
		if err != nil {
			return nil, err
		}
		for column, field := range of {
			if sources[column] == nil {
				sources[column] = map[string]string{}
			}
			sources[column][kind] = field
		}
	}
	var docs []TableDoc
	for _, t := range load.Tables() {
		doc := TableDoc{Name: t.Name, Meaning: t.Meaning, Sources: sources[t.Name]}
		for _, c := range t.Columns {
			doc.Columns = append(doc.Columns, ColumnDoc{c, t.Unit(c), t.NullWhen(c), sources[t.Name+"."+c.Name]})
		}
		docs = append(docs, doc)
	}
	return docs, nil
}
