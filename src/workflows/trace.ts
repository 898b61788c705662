import { defaultPayloadConverter } from '@temporalio/common';
import { ContinueAsNew, type Headers, type WorkflowInterceptors, isCancellation, workflowInfo } from '@temporalio/workflow';
import { type TraceData, traceHeader } from '../contract';
import { tellSpan } from './observe';

/** This workflow's own span, which what it starts hangs on. */
interface OwnSpan {
  traceId: string;
  spanId: string;
  carrier: TraceData;
  sampled: boolean;
  /** Null where the trace begins with this workflow. */
  parent: TraceData | null;
}

/** They begin a trace where nobody else did, e.g. because a schedule started them. */
const roots = new Set(['experiment', 'seriesRun', 'maintain']);
/** Without an end: they would hold the trace of whoever came first. */
const endless = new Set(['gpuPool', 'series', 'triggers']);

let own: OwnSpan | null = null;
let made = 0;

/** Another one for each call, the same in a replay. */
function nextSpanId(): string {
  made += 1;
  const mixed = (BigInt(`0x${idOfRun().slice(16)}`) + BigInt(made) * 0x9e3779b97f4a7c15n) & 0xffff_ffff_ffff_ffffn;
  return mixed.toString(16).padStart(16, '0');
}

/**
 * Hands the trace of whoever started this workflow to everything it starts, in headers, which are no part of what a replay compares: histories
 * with and without a trace replay alike, whether or not anybody exports spans. Adds no step of its own to any call, so no command moves.
 * An experiment that nobody traced begins a trace, whose id is that of its run.
 */
export function traceInterceptors(): WorkflowInterceptors {
  own = null;
  made = 0;
  return {
    inbound: [
      {
        execute(input, next) {
          begin(input.headers);
          return next(input).then(
            (result) => {
              end(null);
              return result;
            },
            (error: unknown) => {
              end(error);
              throw error;
            },
          );
        },
        handleSignal(input, next) {
          heard(`signal ${input.signalName}`, input.headers);
          return next(input);
        },
        handleUpdate(input, next) {
          heard(`update ${input.name}`, input.headers);
          return next(input);
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => next({ ...input, headers: traced(input.headers) }),
        scheduleLocalActivity: (input, next) => next({ ...input, headers: traced(input.headers) }),
        startChildWorkflowExecution: (input, next) => next({ ...input, headers: traced(input.headers) }),
        signalWorkflow: (input, next) => next({ ...input, headers: traced(input.headers) }),
        startNexusOperation: (input, next) => next({ ...input, headers: { ...input.headers, ...own?.carrier } }),
        // Beside this run, not below it: a chain of runs is no ladder.
        continueAsNew: (input, next) => next({ ...input, headers: traced(input.headers, own?.parent ?? own?.carrier) }),
        getLogAttributes: (input, next) => next(own === null ? input : { ...input, trace_id: own.traceId, span_id: own.spanId }),
      },
    ],
  };
}

/** A part of this workflow's time that ends now, in its trace. */
export function observeSpan(name: string, startMs: number, attributes: Record<string, string | number> = {}): void {
  if (own === null || !own.sampled) return;
  const { traceId, carrier } = own;
  tellSpan({
    name,
    traceId,
    spanId: nextSpanId(),
    parent: carrier,
    startMs,
    endMs: Date.now(),
    attributes: { 'assay.workflow': workflowInfo().workflowId, ...attributes },
    error: null,
  });
}

function begin(headers: Headers): void {
  const { workflowType } = workflowInfo();
  if (endless.has(workflowType)) return;
  const parent = traceOf(headers);
  if (parent === null && !roots.has(workflowType)) return;
  const [, traceId = idOfRun(), , flags = '01'] = parent?.traceparent.split('-') ?? [];
  const spanId = idOfRun().slice(16);
  const carrier = { traceparent: `00-${traceId}-${spanId}-${flags}`, ...(parent?.tracestate ? { tracestate: parent.tracestate } : {}) };
  own = { traceId, spanId, carrier, sampled: (Number.parseInt(flags, 16) & 1) === 1, parent };
}

function end(error: unknown): void {
  if (own === null || !own.sampled) return;
  const { workflowType, workflowId, runId, startTime, attempt } = workflowInfo();
  const failed = error !== null && !(error instanceof ContinueAsNew);
  tellSpan({
    name: workflowType,
    traceId: own.traceId,
    spanId: own.spanId,
    parent: own.parent,
    startMs: startTime.getTime(),
    endMs: Date.now(),
    attributes: {
      'assay.workflow': workflowId,
      'temporal.run': runId,
      'temporal.attempt': attempt,
      ...(failed && isCancellation(error) ? { 'assay.cancelled': true } : {}),
    },
    error: failed ? (error instanceof Error ? error.message : 'failed') : null,
  });
}

/** A message that came with a trace: one moment, in the sender's trace. */
function heard(name: string, headers: Headers): void {
  const parent = own === null ? null : traceOf(headers);
  const [, traceId, , flags] = parent?.traceparent.split('-') ?? [];
  if (traceId === undefined || flags === undefined) return;
  const spanId = nextSpanId();
  if ((Number.parseInt(flags, 16) & 1) !== 1) return;
  const now = Date.now();
  const { workflowId } = workflowInfo();
  tellSpan({ name, traceId, spanId, parent, startMs: now, endMs: now, attributes: { 'assay.workflow': workflowId }, error: null });
}

function traced(headers: Headers, carrier: TraceData | undefined = own?.carrier): Headers {
  return carrier === undefined ? headers : { ...headers, [traceHeader]: defaultPayloadConverter.toPayload(carrier) };
}

/** Null where there is none, or another program's that is not W3C. */
function traceOf(headers: Headers): TraceData | null {
  const payload = headers[traceHeader];
  if (payload === undefined) return null;
  const data = defaultPayloadConverter.fromPayload<Partial<TraceData> | null>(payload);
  const { traceparent, tracestate } = data ?? {};
  if (traceparent === undefined || !/^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/.test(traceparent)) return null;
  return { traceparent, ...(tracestate ? { tracestate } : {}) };
}

/** 32 hexadecimal digits, as a trace id is; the last 16 of them are random in every version of UUID. */
const idOfRun = (): string => workflowInfo().runId.replaceAll('-', '');
