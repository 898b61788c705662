import type { ExperimentRecord, ProvenanceObject, Ref, Result, RunRecord, Snapshot } from '../../contract';
import type { Store } from '../../store';
import { disagreements } from './agreement';
import { mendObject } from './inspect';
import { Tally, type VerifyReport } from './report';
import { refsIn, Walk } from './walk';

export interface VerifyOptions {
  /** Reads without repairing, so that no damage is mended before it was told. */
  store: Store;
  /** The same store, which mends; null leaves copies as they are. */
  mending: Store | null;
  /** A digest of the result that was kept elsewhere. */
  expect: string | null;
  /** The report of a result, as this version writes it; `latency` are the measured lines of each variant. */
  render: (result: Result, latency: { variant: string; lines: Ref }[]) => Promise<string>;
  /** Where the numbers of a result are not those that its predictions give; null where that is not asked for. */
  recompute: ((result: Result) => Promise<{ name: string; detail: string }[]>) | null;
  /** Of assay, this one. */
  version: string;
  onProgress?: (done: { files: number; bytes: number }) => void;
}

/** Reads and hashes every object that an experiment's record leads to, in every replica, and holds what they say against one another. */
export async function verifyExperiment(record: ExperimentRecord, options: VerifyOptions): Promise<VerifyReport> {
  const tally = new Tally();
  const walk = new Walk(options, tally);
  const { kept: _, ...others } = record;
  const { result, leads } = await walk.result(record.result);
  const contents = result?.contents ?? [];
  walk.name(contents);
  const named = new Set(contents.map(({ digest }) => digest));
  await walk.visit([
    ...contents.map((content) => ({ name: content.name, ref: content })),
    ...own(record).flatMap(([name, ref]) => (ref ? [{ name, ref }] : [])),
    ...(result?.contents === undefined ? artifactsOf(result) : []),
    ...leads,
    // Of whatever else a record may come to name.
    ...refsIn(others).map(({ at, ref }) => ({ name: `record${at}`, ref })),
  ]);
  // Last, so that what has a better name has it: results before a decision, runs of a former pass, what only a history knew.
  await walk.visit(record.kept ? [{ name: 'kept', ref: record.kept }] : []);

  // What the record itself names is held against the list below, where the list can have it.
  if (result?.contents !== undefined)
    for (const { name, digest, from } of walk.seen())
      if (!named.has(digest) && from !== 'the record' && !from.startsWith('kept'))
        tally.problem({
          state: 'unlisted',
          name,
          digest,
          detail: `${from} leads to it, and the list in the result does not have it`,
          mended: null,
        });

  const missing = noted(record, result);
  if (missing !== null) tally.notes.push(missing);
  if (result !== null) {
    const runs = new Map(
      contents.flatMap(({ name, digest }): [string, RunRecord][] => {
        const folder = /^(runs\/.+)\/record\.json$/.exec(name)?.[1];
        const read = walk.parsed<RunRecord>(digest);
        return folder === undefined || read === null ? [] : [[folder, read]];
      }),
    );
    const provenance = walk.parsed<ProvenanceObject>(record.provenance.digest);
    const snapshot = record.snapshot === null ? null : walk.parsed<Snapshot>(record.snapshot.digest);
    for (const { name, detail } of disagreements({ record, result, provenance, snapshot, runs })) tally.disagrees(name, null, detail);
    await checkReport(record, result, walk, options, tally);
    await checkNumbers(result, options, tally);
  }
  const { expect } = options;
  const signature = record.result?.digest ?? null;
  if (expect !== null && expect !== signature) tally.disagrees('result.json', signature, `expected the digest ${expect}`);
  await mend(tally, options.mending);
  return tally.report({
    what: 'experiment',
    experiment: record.experimentId,
    place: options.store.url,
    ...{ signature, expected: expect, listed: result?.contents !== undefined },
  });
}

const own = (record: ExperimentRecord): [name: string, ref: Ref | null | undefined][] => [
  ['report.html', record.report],
  ['spec.json', record.spec],
  ['provenance.json', record.provenance],
  ['code', record.code],
  ['snapshot', record.snapshot],
];

/** Results of earlier versions name what their runs left and nothing else. */
function artifactsOf(result: Result | null): { name: string; ref: Ref }[] {
  return (result?.variants ?? []).flatMap(({ name, runs }) =>
    runs.flatMap(({ seed, artifacts }) =>
      Object.entries(artifacts).flatMap(([artifact, ref]) => (ref ? [{ name: `runs/${name}/seed-${seed}/${artifact}`, ref }] : [])),
    ),
  );
}

function noted({ status, message, kept }: ExperimentRecord, result: Result | null): string | null {
  if (result === null)
    return status === 'running' || status === 'done'
      ? 'no result could be read: what the record names was checked'
      : `there is no result, since it is ${status}${message === null ? '' : ` (${message})`}: what the record names was checked`;
  if (result.contents !== undefined) return null;
  const also = kept ? ', and what was kept of its history' : '';
  return `this result was written by an earlier version and does not list what it was made from: what the record and the result refer to was checked${also}`;
}

/** The report has the same bytes for the same result and version. */
async function checkReport(record: ExperimentRecord, result: Result, walk: Walk, options: VerifyOptions, tally: Tally): Promise<void> {
  const { render, store, version } = options;
  if (record.report === null) return;
  const written = result.provenance.assay;
  if (result.contents === undefined || written !== version) {
    const why =
      written === version ? 'the lines of its latency plot are not listed' : `it was started with assay ${written}, and this is ${version}`;
    tally.notes.push(`the report was hashed, and not rendered again: ${why}`);
    return;
  }
  const latency = result.contents.flatMap((content) => {
    const variant = /^latency\/(.+)\.jsonl$/.exec(content.name)?.[1];
    return variant === undefined ? [] : [{ variant, lines: content }];
  });
  // What it cannot be compared with was told before.
  if (![record.report, ...latency.map(({ lines }) => lines)].every(({ digest }) => walk.isReadable(digest))) return;
  const [stored, rendered] = [(await store.get(record.report)).toString('utf8'), await render(result, latency)];
  if (stored === rendered) return;
  const at = [...rendered].findIndex((letter, i) => letter !== stored[i]);
  const where = at < 0 ? rendered.length : at;
  tally.disagrees(
    'report.html',
    record.report.digest,
    `it is not what assay ${version} renders of this result: it differs from character ${where} on`,
  );
}

/** An analysis needs every object whole, and the list of them. */
async function checkNumbers(result: Result, { recompute, version }: VerifyOptions, tally: Tally): Promise<void> {
  if (recompute === null) return;
  if (result.contents === undefined) return void tally.notes.push('the numbers were not computed again: the result does not list its runs');
  if (tally.problems.some(({ state, mended }) => mended === null && !['disagrees', 'unlisted'].includes(state)))
    return void tally.notes.push('the numbers were not computed again, since not everything is sound');
  const found = await recompute(result);
  if (result.provenance.assay === version) for (const { name, detail } of found) tally.disagrees(name, null, detail);
  else if (found.length > 0)
    tally.notes.push(
      `assay ${version} computes ${found.length} numbers otherwise than ${result.provenance.assay} did, first ${found[0]?.name}: ${found[0]?.detail}`,
    );
}

/** After everything was looked at: a pack is mended as a whole, and would hide what else was wrong with it. */
async function mend({ problems }: Tally, mending: Store | null): Promise<void> {
  const done = new Map<string, boolean>();
  for (const problem of problems) {
    if (problem.mended === null || problem.digest === null) continue;
    if (mending !== null && !done.has(problem.digest)) done.set(problem.digest, await mendObject(mending, problem.digest));
    problem.mended = done.get(problem.digest) ?? false;
  }
}
