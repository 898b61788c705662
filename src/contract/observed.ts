import type { Qos } from './pool';

/** The header of Temporal's own tracing interceptors, whose value is a W3C carrier: clients in other languages are understood. */
export const traceHeader = '_tracer-data';

/** A place in a trace, in W3C Trace Context. */
export interface TraceData {
  traceparent: string;
  tracestate?: string;
}

/** A span that a workflow has ended. */
export interface WorkflowSpan {
  name: string;
  traceId: string;
  /** Made from the run's id, so that a replay names the same. */
  spanId: string;
  /** Null for the first span of a trace. */
  parent: TraceData | null;
  /** ms since 1970. */
  startMs: number;
  endMs: number;
  attributes: Record<string, string | number | boolean>;
  /** Null where it ended well. */
  error: string | null;
}

/** What a workflow tells of itself beside its history, for metrics. */
export type WorkflowEvent =
  | { type: 'leaseGranted'; qos: Qos; owner: string | null; seconds: number }
  /** `cause` is the budget it drew on; null ends the run at once. */
  | { type: 'epochFailed'; cause: string | null; error: string }
  | { type: 'runEnded'; status: 'done' | 'failed' | 'cancelled' }
  | { type: 'stageLeft'; stage: string; seconds: number }
  | { type: 'experimentEnded'; status: 'done' | 'failed' | 'cancelled'; error: string | null; outcome: string | null; seconds: number }
  | { type: 'seriesRunEnded'; series: string; status: 'done' | 'failed' | 'cancelled' | 'skipped' }
  | { type: 'seriesAlert'; series: string };

/** Sinks of the control worker; nothing of them is in a history, and a replay calls none. */
export type WorkflowSinks = {
  assay: {
    event(event: WorkflowEvent): void;
    span(span: WorkflowSpan): void;
  };
};
