import type { AnalysisInput, AnalysisVariant } from '../../src/analysis';
import { uniform } from './simulate';

/** Two numbers and two texts that have nothing to do with right or wrong; `country` is x, y, z or missing. */
export function withColumns(input: AnalysisInput, seed: number): AnalysisInput {
  const random = uniform(seed);
  const rows = input.ids.length;
  const texts = (values: string[]): string[] => Array.from({ length: rows }, () => values[Math.floor(random() * values.length)] as string);
  return {
    ...input,
    columns: [
      { name: 'age', kind: 'number', values: Float64Array.from({ length: rows }, () => Math.floor(20 + 60 * random())) },
      { name: 'income "net"', kind: 'number', values: Float64Array.from({ length: rows }, () => (random() < 0.3 ? Number.NaN : random())) },
      { name: 'country', kind: 'category', values: texts(['x', 'y', 'z', 'z', '']) },
      { name: 'device', kind: 'category', values: texts(["driver's", 'phone', 'desk']) },
    ],
  };
}

/** Makes a share of one arm's rows wrong, the same ones in every run. */
export function spoil(input: AnalysisInput, arm: number, where: (row: number) => boolean, share: number): AnalysisInput {
  const random = uniform(99);
  const chosen = input.ids.map((_, row) => where(row) && random() < share);
  const width = input.classes.length;
  const variants = input.variants.map((variant, index): AnalysisVariant => {
    if (index !== arm) return variant;
    const runs = variant.runs.map((run) => {
      const scores = Float64Array.from(run.scores as Float64Array);
      chosen.forEach((wrong, row) => {
        const own = scores.subarray(row * width, row * width + width);
        const label = input.labels[row] as number;
        const top = own.indexOf(Math.max(...own));
        if (!wrong || top !== label) return;
        const other = (label + 1) % width;
        [own[label], own[other]] = [own[other] as number, own[label] as number];
      });
      return { ...run, scores };
    });
    return { ...variant, runs };
  });
  return { ...input, variants };
}

export function sliceOf(input: AnalysisInput, name: string, where: (row: number) => boolean): AnalysisInput {
  const rows = Uint8Array.from(input.ids, (_, row) => (where(row) ? 1 : 0));
  return {
    ...input,
    plan: { ...input.plan, slices: [...input.plan.slices, { name, where: name }] },
    slices: [...(input.slices ?? []), { name, rows }],
  };
}

export function clustered(input: AnalysisInput, unit: (row: number) => number): AnalysisInput {
  return { ...input, units: Int32Array.from(input.ids, (_, row) => unit(row)) };
}

/** The other arm is the control. */
export function swapped(input: AnalysisInput): AnalysisInput {
  return { ...input, variants: input.variants.map((variant) => ({ ...variant, control: !variant.control })) };
}

/** The same rows from the last to the first. */
export function reordered(input: AnalysisInput): AnalysisInput {
  const width = input.classes.length;
  const scoresOf = (scores: Float64Array): Float64Array =>
    Float64Array.from(input.ids.flatMap((_, row) => [...scores.subarray(row * width, row * width + width)].toReversed())).reverse();
  return {
    ...input,
    ids: input.ids.toReversed(),
    labels: input.labels.toReversed(),
    units: input.units?.toReversed() ?? null,
    variants: input.variants.map((variant) => ({
      ...variant,
      runs: variant.runs.map((run) => ({ ...run, scores: run.scores === null ? null : scoresOf(run.scores) })),
    })),
    ...(input.slices === undefined ? {} : { slices: input.slices.map(({ name, rows }) => ({ name, rows: rows.toReversed() })) }),
    columns:
      input.columns?.map((column) =>
        column.kind === 'number' ? { ...column, values: column.values.toReversed() } : { ...column, values: column.values.toReversed() },
      ) ?? null,
  };
}
