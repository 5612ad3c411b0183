package extract

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"offerlake/pipeline/catalog"
)

// trace makes a span of an attempt that was sent. It holds the API, the
// endpoint's host and what came of it, and nothing that a request carried.
func (c *Client) trace(ctx context.Context, api string, attempt int, rep reply, end time.Time, ge *catalog.GatewayError) {
	if c.opts.Tracer == nil {
		return
	}
	_, span := c.opts.Tracer.Start(ctx, api, trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(rep.sent), trace.WithAttributes(
		attribute.String("server.address", rep.lease.host),
		attribute.Int("http.response.status_code", rep.status),
		attribute.Int("http.response.body.size", len(rep.body)),
		attribute.Int("offerlake.attempt", attempt),
		attribute.String("offerlake.gateway", c.opts.Gateway),
	))
	if ge != nil {
		span.SetAttributes(attribute.String("error.type", string(ge.Class)))
		span.SetStatus(codes.Error, ge.Error())
	}
	span.End(trace.WithTimestamp(end))
}
