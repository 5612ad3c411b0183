// Package jobs turns a job file into a run: it parses and validates the YAML,
// wires a gateway's dialect, the journal, the pipeline and the destinations
// together, and keeps the state of runs.
//
// It is the only package that knows all the layers. It starts no goroutine of
// its own; those belong to the pipeline.
package jobs
