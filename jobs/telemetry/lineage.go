package telemetry

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

// The event types of OpenLineage 2.0.2. A run has one EventStart and one of the
// others.
const (
	EventStart    = "START"
	EventComplete = "COMPLETE"
	EventAbort    = "ABORT" // stopped or interrupted, to be resumed
	EventFail     = "FAIL"
)

// RunEvent is a run event of OpenLineage, https://openlineage.io/spec/2-0-2/.
type RunEvent struct {
	EventTime time.Time        `json:"eventTime"`
	EventType string           `json:"eventType"`
	Producer  string           `json:"producer"`
	SchemaURL string           `json:"schemaURL"`
	Run       LineageRun       `json:"run"`
	Job       LineageJob       `json:"job"`
	Inputs    []LineageDataset `json:"inputs"`
	Outputs   []LineageDataset `json:"outputs"`
}

// LineageRun names a run and describes it.
type LineageRun struct {
	RunID  string           `json:"runId"` // a UUID
	Facets map[string]Facet `json:"facets,omitempty"`
}

// LineageJob names a job and describes it.
type LineageJob struct {
	Namespace string           `json:"namespace"`
	Name      string           `json:"name"`
	Facets    map[string]Facet `json:"facets,omitempty"`
}

// LineageDataset names a dataset and describes it, and what the run did to it.
type LineageDataset struct {
	Namespace    string           `json:"namespace"`
	Name         string           `json:"name"`
	Facets       map[string]Facet `json:"facets,omitempty"`
	OutputFacets map[string]Facet `json:"outputFacets,omitempty"`
}

// Facet is one aspect of a run, job or dataset.
type Facet map[string]any

// producer identifies the program in events. It has no address of its own.
const producer = "urn:offerlake"

// NewFacet returns a facet of the standard's schema of a name and version, such
// as SchemaDatasetFacet and 1-2-0.
func NewFacet(name, version string, fields map[string]any) Facet {
	f := Facet{"_producer": producer, "_schemaURL": "https://openlineage.io/spec/facets/" + version + "/" + name + ".json#/$defs/" + name}
	for k, v := range fields {
		f[k] = v
	}
	return f
}

// OwnFacet returns a facet that the standard does not have. It counts as one of
// its base kind.
func OwnFacet(fields map[string]any) Facet {
	f := Facet{"_producer": producer, "_schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunFacet"}
	for k, v := range fields {
		f[k] = v
	}
	return f
}

// RunUUID derives the UUID of a run from what names it: the same text gives the
// same one. Its form is that of RFC 9562's version 8.
func RunUUID(text string) string {
	sum := sha256.Sum256([]byte(text))
	b := sum[:16]
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Lineage sends run events to a server, a file or both. The zero value sends
// none.
type Lineage struct {
	URL    string // of the API: events are sent to it by POST
	APIKey string // sent as a bearer token
	File   string // one event a line is appended to it
}

// lineageTime bounds one request. A run waits for it twice.
const lineageTime = 10 * time.Second

// Send tells an event. The error names neither the address' path and query nor
// the key.
func (l Lineage) Send(ctx context.Context, e RunEvent) error {
	e.Producer, e.SchemaURL = producer, "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
	if e.Inputs == nil {
		e.Inputs = []LineageDataset{}
	}
	if e.Outputs == nil {
		e.Outputs = []LineageDataset{}
	}
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	var errs []error
	if l.File != "" {
		errs = append(errs, appendLine(l.File, b))
	}
	if l.URL != "" {
		errs = append(errs, l.post(ctx, b))
	}
	return errors.Join(errs...)
}

// appendLine adds a line in one write, so that lines of several processes do
// not mix.
func appendLine(path string, line []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

func (l Lineage) post(ctx context.Context, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, lineageTime)
	defer cancel()
	header := http.Header{}
	if l.APIKey != "" {
		header.Set("Authorization", "Bearer "+l.APIKey)
	}
	return Post(ctx, "lineage", l.URL, header, body)
}

// LineageFromEnv is what OpenLineage's own variables ask for: OPENLINEAGE_URL,
// OPENLINEAGE_ENDPOINT (default api/v1/lineage), OPENLINEAGE_API_KEY and
// OPENLINEAGE_DISABLED. namespace is OPENLINEAGE_NAMESPACE.
func LineageFromEnv(getenv func(string) string) (l Lineage, namespace string) {
	base := getenv("OPENLINEAGE_URL")
	if base == "" || strings.EqualFold(getenv("OPENLINEAGE_DISABLED"), "true") {
		return Lineage{}, ""
	}
	return Lineage{URL: LineageAddress(base, getenv("OPENLINEAGE_ENDPOINT")), APIKey: getenv("OPENLINEAGE_API_KEY")}, getenv("OPENLINEAGE_NAMESPACE")
}

// LineageAddress is where a server at base takes events; endpoint is the API's
// path, "" the usual one.
func LineageAddress(base, endpoint string) string {
	if endpoint == "" {
		endpoint = "api/v1/lineage"
	}
	return strings.TrimRight(base, "/") + "/" + strings.TrimLeft(endpoint, "/")
}
