import { randomBytes } from 'node:crypto';
import type { Client } from '@temporalio/client';
import {
  AssayError,
  type ExperimentRecord,
  type ProvenanceObject,
  type Ref,
  type ReplayInput,
  type ReplayRun,
  type ReplayTolerance,
  type ResolvedSpec,
  type Result,
  defaultTolerance,
  ids,
  noRemedy,
  queues,
} from '../contract';
import { type Whence, provenanceOf } from './provenance';
import type { Store } from '../store';
import { aboutSpec, statics } from './about';
import { snapshotCode } from './code';
import { type Chosen, type Ingredient, objectsOf, warmStartsOf } from './replayIngredients';
import { priorityOf } from './weights';

/** Which part of an experiment is run again; all of it where nothing is named. */
export interface ReplayPart {
  variants?: string[] | undefined;
  seeds?: number[] | undefined;
}

export interface ReplayOptions extends ReplayPart {
  tolerance?: Partial<ReplayTolerance> | undefined;
  /** A folder whose code is taken as it is, instead of what the record names. */
  code?: string | undefined;
}

/** All that a replay needs, as far as the store knows it. */
export interface PlannedReplay {
  input: Omit<ReplayInput, 'experimentId' | 'provenance'>;
  spec: ResolvedSpec;
  result: Result;
  original: ProvenanceObject;
  /** In the order of the record; `state: missing` keeps the replay from starting. */
  ingredients: Ingredient[];
}

/**
 * What the record of an experiment says of how it was run, with everything looked up that it takes to run it again. Starts nothing.
 * Throws `NotFound` where there is nothing to compare with, `SpecInvalid` for a part that the experiment does not have.
 */
export async function planReplay(
  store: Store,
  record: ExperimentRecord,
  whence: Pick<Whence, 'home' | 'version' | 'command'>,
  options: ReplayOptions = {},
): Promise<PlannedReplay> {
  const { experimentId: of, result: resultRef, snapshot } = record;
  if (record.replay)
    throw new AssayError('Conflict', `${of} is itself a replay; replay the experiment that it repeats: assay replay ${record.replay.of}`);
  if (resultRef === null || snapshot === null)
    throw new AssayError(
      'NotFound',
      `${of} has no result to compare with: it is ${record.status}${record.message ? ` (${record.message})` : ''}`,
    );
  const [spec, result, original] = await Promise.all([
    needed<ResolvedSpec>(store, record.spec, 'spec', of),
    needed<Result>(store, resultRef, 'result', of),
    needed<ProvenanceObject>(store, record.provenance, 'provenance', of),
  ]);
  const chosen = partOf(result, options);
  const warmStarts = await warmStartsOf(store, of, chosen);
  const runs = chosen.map(
    ({ variant, run }): ReplayRun => ({
      ...{ variant, seed: run.seed, remedy: run.remedy ?? noRemedy, warmStart: warmStarts.get(`${variant}/${run.seed}`) ?? null },
      mode: spec.variants.find(({ name }) => name === variant)?.model === undefined ? 'train' : 'evaluate',
    }),
  );
  const code = await codeOf(store, { record, spec, original, whence, folder: options.code });
  const image = spec.runtime.executor === 'docker' ? (chosen[0]?.run.image ?? null) : null;
  return {
    ...{ spec, result, original },
    input: {
      ...{ of, result: resultRef, spec: record.spec, snapshot, code: code.ref, image, runs },
      tolerance: { ...defaultTolerance, ...options.tolerance },
    },
    ingredients: [...(await objectsOf(store, { of, snapshot, spec, code: code.ref, chosen, warmStarts })), ...code.ingredients],
  };
}

/** Gives the replay an id of its own and starts it. */
export async function startReplay(
  { client, store }: { client: Client; store: Store },
  { input, spec, original }: Pick<PlannedReplay, 'input' | 'spec' | 'original'>,
  by: Omit<ProvenanceObject, 'spec' | 'source'>,
): Promise<{ experimentId: string; runId: string }> {
  // Not the experiment's name first: an id that begins with it would be taken for its latest run.
  const experimentId = ids.experiment(`replay-${spec.name}`, new Date(), randomBytes(4).toString('hex'));
  const provenance = await store.putJson({ ...by, spec: input.spec.digest, source: original.source } satisfies ProvenanceObject);
  const replay: ReplayInput = { ...input, experimentId, provenance };
  const summary = { ...aboutSpec(spec), hypothesis: `replay of ${input.of}`, priority: await priorityOf(store, spec) };
  const { firstExecutionRunId: runId } = await client.workflow.start('replay', {
    workflowId: ids.experimentWorkflow(experimentId),
    taskQueue: queues.control,
    args: [replay],
    ...statics(experimentId, summary),
    workflowIdConflictPolicy: 'FAIL',
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
  });
  return { experimentId, runId };
}

/** The runs with a result that are asked for. */
function partOf({ variants, experiment }: Result, { variants: names, seeds }: ReplayPart): Chosen[] {
  const known = variants.map(({ name }) => name);
  const unknown = names?.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new AssayError('SpecInvalid', `${experiment} has no variant "${unknown}"; it has ${known.join(', ')}`);
  const trained = new Set(variants.flatMap(({ runs }) => runs.map(({ seed }) => seed)));
  const strange = seeds?.find((seed) => !trained.has(seed));
  if (strange !== undefined) throw new AssayError('SpecInvalid', `${experiment} has no seed ${strange}; it has ${[...trained].join(', ')}`);
  const all = variants.flatMap(({ name, runs }) => runs.map((run) => ({ variant: name, run })));
  const asked = all.filter(({ variant, run }) => (names?.includes(variant) ?? true) && (seeds?.includes(run.seed) ?? true));
  const ended = asked.filter(({ run }) => run.status === 'done');
  if (ended.length === 0)
    throw new AssayError('NotFound', `no run of ${experiment} that is asked for ended well: there is nothing to compare with`);
  return ended;
}

interface CodeInputs {
  record: ExperimentRecord;
  spec: ResolvedSpec;
  original: ProvenanceObject;
  whence: Pick<Whence, 'home' | 'version' | 'command'>;
  folder: string | undefined;
}

/** The stored code; else the folder where it was, if that is still at the same revision. */
async function codeOf(store: Store, inputs: CodeInputs): Promise<{ ref: Ref | null; ingredients: Ingredient[] }> {
  const { record, spec, original, whence, folder } = inputs;
  const docker = spec.runtime.executor === 'docker';
  if (folder === undefined && (record.code || docker)) return { ref: record.code ?? null, ingredients: [] };
  const root = folder ?? spec.root;
  const said = (state: Ingredient['state'], detail: string, mend = ''): Ingredient[] => [{ name: 'code', state, detail, mend }];
  const ref = await snapshotCode(store, { ...spec, root });
  if (ref === null)
    return {
      ref,
      ingredients: said(
        'missing',
        `the record holds no code, and ${root} has none of the files that the command names`,
        'name a checkout with --code DIR',
      ),
    };
  if (record.code)
    return {
      ref,
      ingredients: ref.digest === record.code.digest ? [] : said('differs', `the files of ${root} are others than those that ran`),
    };
  const { git } = await provenanceOf({ store, root, source: spec.data.source, ...whence });
  const then = original.git;
  if (then.commit === null) return { ref, ingredients: said('unknown', `the record names no revision; ${root} is taken as it is`) };
  const same = git.commit === then.commit && git.diff?.digest === then.diff?.digest && git.dirty === then.dirty;
  if (same) return { ref, ingredients: [] };
  const detail = `it ran at commit ${then.commit}${then.dirty ? ' with uncommitted changes' : ''}; ${root} is at ${git.commit ?? 'no commit'}${git.dirty ? ' with uncommitted changes' : ''}`;
  if (folder !== undefined) return { ref, ingredients: said('differs', detail) };
  return {
    ref,
    ingredients: said(
      'missing',
      detail,
      `git checkout ${then.commit}${then.dirty ? ', apply the difference that its record holds,' : ''} or name a checkout with --code DIR`,
    ),
  };
}

/** A record of the record: without it nothing is known at all. */
async function needed<T>(store: Store, ref: Ref, what: string, of: string): Promise<T> {
  try {
    return await store.getJson<T>(ref);
  } catch (cause) {
    if (!(cause instanceof AssayError) || (cause.type !== 'NotFound' && cause.type !== 'ObjectCorrupt')) throw cause;
    throw new AssayError('NotFound', `the ${what} of ${of} (${ref.digest}) is not in ${store.url}: ${mendOfStore}`, { cause });
  }
}

const mendOfStore = 'restore the object from a backup; `assay store scrub` repairs it from a replica';
