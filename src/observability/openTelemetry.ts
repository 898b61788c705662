import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  context,
  createTraceState,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider, RandomIdGenerator } from '@opentelemetry/sdk-trace-node';
import { type TraceCarrier, currentTrace, traceParts, withTrace } from './traceContext';

type Attributes = Record<string, string | number | boolean | null | undefined>;

export interface SpanOptions {
  kind?: 'internal' | 'client' | 'server' | 'producer' | 'consumer';
  attributes?: Attributes;
  /** Null begins a trace. */
  parent?: TraceCarrier | null;
}

export interface OpenSpan {
  set(attributes: Attributes): void;
}

export interface FinishedSpan {
  name: string;
  /** As placed before, by us or by a workflow. */
  traceId: string;
  spanId: string;
  parent: TraceCarrier | null;
  /** ms since 1970. */
  startMs: number;
  endMs: number;
  attributes?: Attributes;
  error?: string | null;
  /** Of another service: the trainer's process. */
  kind?: SpanOptions['kind'];
}

export interface Tracing {
  inSpan<T>(name: string, options: SpanOptions, work: (span: OpenSpan) => Promise<T>): Promise<T>;
  recordSpan(span: FinishedSpan): void;
  placeSpan(parent: TraceCarrier | null): TraceCarrier;
  flush(): Promise<void>;
}

/**
 * Spans by the OpenTelemetry SDK, sent by OTLP over HTTP; OTEL_* variables set the rest (OTEL_EXPORTER_OTLP_HEADERS, OTEL_TRACES_SAMPLER,
 * OTEL_RESOURCE_ATTRIBUTES, OTEL_BSP_*). Loaded only where spans are asked for.
 */
export function openTelemetry(service: string): Tracing {
  const given = new GivenIds();
  const provider = new NodeTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': process.env.OTEL_SERVICE_NAME || service, ...ofProcess() }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [
      new BatchSpanProcessor(new OTLPTraceExporter(), {
        // A killed process loses what it has not sent: not much.
        scheduledDelayMillis: Number(process.env.OTEL_BSP_SCHEDULE_DELAY || 1000),
      }),
    ],
    idGenerator: given,
  });
  const tracer = provider.getTracer('assay');

  return {
    async inSpan(name, { kind = 'internal', attributes = {}, parent = currentTrace() ?? embedding() }, work) {
      const span = tracer.startSpan(name, { kind: kinds[kind], attributes: whole(attributes) }, contextOf(parent));
      try {
        return await withTrace(carrierOfSpan(span), () => work({ set: (more) => void span.setAttributes(whole(more)) }));
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
        if (error instanceof Error) span.recordException(error);
        throw error;
      } finally {
        span.end();
      }
    },
    recordSpan({ name, traceId, spanId, parent, startMs, endMs, attributes = {}, error = null, kind = 'internal' }) {
      const span = given.as({ traceId, spanId }, () =>
        tracer.startSpan(name, { kind: kinds[kind], attributes: whole(attributes), startTime: startMs }, contextOf(parent)),
      );
      if (error !== null) span.setStatus({ code: SpanStatusCode.ERROR, message: error });
      span.end(endMs);
    },
    placeSpan(parent) {
      const parts = traceParts(parent?.traceparent ?? '');
      const traceId = parts?.traceId ?? given.generateTraceId();
      const flags = parts === null || parts.sampled ? '01' : '00';
      return {
        traceparent: `00-${traceId}-${given.generateSpanId()}-${flags}`,
        ...(parent?.tracestate ? { tracestate: parent.tracestate } : {}),
      };
    },
    async flush() {
      await Promise.race([provider.forceFlush().catch(() => undefined), sleep(3000, undefined, { ref: false })]);
    },
  };
}

/** Random ids, but for spans whose place was told to others before they are recorded. */
class GivenIds {
  private readonly random = new RandomIdGenerator();
  private next: { traceId: string; spanId: string } | null = null;

  readonly generateTraceId = (): string => this.next?.traceId ?? this.random.generateTraceId();
  readonly generateSpanId = (): string => this.next?.spanId ?? this.random.generateSpanId();

  as<T>(ids: { traceId: string; spanId: string }, make: () => T): T {
    this.next = ids;
    try {
      return make();
    } finally {
      this.next = null;
    }
  }
}

function contextOf(parent: TraceCarrier | null): Context {
  const parts = traceParts(parent?.traceparent ?? '');
  if (parts === null) return ROOT_CONTEXT;
  const { traceId, spanId, sampled } = parts;
  return trace.setSpanContext(ROOT_CONTEXT, {
    ...{ traceId, spanId, isRemote: true },
    traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    ...(parent?.tracestate ? { traceState: createTraceState(parent.tracestate) } : {}),
  });
}

function carrierOfSpan(span: Span): TraceCarrier {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext();
  const state = traceState?.serialize();
  return { traceparent: `00-${traceId}-${spanId}-${(traceFlags & 1) === 1 ? '01' : '00'}`, ...(state ? { tracestate: state } : {}) };
}

/** The span of a program that embeds our client and traces by itself. */
function embedding(): TraceCarrier | null {
  const span = trace.getSpan(context.active());
  return span === undefined || !trace.isSpanContextValid(span.spanContext()) ? null : carrierOfSpan(span);
}

const ofProcess = (): Record<string, string | number> => ({
  'host.name': process.env.ASSAY_HOST || hostname(),
  'process.pid': process.pid,
  'service.instance.id': `${process.env.ASSAY_HOST || hostname()}/${process.pid}`,
});

const whole = (attributes: Attributes): Record<string, string | number | boolean> =>
  Object.fromEntries(Object.entries(attributes).flatMap(([name, value]) => (value === null || value === undefined ? [] : [[name, value]])));

const kinds = {
  internal: SpanKind.INTERNAL,
  client: SpanKind.CLIENT,
  server: SpanKind.SERVER,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;
