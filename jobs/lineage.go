package jobs

import (
	"cmp"
	"context"
	"net/url"
	"path"
	"strings"
	"time"

	"offerlake/jobs/telemetry"
	"offerlake/load"
)

// DefaultNamespace is the namespace of the jobs of lineage.
const DefaultNamespace = "offerlake"

// Lineage says where run events go in OpenLineage's form.
type Lineage struct {
	URL       string `yaml:"url" doc:"An OpenLineage server, such as https://marquez.example.com: events go to its api/v1/lineage by POST."`
	APIKey    string `yaml:"api_key" doc:"Sent to url as a bearer token. Take it from the environment: ${NAME}."`
	File      string `yaml:"file" doc:"A file that events are appended to, one a line; relative to the working directory."`
	Namespace string `yaml:"namespace" default:"offerlake" doc:"The namespace of the job."`
}

func (p *parsing) validateLineage(l *Lineage) {
	switch {
	case l.URL == "" && l.File == "":
		p.wrong("lineage", "needs url or file", "")
	case l.URL == "" && l.APIKey != "":
		p.wrong("lineage.api_key", "is for a url, but there is none", "")
	}
	if l.URL != "" {
		p.validateWebhook("lineage.url", l.URL)
	}
}

// lineage is where the run's events go, and the namespace of its job.
func (s *session) lineage() (telemetry.Lineage, string) {
	l := s.job.Lineage
	if l == nil {
		return s.ex.Lineage, cmp.Or(s.ex.Namespace, DefaultNamespace)
	}
	to := telemetry.Lineage{File: l.File, APIKey: l.APIKey}
	if l.URL != "" {
		to.URL = telemetry.LineageAddress(l.URL, "")
	}
	return to, cmp.Or(l.Namespace, DefaultNamespace)
}

// tellStart tells that the run has begun.
func (s *session) tellStart(ctx context.Context) {
	s.tellEvent(ctx, telemetry.EventStart, nil, nil)
}

// tellEnd tells how the run ended.
func (s *session) tellEnd(ctx context.Context, summary *Summary, err error) {
	kind := telemetry.EventFail
	switch EndOf(err) {
	case EndDone, EndQuality:
		kind = telemetry.EventComplete
	case EndStopped, EndInterrupted:
		kind = telemetry.EventAbort
	}
	s.tellEvent(ctx, kind, summary, err)
}

// tellEvent sends an event, if anybody wants it. What fails is a warning.
func (s *session) tellEvent(ctx context.Context, kind string, summary *Summary, err error) {
	to, namespace := s.lineage()
	if to == (telemetry.Lineage{}) {
		return
	}
	e := telemetry.RunEvent{
		EventTime: time.Now().UTC(), EventType: kind,
		// A run that is resumed is told as another one: a run ends once.
		Run: telemetry.LineageRun{RunID: telemetry.RunUUID(s.outputs[0].Store.URL() + "\n" + s.state.ID() + "\n" + s.started.String()), Facets: s.runFacets(summary, err)},
		Job: telemetry.LineageJob{Namespace: namespace, Name: s.job.Name, Facets: map[string]telemetry.Facet{
			"jobType": telemetry.NewFacet("JobTypeJobFacet", "2-0-3", map[string]any{"processingType": "BATCH", "integration": "OFFERLAKE", "jobType": "JOB"}),
		}},
		Inputs:  s.inputDatasets(),
		Outputs: s.outputDatasets(ctx, kind == telemetry.EventComplete),
	}
	if err := to.Send(ctx, e); err != nil {
		s.log().Warn("a run event was not delivered", "event", kind, "error", err)
	}
}

// runFacets describe the run: its date, the program, what its calls came to.
func (s *session) runFacets(summary *Summary, err error) map[string]telemetry.Facet {
	facets := map[string]telemetry.Facet{
		"nominalTime": telemetry.NewFacet("NominalTimeRunFacet", "1-0-1", map[string]any{
			"nominalStartTime": s.date.Format(time.RFC3339), "nominalEndTime": s.date.AddDate(0, 0, 1).Format(time.RFC3339),
		}),
		"processing_engine": telemetry.NewFacet("ProcessingEngineRunFacet", "1-1-1", map[string]any{"name": "offerlake", "version": cmp.Or(s.ex.Version, "unknown")}),
	}
	if err != nil {
		facets["errorMessage"] = telemetry.NewFacet("ErrorMessageRunFacet", "1-0-1", map[string]any{"message": err.Error(), "programmingLanguage": "Go"})
	}
	if summary != nil {
		facets["offerlake_calls"] = telemetry.OwnFacet(map[string]any{
			"calls": summary.Calls, "retries": summary.Retries, "throttled": summary.Throttled, "wasted": summary.Wasted, "fromJournal": summary.FromJournal,
			"reused": summary.Reused, "paid": summary.Paid, "secondsAtLimit": summary.SecondsAtLimit, "cost": summary.Cost, "currency": summary.Currency,
			"declared": summary.DeclaredTotal, "obtained": summary.Obtained, "rejects": summary.Rejects, "replay": s.state.Replay, "resumed": s.resumed,
		})
	}
	return facets
}

// inputDatasets name the catalogue that the offers come from.
func (s *session) inputDatasets() []telemetry.LineageDataset {
	g := &s.job.Gateway
	if g.Kind == "sandbox" {
		return []telemetry.LineageDataset{{Namespace: "sandbox", Name: g.Sandbox.Speaks}}
	}
	var all []telemetry.LineageDataset
	for _, address := range g.urls() {
		if u, err := url.Parse(address); err == nil {
			all = append(all, telemetry.LineageDataset{Namespace: u.Scheme + "://" + u.Host, Name: g.Kind})
			break // the others are the same catalogue
		}
	}
	return all
}

// outputDatasets name the tables in every output, and describe them once they
// are published.
func (s *session) outputDatasets(ctx context.Context, published bool) []telemetry.LineageDataset {
	var all []telemetry.LineageDataset
	for _, o := range s.outputs {
		base := o.Store.URL()
		if !published {
			for _, name := range s.tableNames() {
				all = append(all, tableDataset(base, name))
			}
			continue
		}
		m, err := load.ReadManifest(ctx, o.Store, s.job.Name, s.day())
		if err != nil {
			s.log().Warn("lineage: the manifest cannot be read", "error", err)
			continue
		}
		for _, t := range m.Tables {
			all = append(all, publishedDataset(base, &m, t))
		}
	}
	return all
}

// tableNames lists the tables that the run writes.
func (s *session) tableNames() []string {
	var names []string
	for _, t := range load.TablesFor(s.job.enrichments(), s.job.wantsCategories(), s.job.Changes != nil) {
		names = append(names, t.Name)
	}
	for _, t := range s.job.recordTables() {
		names = append(names, t.Name)
	}
	return names
}

// tableDataset names a table in a destination as OpenLineage names files: by
// the place that holds them, and their path.
func tableDataset(base, table string) telemetry.LineageDataset {
	u, err := url.Parse(base)
	if err != nil || u.Scheme == "file" || u.Scheme == "" {
		if err == nil {
			base = u.Path
		}
		return telemetry.LineageDataset{Namespace: "file", Name: path.Join(base, table)}
	}
	return telemetry.LineageDataset{Namespace: u.Scheme + "://" + u.Host, Name: strings.TrimPrefix(path.Join(u.Path, table), "/")}
}

// publishedDataset describes a table of a manifest: its columns, and what the
// run wrote.
func publishedDataset(base string, m *load.Manifest, t load.TableInfo) telemetry.LineageDataset {
	d := tableDataset(base, t.Name)
	var columns []map[string]any
	for i, c := range t.Columns {
		columns = append(columns, map[string]any{"name": c.Name, "type": string(c.Kind), "description": c.Meaning, "ordinal_position": i + 1})
	}
	var size, files int64
	for _, f := range m.Files {
		if f.Table == t.Name {
			size += f.Bytes
			files++
		}
	}
	d.Facets = map[string]telemetry.Facet{
		"schema":     telemetry.NewFacet("SchemaDatasetFacet", "1-2-0", map[string]any{"fields": columns}),
		"dataSource": telemetry.NewFacet("DatasourceDatasetFacet", "1-0-1", map[string]any{"name": d.Namespace, "uri": base}),
		"version":    telemetry.NewFacet("DatasetVersionDatasetFacet", "1-0-1", map[string]any{"datasetVersion": m.Run.ID + "#" + m.Run.JournalDigest}),
	}
	d.OutputFacets = map[string]telemetry.Facet{
		"outputStatistics": telemetry.NewFacet("OutputStatisticsOutputDatasetFacet", "1-0-2", map[string]any{"rowCount": t.Rows, "size": size, "fileCount": files}),
	}
	return d
}
