package telemetry

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Tracing sends traces by OTLP over HTTP. A nil *Tracing traces nothing.
type Tracing struct {
	provider *sdktrace.TracerProvider
	parent   trace.SpanContext
}

// OpenTracing sets up what OpenTelemetry's standard variables ask for, nil when
// they ask for nothing: there are traces when OTEL_TRACES_EXPORTER is otlp, or
// when it is not set and OTEL_EXPORTER_OTLP_ENDPOINT or
// OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is. OTEL_SDK_DISABLED, _SERVICE_NAME,
// _RESOURCE_ATTRIBUTES, _TRACES_SAMPLER, _BSP_* and the _EXPORTER_OTLP_* mean what
// they mean elsewhere. TRACEPARENT, in the form of W3C Trace Context, makes the
// run a part of the trace of what started it.
//
// failed is told what goes wrong later, from other goroutines.
func OpenTracing(ctx context.Context, getenv func(string) string, version string, failed func(error)) (*Tracing, error) {
	wanted, err := tracesWanted(getenv)
	if !wanted || err != nil {
		return nil, err
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, err
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "offerlake"), attribute.String("service.version", version)),
		resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil {
		return nil, err
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { failed(hostsOnly(err)) })) // the library has no other place for it
	return &Tracing{
		provider: sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about)),
		parent:   parentOf(getenv("TRACEPARENT"), getenv("TRACESTATE")),
	}, nil
}

func tracesWanted(getenv func(string) string) (bool, error) {
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") {
		return false, nil
	}
	switch exporter := getenv("OTEL_TRACES_EXPORTER"); exporter {
	case "none":
		return false, nil
	case "":
		if getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
			return false, nil
		}
	case "otlp":
	default:
		return false, fmt.Errorf("OTEL_TRACES_EXPORTER=%s: traces go out by otlp, or none", exporter)
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		switch protocol := getenv(name); protocol {
		case "":
			continue
		case "http/protobuf":
			return true, nil
		default:
			return false, fmt.Errorf("%s=%s: traces go out by http/protobuf, usually to port 4318", name, protocol)
		}
	}
	return true, nil
}

// parentOf reads a W3C trace context; one that cannot be read is none.
func parentOf(traceparent, tracestate string) trace.SpanContext {
	carrier := propagation.MapCarrier{"traceparent": traceparent, "tracestate": tracestate}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
}

// Tracer makes spans; that of a nil *Tracing makes none.
func (t *Tracing) Tracer() trace.Tracer {
	if t == nil {
		return noop.NewTracerProvider().Tracer("")
	}
	return t.provider.Tracer("offerlake")
}

// Parent returns ctx as a part of the trace of what started the program.
func (t *Tracing) Parent(ctx context.Context) context.Context {
	if t == nil || !t.parent.IsValid() {
		return ctx
	}
	return trace.ContextWithRemoteSpanContext(ctx, t.parent)
}

// flushTime bounds how long the end of a command waits for its last spans.
const flushTime = 5 * time.Second

// Close sends what is left.
func (t *Tracing) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
	defer cancel()
	return t.provider.Shutdown(ctx)
}

var addressAfterHost = regexp.MustCompile(`(https?://)(?:[^/\s"@]*@)?([^/\s"]+)[^\s":]*`)

// hostsOnly leaves the hosts of the addresses in an error, whose paths and
// queries are often secrets.
func hostsOnly(err error) error {
	return errors.New(addressAfterHost.ReplaceAllString(err.Error(), "$1$2"))
}
