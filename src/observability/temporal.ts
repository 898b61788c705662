import type { WorkflowClientInterceptor } from '@temporalio/client';
import type { Headers } from '@temporalio/common';
import { type SpanOptions, inSpan, startTracing, tracingOn } from './tracing';
import { type TraceCarrier, carrierOf, currentTrace } from './traceContext';

/**
 * Interceptors of a client, under `interceptors.workflow`: what it starts and signals goes on with the trace. None where the environment
 * asks for no spans, and nothing is loaded then. `roots: false` (workers) traces only what is called within a span.
 */
export async function clientInterceptors(service: string, { roots = true } = {}): Promise<WorkflowClientInterceptor[]> {
  return (await startTracing(service)) ? [traced(roots)] : [];
}

function traced(roots: boolean): WorkflowClientInterceptor {
  const around = <T>(name: string, workflowId: string | undefined, call: (headers: Headers) => Promise<T>): Promise<T> => {
    if (!roots && currentTrace() === null) return call({});
    const options: SpanOptions = { kind: 'producer', attributes: { 'assay.workflow': workflowId } };
    return inSpan(name, options, () => call(traceHeaders()));
  };
  return {
    start: (input, next) =>
      around(`start ${input.workflowType}`, input.options.workflowId, (headers) =>
        next({ ...input, headers: { ...input.headers, ...headers } }),
      ),
    startWithDetails: (input, next) =>
      around(`start ${input.workflowType}`, input.options.workflowId, (headers) =>
        next({ ...input, headers: { ...input.headers, ...headers } }),
      ),
    signal: (input, next) =>
      around(`send ${input.signalName}`, input.workflowExecution.workflowId, (headers) =>
        next({ ...input, headers: { ...input.headers, ...headers } }),
      ),
    signalWithStart: (input, next) =>
      around(`send ${input.signalName}`, input.options.workflowId, (headers) =>
        next({ ...input, headers: { ...input.headers, ...headers } }),
      ),
    startUpdate: (input, next) =>
      around(`ask ${input.updateName}`, input.workflowExecution.workflowId, (headers) =>
        next({ ...input, headers: { ...input.headers, ...headers } }),
      ),
    startUpdateWithStart: (input, next) =>
      around(`ask ${input.updateName}`, input.workflowStartOptions.workflowId, (headers) =>
        next({
          ...input,
          workflowStartHeaders: { ...input.workflowStartHeaders, ...headers },
          updateHeaders: { ...input.updateHeaders, ...headers },
        }),
      ),
  };
}

/** The header of Temporal's own tracing interceptors, so that workers and clients in other languages go on with the trace. */
const header = '_tracer-data';

/** As Temporal's default converter writes JSON. */
function traceHeaders(): Headers {
  const carrier = currentTrace();
  if (carrier === null) return {};
  return { [header]: { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from(JSON.stringify(carrier)) } };
}

/** What a workflow handed on to an activity; null where this process traces nothing. */
export function traceOfHeaders(headers: Headers): TraceCarrier | null {
  const data = tracingOn() ? headers[header]?.data : undefined;
  if (!data) return null;
  try {
    const { traceparent, tracestate } = JSON.parse(Buffer.from(data).toString('utf8')) as Record<string, unknown>;
    return carrierOf(traceparent, tracestate);
  } catch {
    return null;
  }
}
