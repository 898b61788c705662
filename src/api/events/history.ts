import type { Client } from '@temporalio/client';
import { arrayFromPayloads, defaultPayloadConverter } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import {
  type AuditEntry,
  type ExperimentOutput,
  isRunFinal,
  type RunChanged,
  type RunOutcome,
  type RunState,
  type Stage,
} from '../../contract';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

/**
 * One thing that happened to an experiment. Its number is that of the event in the workflow's history, which the Temporal server keeps in one
 * order for ever: whoever names the last number it saw gets exactly what came after, from any API server, before or after any restart.
 */
export interface Happening {
  /** Of the history's event. */
  number: number;
  event: 'stage' | 'run' | 'steering' | 'end';
  data: Record<string, unknown>;
}

/** Longer than the server holds a question for news, which is 20 seconds or so. */
const longestWaitMs = 65_000;

/** Events of the history in order, whole pages at a time; waits for new ones until the workflow has ended. Starts from the first event each time. */
export async function* historyOf(
  client: Client,
  execution: { workflowId: string; runId: string },
  { wait, signal }: { wait: boolean; signal: AbortSignal },
): AsyncGenerator<HistoryEvent[]> {
  const { namespace } = client.options;
  let nextPageToken: Uint8Array | null | undefined;
  do {
    const request = { namespace, execution, ...(nextPageToken ? { nextPageToken } : {}), waitNewEvent: wait, maximumPageSize: 500 };
    const answer = await abortable(client, signal, () =>
      client.withDeadline(Date.now() + longestWaitMs, () => client.workflowService.getWorkflowExecutionHistory(request)),
    );
    yield answer.history?.events ?? [];
    nextPageToken = answer.nextPageToken;
  } while (nextPageToken !== undefined && nextPageToken !== null && nextPageToken.length > 0);
}

/** The client never lets go of a signal that it was given: one of its own a question keeps a long watch from gathering them. */
async function abortable<T>(client: Client, signal: AbortSignal, question: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const own = new AbortController();
  const abort = (): void => own.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await client.withAbortSignal(own.signal, question);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Reads happenings out of one history, from its beginning. */
export function happeningsReader(): (event: HistoryEvent) => Happening | null {
  let stage: Stage | null = null;
  const enter = (next: Stage): Record<string, unknown> | null => {
    if (next === stage) return null;
    stage = next;
    return { stage };
  };
  const runs = new Map<string, RunState>();
  // Each entry into a state once, whether a signal of the run told it (as in histories of earlier versions) or its start and end do.
  const run = ({ variant, seed, ...change }: RunChange): Record<string, unknown> | null => {
    const known = runs.get(`${variant}/${seed}`);
    if (known !== undefined && isRunFinal(known) && isRunFinal(change.state)) return null;
    runs.set(`${variant}/${seed}`, change.state);
    return { variant, seed, ...change };
  };
  return (event) => {
    const number = Number(event.eventId);
    const told = (name: Happening['event'], data: Record<string, unknown> | null): Happening | null =>
      data === null ? null : { number, event: name, data: { at: timeOf(event), ...data } };
    if (event.workflowExecutionStartedEventAttributes) return told('stage', enter('registering'));
    const changed = event.upsertWorkflowSearchAttributesEventAttributes?.searchAttributes?.indexedFields?.['AssayStage'];
    if (changed) {
      const value: unknown = defaultPayloadConverter.fromPayload(changed);
      return told('stage', enter((Array.isArray(value) ? value[0] : value) as Stage));
    }
    const signalled = event.workflowExecutionSignaledEventAttributes;
    if (signalled?.signalName === 'runChanged') {
      const [{ key, ...change }] = arrayFromPayloads(defaultPayloadConverter, signalled.input?.payloads) as [RunChanged];
      return told('run', run({ variant: key.variant, seed: key.seed, ...change }));
    }
    const began = event.childWorkflowExecutionStartedEventAttributes;
    if (began) {
      const key = runOf(began.workflowExecution?.workflowId);
      return key === null || runs.has(`${key.variant}/${key.seed}`)
        ? null
        : told('run', run({ ...key, state: 'waiting', epoch: 1, ...plain }));
    }
    const end = endOfRun(event);
    if (end !== null) return told('run', run(end));
    const updated = event.workflowExecutionUpdateCompletedEventAttributes?.outcome?.success?.payloads;
    if (updated) {
      const [entry] = arrayFromPayloads(defaultPayloadConverter, updated) as [AuditEntry | undefined];
      return told('steering', typeof entry?.action === 'string' ? { ...entry } : null);
    }
    return told('end', endOf(event));
  };
}

type RunChange = Pick<RunChanged, 'state' | 'host' | 'message'> & { epoch: number | null; variant: string; seed: number };

const plain = { host: null, message: null };

/** How the child of a run ended; null for every other event. */
function endOfRun(event: HistoryEvent): RunChange | null {
  const completed = event.childWorkflowExecutionCompletedEventAttributes;
  const cancelled = event.childWorkflowExecutionCanceledEventAttributes;
  const failed =
    event.childWorkflowExecutionFailedEventAttributes ??
    event.childWorkflowExecutionTimedOutEventAttributes ??
    event.childWorkflowExecutionTerminatedEventAttributes;
  const key = runOf((completed ?? cancelled ?? failed)?.workflowExecution?.workflowId);
  if (key === null) return null;
  if (!completed) return { ...key, state: cancelled ? 'cancelled' : 'failed', epoch: null, ...plain };
  const [outcome] = arrayFromPayloads(defaultPayloadConverter, completed.result?.payloads) as [RunOutcome | undefined];
  if (outcome === undefined) return null;
  const { status, attempts, failure } = outcome;
  const message = failure === null ? null : `${failure.type}: ${failure.message}`;
  return { ...key, state: status, epoch: outcome.trained?.epoch ?? attempts, host: outcome.trained?.host ?? null, message };
}

/** The run of a child's id; null for other children. */
function runOf(workflowId: string | null | undefined): { variant: string; seed: number } | null {
  const [, variant, seed] = /^assay\/[^/]+\/([^/]+)\/seed-(\d+)$/.exec(workflowId ?? '') ?? [];
  return variant === undefined ? null : { variant, seed: Number(seed) };
}

/** Null where the workflow goes on. */
function endOf(event: HistoryEvent): Record<string, unknown> | null {
  const completed = event.workflowExecutionCompletedEventAttributes;
  if (completed) {
    const [output] = arrayFromPayloads(defaultPayloadConverter, completed.result?.payloads) as [ExperimentOutput | undefined];
    return { status: 'done', verdict: output?.verdict ?? null, message: null };
  }
  const failed = event.workflowExecutionFailedEventAttributes;
  if (failed) {
    const type = failed.failure?.applicationFailureInfo?.type;
    return ended('failed', `${type ? `${type}: ` : ''}${failed.failure?.message ?? 'no reason is given'}`);
  }
  if (event.workflowExecutionCanceledEventAttributes) return ended('cancelled', 'cancelled on request');
  const terminated = event.workflowExecutionTerminatedEventAttributes;
  if (terminated) return ended('failed', `terminated: ${terminated.reason || 'no reason is given'}`);
  if (event.workflowExecutionTimedOutEventAttributes) return ended('failed', 'the workflow timed out');
  return null;
}

const ended = (status: 'failed' | 'cancelled', message: string) => ({ status, verdict: null, message });

const timeOf = ({ eventTime }: HistoryEvent): string =>
  new Date(Number(eventTime?.seconds ?? 0) * 1000 + Math.floor((eventTime?.nanos ?? 0) / 1e6)).toISOString();
