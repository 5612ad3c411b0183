package jobs

import (
	"context"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"offerlake/jobs/telemetry"
)

// span begins a part of a trace; end, called once, ends it with what came of it.
func (ex Execution) span(ctx context.Context, name string, about ...attribute.KeyValue) (_ context.Context, end func(error)) {
	if ex.Tracer == nil {
		return ctx, func(error) {}
	}
	ctx, span := ex.Tracer.Start(ctx, name, trace.WithAttributes(about...))
	return ctx, func(err error) {
		span.SetAttributes(attribute.String("offerlake.outcome", EndOf(err)))
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
}

// resultOf is what metrics tell of a run; s may be nil.
func resultOf(s *Summary) telemetry.Result {
	if s == nil {
		return telemetry.Result{}
	}
	r := telemetry.Result{
		Published: s.Published, Rejects: s.Rejects, Declared: s.DeclaredTotal, Obtained: s.Obtained, Paid: s.Paid, Wasted: s.Wasted, Currency: s.Currency,
	}
	if s.Published {
		r.Rows = s.Rows
	}
	if s.Cost != "" {
		r.Cost, _ = strconv.ParseFloat(s.Cost, 64) // the books are in the summary, exactly
	}
	return r
}
