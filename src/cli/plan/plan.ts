import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { checkPlanning, type Outlook, planExperiment, type PlanningInput } from '../../analysis';
import { AssayError, type ResolvedSpec } from '../../contract';
import { loadSpec } from '../../contract/loadSpec';
import { registeredPlan } from '../../contract/plan';
import { seconds } from '../../contract/specValues';
import { countTestRows } from './rows';
import { readPilot } from './pilot';
import { planText } from './text';
import { readSpec } from '../run';

export interface PlanOptions {
  /** An experiment, an exported folder or its result.json; or predictions of two arms, the control first. */
  pilot?: string[];
  /** In the metric's unit, `1pp`, or a share of the control's value such as `5%`. */
  difference?: string;
  /** Wanted chance to see it; default 0.8. */
  power?: number;
  /** Test rows, instead of those that the data give. */
  rows?: number;
  /** Seeds instead of the file's, as `assay run` takes them. */
  seeds?: number[];
  /** How many seeds, instead of which: 1, 2, 3, ... */
  seedCount?: number;
  set?: string[];
  json?: boolean;
}

/** What the runs would take, at most by the budget and as the pilot's runs went. */
export interface PlanCost {
  /** Runs that train, and runs that evaluate a trained model only. */
  trained: number;
  evaluated: number;
  /** Devices of one run; 0 computes on the CPU. */
  gpus: number;
  /** Hours of all trainings together; null without a wall-clock budget, or without a pilot. */
  hoursAtMost: number | null;
  hoursExpected: number | null;
  /** The same times the devices of a run. */
  gpuHoursAtMost: number | null;
  gpuHoursExpected: number | null;
}

/** `assay.plan/1`: what `assay plan --json` prints. */
export interface PlanDocument extends Outlook {
  schema: 'assay.plan/1';
  name: string;
  /** Where the number of test rows is from: the data as they are, or the command line. */
  rowsFrom: string;
  cost: PlanCost;
}

/** `assay plan`: what an experiment would see, before it is run. */
export async function plan(file: string, options: PlanOptions): Promise<void> {
  const document = await planOf(file, options);
  process.stdout.write(options.json === true ? `${JSON.stringify(document, null, 2)}\n` : `${planText(document)}\n`);
}

export async function planOf(file: string, options: PlanOptions): Promise<PlanDocument> {
  const difference = options.difference === undefined ? null : differenceOf(options.difference);
  const spec = await specOf(file, options);
  const registered = registeredPlan(spec);
  const power = options.power ?? 0.8;
  const given = options.pilot ?? [];
  checkPlanning({ plan: registered, power, rows: options.rows ?? null, pilot: given.length > 0 });
  const counted = memoized(() => countTestRows(spec));
  const pilot = await readPilot(given, registered, async () => (spec.data.unit === undefined ? null : (await counted()).unitOf));
  const found = options.rows === undefined ? await counted() : null;
  const { latency, batchSize } = spec.evaluation;
  const outlook = planExperiment({
    plan: registered,
    candidates: spec.variants.filter((variant) => !variant.control).map((variant) => variant.name),
    test: found?.test ?? givenRows(options.rows ?? 0),
    power,
    difference,
    pilot,
    latency: { blocks: latency.blocks, batch: batchSize },
  });
  if (found === null && spec.data.unit !== undefined && pilot === null)
    outlook.notes.push(
      `--rows is taken as independent rows: how many rows one ${spec.data.unit} has is not known without the data or a pilot.`,
    );
  return {
    schema: 'assay.plan/1',
    name: spec.name,
    ...outlook,
    rowsFrom: found === null ? '--rows' : spec.data.source,
    cost: costOf(spec, pilot?.result ?? null),
  };
}

/** With --rows the data need not be there yet. */
async function specOf(file: string, options: PlanOptions): Promise<ResolvedSpec> {
  const seeds = seedsOf(options);
  const given = { ...(options.set === undefined ? {} : { set: options.set }), ...seeds };
  const path = resolve(file);
  if (options.rows === undefined || !existsSync(path)) return (await readSpec(file, given)).spec;
  const overrides = (options.set ?? []).map((assignment) => {
    const at = assignment.indexOf('=');
    if (at < 1) throw new AssayError('SpecInvalid', `--set ${assignment}: expected key.path=value, e.g. --set training.batchSize=32`);
    return { path: assignment.slice(0, at), value: assignment.slice(at + 1) };
  });
  return loadSpec(readFileSync(path, 'utf8'), { file, root: dirname(path), overrides, ...seeds });
}

const givenRows = (rows: number): PlanningInput['test'] => ({ rows, units: null, effective: rows, classes: null });

/** `0.01`, `1pp` and `5%`, the last a share of the control's value. */
function differenceOf(text: string): NonNullable<PlanningInput['difference']> {
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(pp|%)?$/i.exec(text.trim());
  if (match === null)
    throw new AssayError(
      'SpecInvalid',
      `--difference ${text}: expected a number in the metric's unit such as 0.01, percentage points such as 1pp, or a share of the control's value such as 5%`,
    );
  const unit = match[2]?.toLowerCase();
  return { value: Number(match[1]) / (unit === undefined ? 1 : 100), relative: unit === '%' };
}

function seedsOf({ seeds, seedCount }: PlanOptions): { seeds?: number[] } {
  if (seedCount === undefined) return seeds === undefined ? {} : { seeds };
  if (seeds !== undefined) throw new AssayError('SpecInvalid', '--seeds says which seeds, --seed-count how many; give one of the two');
  if (seedCount < 1 || seedCount > 10_000) throw new AssayError('SpecInvalid', `--seed-count ${seedCount}: expected 1 to 10,000 seeds`);
  return { seeds: Array.from({ length: seedCount }, (_, i) => i + 1) };
}

function costOf(spec: ResolvedSpec, pilot: { variants: { name: string; runs: { status: string; seconds: number }[] }[] } | null): PlanCost {
  const trained = spec.variants.filter((variant) => variant.model === undefined);
  const runs = trained.length * spec.training.seeds.length;
  const { wallClock } = spec.training.budget;
  const { gpus } = spec.runtime;
  const atMost = wallClock === undefined ? null : (runs * seconds(wallClock)) / 3600;
  const perRun = (of: { runs: { status: string; seconds: number }[] }[]): number | null => {
    const done = of.flatMap((variant) => variant.runs).filter((run) => run.status === 'done' && run.seconds > 0);
    return done.length === 0 ? null : done.reduce((sum, run) => sum + run.seconds, 0) / done.length;
  };
  const any = pilot === null ? null : perRun(pilot.variants);
  const expected =
    any === null
      ? null
      : trained.reduce((sum, { name }) => sum + (perRun(pilot?.variants.filter((variant) => variant.name === name) ?? []) ?? any), 0);
  const hours = expected === null ? null : (expected * spec.training.seeds.length) / 3600;
  return {
    trained: runs,
    evaluated: spec.variants.length - trained.length,
    gpus,
    hoursAtMost: atMost,
    hoursExpected: hours,
    gpuHoursAtMost: atMost === null ? null : atMost * gpus,
    gpuHoursExpected: hours === null ? null : hours * gpus,
  };
}

function memoized<T>(work: () => Promise<T>): () => Promise<T> {
  let known: Promise<T> | undefined;
  return () => (known ??= work());
}
