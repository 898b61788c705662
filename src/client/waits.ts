import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { arrayFromPayloads, defaultPayloadConverter } from '@temporalio/common';
import { type PoolState, type Progress, type RunState, type TrainProgress, ids, isFinal, isRunFinal, poolNames, queues } from '../contract';
import { experimentProgress } from './experiments';

/** What something waits for, the nearest cause first, a sentence each; empty where it works or has ended. */
export type Chain = string[];

export interface Waits {
  /** Of the experiment itself. */
  experiment: Chain;
  /** Of each run that has not ended. */
  runs: { variant: string; seed: number; state: RunState; host: string | null; epoch: number; chain: Chain }[];
}

/** How long one question may take: who asks why nothing moves must not hang as well. */
const patienceMs = 5000;
/** A worker asks again at least every minute. */
const polledMs = 70_000;
/** Descriptions asked for at once. */
const batch = 10;

/** What the experiment and each of its runs wait for now: the pool's line, hosts that do not take their work, failed tries, a person. */
export async function waitsOf(client: Client, experimentId: string): Promise<Waits> {
  const ask = <T>(question: () => Promise<T>): Promise<T> => client.withDeadline(Date.now() + patienceMs, question);
  const workflowId = ids.experimentWorkflow(experimentId);
  const progress = await ask(() => experimentProgress(client, experimentId)).catch((error: unknown) => {
    if (error instanceof WorkflowNotFoundError) throw error;
    return null;
  });
  const looker: Looker = { client, ask, pollers: new Map(), now: Date.now() };
  if (progress === null) return { experiment: await silence(looker), runs: [] };
  if (isFinal(progress.stage)) return { experiment: [], runs: [] };

  const pool = await ask(() => client.workflow.getHandle(ids.gpuPool).query<PoolState>(poolNames.state)).catch(() => null);
  const open = progress.runs.filter((run) => !isRunFinal(run.state));
  const runs: Waits['runs'] = [];
  for (let from = 0; from < open.length; from += batch) {
    const some = open.slice(from, from + batch).map(async ({ variant, seed, state, host, epoch, message }) => {
      const chain = await ofRun(looker, pool, progress, { id: ids.variantRunWorkflow(experimentId, variant, seed), state, message });
      return { variant, seed, state, host, epoch, chain };
    });
    runs.push(...(await Promise.all(some)));
  }
  return { experiment: await ofExperiment(looker, pool, progress, workflowId), runs };
}

/** Where each run that waits for a place stands in the pool's line, by `variant/seed`: one question, however many runs. Empty where the pool does not answer. */
export async function placesOf(client: Client, experimentId: string, runs: Progress['runs']): Promise<Map<string, string>> {
  const question = (): Promise<PoolState> => client.workflow.getHandle(ids.gpuPool).query<PoolState>(poolNames.state);
  const pool = await client.withDeadline(Date.now() + patienceMs, question).catch(() => null);
  const places = runs
    .filter(({ state }) => !isRunFinal(state))
    .flatMap(({ variant, seed }) => {
      const [place] = inLine(pool, ids.variantRunWorkflow(experimentId, variant, seed));
      return place === undefined ? [] : [[`${variant}/${seed}`, place] as const];
    });
  return new Map(places);
}

interface Looker {
  client: Client;
  ask: <T>(question: () => Promise<T>) => Promise<T>;
  /** Whether a queue is polled, as found. */
  pollers: Map<string, Promise<string | null>>;
  now: number;
}

/** Nobody answers for the workflow. */
async function silence(looker: Looker): Promise<Chain> {
  const idle = await unpolled(looker, queues.control, 'workflow');
  return [idle ?? 'the control pool did not answer in time: it may be busy or restarting'];
}

async function ofExperiment(looker: Looker, pool: PoolState | null, progress: Progress, workflowId: string): Promise<Chain> {
  const left = progress.runs.filter((run) => !isRunFinal(run.state)).length;
  return [
    ...byPeople(progress),
    ...(progress.stage === 'training' && left > 0 ? [`its runs: ${left} of ${progress.runs.length} have not ended`] : []),
    ...(progress.waitingFor && !progress.paused ? [progress.waitingFor] : []),
    ...inLine(pool, workflowId),
    ...(await activities(looker, workflowId)),
  ];
}

const pauseWord = "a person's word: assay resume";

/** Whether a sentence of a chain is that the experiment is paused. */
export const isOfPause = (wait: string): boolean => wait.startsWith(pauseWord);

function byPeople({ experimentId, paused, waitingFor, approval }: Progress): Chain {
  return [
    // While it is paused it says itself who ends that, and who began it, when and why.
    ...(paused ? [`a person's word: ${waitingFor}`] : []),
    ...(approval?.state === 'waiting' ? [`a person's word: \`assay approve ${experimentId}\` or \`assay reject ${experimentId}\``] : []),
  ];
}

type Place = { id: string; state: RunState; message: string | null };

async function ofRun(looker: Looker, pool: PoolState | null, progress: Progress, { id, state, message }: Place): Promise<Chain> {
  const line = inLine(pool, id);
  const work = await activities(looker, id);
  if (line.length > 0 || work.length > 0) return [...line, ...work];
  if (progress.paused) return byPeople(progress);
  if (state !== 'waiting') return [];
  if (pool === null) return ['the pool does not answer: no place is given before it does'];
  return [message === null ? 'is about to ask for a place' : `is between two starts, backing off after: ${message.split('\n', 1)[0]}`];
}

/** The place in the pool's line, why, and who has what it waits for. */
function inLine(pool: PoolState | null, holder: string): Chain {
  const index = pool?.waiting.findIndex(({ request }) => request.holder === holder) ?? -1;
  const waiter = pool?.waiting[index];
  if (!pool || !waiter) return [];
  const { request, since, why } = waiter;
  const held = pool.leases.filter(({ lease }) => request.gpus === 0 || lease.devices.length > 0);
  const holders = held.slice(0, 3).map(({ lease, label, since: from }) => `${label} on ${lease.host} since ${clock(from)}`);
  const more = held.length > holders.length ? ` and ${held.length - holders.length} more` : '';
  return [
    `a place: number ${index + 1} of ${pool.waiting.length} in line since ${clock(since)}; ${why}`,
    ...(holders.length > 0 ? [`places are held by ${holders.join(', ')}${more}`] : []),
  ];
}

/** What the server knows of the activities under way: not taken, failed and to be tried again, or working on something slow. */
async function activities(looker: Looker, workflowId: string): Promise<Chain> {
  const { client, ask, now } = looker;
  const description = await ask(() => client.workflow.getHandle(workflowId).describe()).catch(() => null);
  const pending = description?.raw.pendingActivities ?? [];
  const lines = await Promise.all(
    pending.map(async ({ activityType, activityOptions, state, attempt, lastFailure, scheduledTime, heartbeatDetails }) => {
      const name = activityType?.name ?? 'an activity';
      const at = scheduledTime?.seconds ? Number(scheduledTime.seconds) * 1000 : now;
      const started = state === pendingState.started || state === pendingState.cancelRequested;
      const failed = lastFailure?.message ? `; the try before failed: ${lastFailure.message.split('\n', 1)[0]}` : '';
      if (!started && at > now + 500) return [`${name}: try ${attempt} starts at ${clock(new Date(at).toISOString())}${failed}`];
      if (!started) {
        const queue = activityOptions?.taskQueue?.name;
        const idle = queue ? await unpolled(looker, queue, 'activity') : null;
        return [`${name} waits for a worker since ${clock(new Date(at).toISOString())}: ${idle ?? 'every slot is taken'}${failed}`];
      }
      const [details] = arrayFromPayloads(defaultPayloadConverter, heartbeatDetails?.payloads);
      const says = (details as Partial<TrainProgress> | undefined)?.message;
      if (says) return [`${name}: ${says}`];
      return failed === '' ? [] : [`${name} is at try ${attempt}${failed}`];
    }),
  );
  return lines.flat();
}

/** `temporal.api.enums.v1.PendingActivityState` */
const pendingState = { started: 2, cancelRequested: 3 } as const;

/** The sentence for a queue that no worker asks for work; null where one does. */
function unpolled(looker: Looker, queue: string, kind: 'workflow' | 'activity'): Promise<string | null> {
  const known = looker.pollers.get(queue);
  if (known) return known;
  const answer = (async () => {
    const { client, ask, now } = looker;
    const taskQueue = { name: queue };
    const request = { namespace: client.options.namespace, taskQueue, taskQueueType: kind === 'workflow' ? 1 : 2 };
    const found = await ask(() => client.workflowService.describeTaskQueue(request)).catch(() => null);
    if (found === null) return null;
    const seen = Math.max(0, ...(found.pollers ?? []).map(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1000));
    if (now - seen <= polledMs) return null;
    const last = seen === 0 ? '' : `, the last at ${clock(new Date(seen).toISOString())}`;
    return `no worker polls ${queue}${last}; start its pool, or see its log`;
  })();
  looker.pollers.set(queue, answer);
  return answer;
}

const clock = (iso: string): string => `${iso.slice(11, 19)} UTC`;
