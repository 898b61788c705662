import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { alignRun, type AnalysisInput, type AnalysisVariant, type Pilot } from '../../analysis';
import { AssayError, type Manifest, type RegisteredPlan, type Result, type Snapshot } from '../../contract';
import { readNpy } from '../../contract/npy';
import type { SplitRow } from '../../data';
import { sessionStore } from '../home';
import { readResult } from '../reportFile';
import { findRecord } from '../session';
import { type PilotFile, readPilotFiles } from './pilotFiles';

/** The unit of each example by id; null where rows are independent. Asked for at need, since it reads the data. */
type Units = () => Promise<Map<string, string> | null>;

/** `--pilot`: an experiment by id or name, a folder or result.json of `assay export`, or predictions of two arms or more, the control first. */
export async function readPilot(given: readonly string[], plan: RegisteredPlan, units: Units): Promise<Pilot | null> {
  const [first, second] = given;
  if (first === undefined) return null;
  if (second !== undefined) return ofFiles(given, plan, units);
  const path = resultFile(first);
  if (path !== null) return ofExport(path, plan, units);
  if (existsSync(first))
    throw new AssayError(
      'DataInvalid',
      `--pilot ${first} is one set of predictions; give two, the control first (--pilot A --pilot B), or an experiment or its exported folder`,
    );
  if (first.includes('/')) throw new AssayError('DataInvalid', `--pilot ${first}: no such file or folder`);
  return ofExperiment(first, plan);
}

/** The result of an exported folder, or of a file that is one. */
function resultFile(path: string): string | null {
  if (!existsSync(path)) return null;
  if (!statSync(path).isDirectory()) return path.endsWith('.json') ? path : null;
  return existsSync(join(path, 'result.json')) ? join(path, 'result.json') : null;
}

async function ofExperiment(id: string, plan: RegisteredPlan): Promise<Pilot> {
  const store = sessionStore();
  const record = await findRecord(store, id);
  const result = await readResult(store, record);
  const snapshot = await store.getJson<Snapshot>(record.snapshot ?? { digest: result.snapshot.record });
  const lines = (await store.get(snapshot.splits.test.ref)).toString('utf8').split('\n');
  const test = lines.flatMap((line) => (line === '' ? [] : [JSON.parse(line) as SplitRow]));
  const rows = {
    ids: test.map((row) => String(row.id)),
    labels: Int32Array.from(test, (row) => snapshot.classes.indexOf(row.label)),
    classes: snapshot.classes,
  };
  const variants: AnalysisVariant[] = [];
  for (const variant of result.variants) {
    const runs: PilotRun[] = [];
    for (const { seed, artifacts } of variant.runs) {
      if (artifacts.predictions === null) continue;
      const { files } = await store.getJson<Manifest>(artifacts.predictions);
      const array = async (name: string): Promise<ArrayLike<string | number | bigint>> => {
        const file = files.find(({ path }) => path === name);
        if (file === undefined)
          throw new AssayError('NotFound', `the predictions of ${variant.name} seed ${seed} in ${record.experimentId} lack ${name}`);
        return readNpy(await store.get(file)).values;
      };
      runs.push({
        place: `${record.experimentId}/${variant.name}/seed-${seed}`,
        seed,
        ids: await array('ids.npy'),
        labels: Array.from(await array('labels.npy'), Number),
        scores: Float64Array.from(Array.from(await array('scores.npy'), Number)),
      });
    }
    variants.push(variantOf(variant.name, variant.control, runs, rows, result));
  }
  const units = snapshot.unit === null ? null : numbered(test.map((row) => String(row.unit ?? row.id)));
  return { name: record.experimentId, result, predictions: inputOf(plan, rows, units, variants) };
}

async function ofExport(path: string, plan: RegisteredPlan, units: Units): Promise<Pilot> {
  let result: Result;
  try {
    result = JSON.parse(readFileSync(path, 'utf8')) as Result;
  } catch (cause) {
    throw new AssayError(
      'DataInvalid',
      `${path}: cannot be read as JSON (${(cause as Error).message}); give the folder of \`assay export\``,
      { cause },
    );
  }
  if (result.schema !== 'assay.result/1')
    throw new AssayError('DataInvalid', `${path}: expected the schema assay.result/1, got ${JSON.stringify(result.schema ?? null)}`);
  const inRuns = (name: string): string => join(dirname(path), 'runs', name);
  const trained = result.variants.filter((variant) => existsSync(inRuns(variant.name)));
  if (trained.length < result.variants.length) return { name: result.experiment, result, predictions: null };
  const { classes, sides } = await readPilotFiles(trained.map((variant) => inRuns(variant.name)));
  const control = sides[trained.findIndex((variant) => variant.control)]?.[0] ?? sides[0]?.[0];
  const rows = rowsOf(control as PilotFile, classes);
  const variants = trained.map(({ name, control: isControl }, i) => variantOf(name, isControl, (sides[i] ?? []).map(asRun), rows, result));
  return { name: result.experiment, result, predictions: inputOf(plan, rows, await unitsOf(rows.ids, units), variants) };
}

async function ofFiles(paths: readonly string[], plan: RegisteredPlan, units: Units): Promise<Pilot> {
  const { classes, sides } = await readPilotFiles(paths);
  const rows = rowsOf(sides[0]?.[0] as PilotFile, classes);
  const single = sides.every((files) => files.length === 1);
  const variants = sides.map((files, i) => {
    const runs = files.map((file) => ({ ...asRun(file), seed: single ? 1 : (file.seed ?? 1) }));
    return { ...variantOf(nameOf(paths[i] as string), i === 0, runs, rows, null), pretrained: !single && files.length === 1 };
  });
  return {
    name: paths.map(nameOf).join(' and '),
    result: null,
    predictions: inputOf(plan, rows, await unitsOf(rows.ids, units), variants),
  };
}

interface PilotRun {
  place: string;
  seed: number;
  ids: ArrayLike<string | number | bigint>;
  labels: ArrayLike<number> | null;
  scores: ArrayLike<number>;
}

interface PilotRows {
  ids: string[];
  labels: Int32Array;
  classes: string[];
}

const asRun = ({ seed, ...file }: PilotFile): PilotRun => ({ ...file, seed: seed ?? 1 });

function rowsOf({ place, ids, labels }: PilotFile, classes: string[]): PilotRows {
  if (labels !== null) return { ids, labels, classes };
  throw new AssayError('DataInvalid', `${place}: has no labels, without which a pilot tells nothing; add labels.npy or a column label`);
}

/** A variant of a trained model has one run and no training, whatever the result calls its seed. */
function variantOf(name: string, control: boolean, runs: readonly PilotRun[], rows: PilotRows, result: Result | null): AnalysisVariant {
  const seeds = Math.max(0, ...(result?.variants.map((variant) => variant.runs.length) ?? []));
  return {
    name,
    control,
    pretrained: result !== null && seeds > 1 && result.variants.find((variant) => variant.name === name)?.runs.length === 1,
    params: {},
    runs: runs.map(({ place, seed, ids, labels, scores }) => {
      const aligned = alignRun({
        ...{ ids: rows.ids, labels: rows.labels, classes: rows.classes.length },
        ...{ predIds: ids, predLabels: labels, predScores: scores, against: 'the pilot’s test rows' },
      });
      if (aligned.problem !== null) throw new AssayError('PredictionsInvalid', `${place}: ${aligned.problem}`);
      return { seed, status: 'done', scores: aligned.scores, seconds: null, peakMemoryBytes: null };
    }),
  };
}

async function unitsOf(ids: readonly string[], units: Units): Promise<Int32Array | null> {
  const known = await units();
  if (known === null) return null;
  const missing = ids.filter((id) => !known.has(id));
  if (missing.length > 0)
    throw new AssayError(
      'DataInvalid',
      `the pilot has ${missing.length} ids that data.source does not have (${missing.slice(0, 5).join(', ')}), so their data.unit is unknown; name the experiment in the store instead, whose snapshot knows it`,
    );
  return numbered(ids.map((id) => known.get(id) as string));
}

function numbered(names: readonly string[]): Int32Array {
  const codes = new Map<string, number>();
  return Int32Array.from(names, (name) => {
    const code = codes.get(name) ?? codes.size;
    codes.set(name, code);
    return code;
  });
}

/** What `measureNoise` reads; the pilot's own plan decides nothing here. */
function inputOf(
  plan: RegisteredPlan,
  { ids, labels, classes }: PilotRows,
  units: Int32Array | null,
  variants: AnalysisVariant[],
): AnalysisInput {
  const names = variants.map((variant, i) =>
    variants.findIndex(({ name }) => name === variant.name) === i ? variant.name : `${variant.name} (${i + 1})`,
  );
  return {
    plan,
    classes,
    ids,
    labels,
    units,
    variants: variants.map((variant, i) => ({ ...variant, name: names[i] as string })),
    latency: null,
    dataChecks: [],
  };
}

/** The last part of a path that tells something. */
function nameOf(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== 'predictions' && !/^seed-\d+$/.test(part));
  return (parts.at(-1) ?? path).replace(/\.(?:npz|csv|parquet|jsonl|ndjson)$/i, '');
}
