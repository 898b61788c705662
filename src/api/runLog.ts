import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { knownInstance } from '../activities/hostFiles';
import { AssayError, type Ref, type ResolvedSpec, type Result } from '../contract';
import { logTail } from '../executor/logs';
import type { Context } from './context';
import { forgetOutcome, outcomeOf, recordOf } from './outcomes';
import { plainText } from './plainText';
import { findExperiment, type Found, progressOf } from './records';

export interface Wanted {
  variant: string;
  seed: number;
  lines: number;
}

/** An engine that does not answer at once is asked again with the next look. */
const enginePatienceMs = 3000;
const lookAgainMs = 500;

/**
 * The last lines that a run's trainer wrote, as plain text: from the store when the run has ended, from the files of this host while it runs
 * here. Throws NotFound, which says where to look, where neither has them.
 */
export async function lastLines(context: Context, found: Found, wanted: Wanted): Promise<string> {
  const text = (await look(context, found, wanted)) ?? (await lookAgain(context, found, wanted));
  if (text === null) throw await elsewhere(context, found, wanted);
  const lines = plainText(text).replace(/\n$/, '').split('\n').slice(-wanted.lines);
  return lines.length === 1 && lines[0] === '' ? '' : `${lines.join('\n')}\n`;
}

const look = async (context: Context, found: Found, wanted: Wanted): Promise<string | null> =>
  (await ofResult(context, found, wanted)) ?? (await ofRun(context, found, wanted)) ?? (await ofHost(context, found, wanted));

/** The host's files of a run go a moment before its outcome is known, and later than an answer that it has none may have been kept. */
async function lookAgain(context: Context, { id }: Found, wanted: Wanted): Promise<string | null> {
  await sleep(lookAgainMs);
  forgetOutcome(context, id, wanted.variant, wanted.seed);
  return look(context, await findExperiment(context, id), wanted);
}

async function ofResult(context: Context, { id, record }: Found, { variant, seed }: Wanted): Promise<string | null> {
  if (!record?.result) return null;
  const { variants } = await context.store.getJson<Result>(record.result);
  const run = variants.find(({ name }) => name === variant)?.runs.find((one) => one.seed === seed);
  if (run === undefined) throw unknown(id, { variant, seed });
  if (run.artifacts.log) return stored(context, run.artifacts.log);
  return run.failure === null ? null : `${run.failure.type}: ${run.failure.message}`;
}

/** Of a run that has ended while its experiment goes on, or that ended without a result. */
async function ofRun(context: Context, { id }: Found, { variant, seed }: Wanted): Promise<string | null> {
  const outcome = await outcomeOf(context, id, variant, seed);
  if (outcome?.failure) return `${outcome.failure.type}: ${outcome.failure.message}`;
  const run = await recordOf(context, outcome);
  return run === null ? null : stored(context, run.artifacts.log);
}

const stored = async ({ store }: Context, log: Ref): Promise<string> => (await store.get(log)).toString('utf8');

async function ofHost(context: Context, { id, record }: Found, { variant, seed, lines }: Wanted): Promise<string | null> {
  const spec = record === null ? null : await context.store.getJson<ResolvedSpec>(record.spec);
  // Only names of the spec become parts of a path.
  if (spec?.variants.every(({ name }) => name !== variant) ?? true) throw unknown(id, { variant, seed });
  const dir = join(context.home, 'runs', id, variant, `seed-${seed}`);
  const epochs = (await readdir(dir).catch(() => [])).flatMap((name) => /^epoch-(\d+)$/.exec(name)?.[1] ?? []).map(Number);
  if (epochs.length === 0) return null;
  const newest = join(dir, `epoch-${Math.max(...epochs)}`);
  const instance = spec?.runtime.executor === 'docker' ? knownInstance(context.home) : null;
  if (instance === null) return logTail(newest, lines);
  // The client of the engine takes long to load, and most servers never need it.
  const { createDockerExecutor } = await import('../executor/docker/index.js');
  return createDockerExecutor({ instance, patienceMs: enginePatienceMs }).logTail(newest, lines);
}

async function elsewhere(context: Context, { id }: Found, { variant, seed }: Wanted): Promise<AssayError> {
  const run = (await progressOf(context, id))?.runs.find((one) => one.variant === variant && one.seed === seed);
  const later = `it is in the store once the run has ended`;
  if (run === undefined) return unknown(id, { variant, seed });
  if (run.host === null) {
    const none = run.epoch > 1 ? `has no log just now, and start ${run.epoch} writes a new one` : 'has written nothing yet';
    return new AssayError('NotFound', `run ${variant}/${seed} of ${id} ${none}: it is ${run.state}`);
  }
  return new AssayError(
    'NotFound',
    `the log of ${variant}/${seed} lies on the host ${run.host}, whose files this server does not see: there, \`assay logs ${id} ${variant}/${seed} -f\`; ${later}`,
  );
}

const unknown = (id: string, { variant, seed }: Pick<Wanted, 'variant' | 'seed'>): AssayError =>
  new AssayError('NotFound', `experiment ${id} has no run ${variant}/${seed}`);
