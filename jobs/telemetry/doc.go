// Package telemetry tells operators how runs go: figures for Prometheus, traces
// for OpenTelemetry, and run events for OpenLineage.
//
// It holds no secret and never fails a run: what cannot be written or sent is an
// error for the caller to log. It knows nothing of job files; package jobs fills
// in what happened.
package telemetry
