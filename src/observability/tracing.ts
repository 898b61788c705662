import type * as OpenTelemetry from './openTelemetry';
import type { FinishedSpan, OpenSpan, SpanOptions, Tracing } from './openTelemetry';
import { type TraceCarrier, currentTrace } from './traceContext';

export type { FinishedSpan, OpenSpan, SpanOptions } from './openTelemetry';

/** Null while this process traces nothing: a span then costs nothing. */
let tracing: Tracing | null = null;
let starting: Promise<boolean> | null = null;

export const tracingOn = (): boolean => tracing !== null;

/** Where spans go by the standard variables of OpenTelemetry; null where they are off, which is the default. */
export function tracingWanted(env: NodeJS.ProcessEnv = process.env): { endpoint: string } | null {
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT || null;
  const exporter = env.OTEL_TRACES_EXPORTER || (endpoint === null ? 'none' : 'otlp');
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || exporter !== 'otlp') return null;
  return { endpoint: endpoint ?? 'http://localhost:4318' };
}

/**
 * Turns spans on where the environment asks for them; says whether they are. `service` is the service.name unless OTEL_SERVICE_NAME says
 * another. Until it is called, and where nothing is asked, nothing of OpenTelemetry is loaded.
 */
export function startTracing(service: string): Promise<boolean> {
  starting ??= (async () => {
    if (tracingWanted() === null) return false;
    const { openTelemetry } = require('./openTelemetry') as typeof OpenTelemetry;
    tracing = openTelemetry(service);
    return true;
  })();
  return starting;
}

/** A span around `work`, below `parent` (default: the span that runs here). It fails where `work` does. */
export function inSpan<T>(name: string, options: SpanOptions, work: (span: OpenSpan) => Promise<T>): Promise<T> {
  return tracing === null ? work(noSpan) : tracing.inSpan(name, options, work);
}

/** A span of something that is over. */
export function recordSpan(span: FinishedSpan): void {
  tracing?.recordSpan(span);
}

/** The place of a span that will be recorded once it is over, for what begins below it now; null where nothing is traced. */
export function placeSpan(parent: TraceCarrier | null = currentTrace()): TraceCarrier | null {
  return tracing?.placeSpan(parent) ?? null;
}

/** Waits until what is over has been sent, 3 s at most. */
export async function flushTraces(): Promise<void> {
  await tracing?.flush();
}

const noSpan: OpenSpan = { set: () => undefined };
