import { AsyncLocalStorage } from 'node:async_hooks';

/** A place in a trace as W3C Trace Context writes it. */
export interface TraceCarrier {
  /** `00-<trace id>-<span id>-<flags>` */
  traceparent: string;
  tracestate?: string;
}

export interface TraceParts {
  traceId: string;
  spanId: string;
  sampled: boolean;
}

const storage = new AsyncLocalStorage<TraceCarrier>();

/** The span that runs here, or null. */
export const currentTrace = (): TraceCarrier | null => storage.getStore() ?? null;

export const withTrace = <T>(carrier: TraceCarrier, work: () => T): T => storage.run(carrier, work);

/** Null where it is no traceparent. */
export function traceParts(traceparent: string): TraceParts | null {
  const [, traceId, spanId, flags] = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** Of untrusted headers: null unless it is a traceparent of a trace. */
export function carrierOf(traceparent: unknown, tracestate?: unknown): TraceCarrier | null {
  if (typeof traceparent !== 'string' || traceParts(traceparent) === null) return null;
  return { traceparent, ...(typeof tracestate === 'string' && tracestate !== '' ? { tracestate: tracestate.slice(0, 512) } : {}) };
}

/** As environment of a process that goes on with the trace. */
export const traceEnvironment = (carrier: TraceCarrier | null): Record<string, string> =>
  carrier === null ? {} : { TRACEPARENT: carrier.traceparent, ...(carrier.tracestate ? { TRACESTATE: carrier.tracestate } : {}) };

/** What log lines carry of it. */
export function traceFields(): Record<string, string> {
  const parts = traceParts(currentTrace()?.traceparent ?? '');
  return parts === null ? {} : { trace_id: parts.traceId, span_id: parts.spanId };
}
