import { AsyncLocalStorage } from 'node:async_hooks';
import { CancelledFailure, type Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { Headers } from '@temporalio/common';
import { type RunKey, runOfWorkflow } from '../contract';
import { type TraceCarrier, count, inSpan, observe, traceOfHeaders, withLogFields } from '../observability';

/** Each line, span and number of an activity's attempt says whose it is. */
export async function observed<T>({ info }: Context, input: { args: unknown[]; headers: Headers }, work: () => Promise<T>): Promise<T> {
  const { activityType: activity, attempt } = info;
  if (attempt > 1) count('assay_activity_retries_total', { activity });
  const whose = whoseWork(info.workflowExecution?.workflowId ?? null, input.args[0]);
  const began = performance.now();
  const ended = (result: string): void =>
    observe('assay_activity_duration_seconds', { activity, result }, (performance.now() - began) / 1000);
  const fields = { activity, attempt, ...whose, workflow: info.workflowExecution?.workflowId };
  const parent = traceOfHeaders(input.headers);
  const options = { kind: 'consumer', parent, attributes: attributesOf(fields) } as const;
  try {
    const result = await inSpan(activity, options, () => workflows.run(parent, () => withLogFields(fields, work)));
    ended('ok');
    return result;
  } catch (error) {
    const cancelled = error instanceof CancelledFailure;
    ended(cancelled ? 'cancelled' : 'error');
    if (!cancelled) count('assay_activity_failures_total', { activity, error: typeOf(error) });
    throw error;
  }
}

const workflows = new AsyncLocalStorage<TraceCarrier | null>();

/** The span of the workflow that this activity works for, where it is traced. */
export const workflowTrace = (): TraceCarrier | null => workflows.getStore() ?? null;

interface Whose {
  experiment?: string;
  variant?: string;
  seed?: number;
  epoch?: number;
}

/** By the workflow's id, and by what the activity was given. */
function whoseWork(workflowId: string | null, input: unknown): Whose {
  const given = (typeof input === 'object' ? input : null) as { key?: RunKey; epoch?: number; experimentId?: string } | null;
  const key = given?.key ?? (workflowId === null ? null : runOfWorkflow(workflowId));
  const experiment = key?.experimentId ?? given?.experimentId;
  return {
    ...(experiment === undefined ? {} : { experiment }),
    ...(key?.variant === undefined ? {} : { variant: key.variant }),
    ...(key?.seed === undefined ? {} : { seed: key.seed }),
    ...(given?.epoch === undefined ? {} : { epoch: given.epoch }),
  };
}

const attributesOf = (fields: Record<string, string | number | undefined>): Record<string, string | number | undefined> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [`assay.${name}`, value]));

const typeOf = (error: unknown): string => (error instanceof ApplicationFailure ? (error.type ?? 'Error') : 'Error');
