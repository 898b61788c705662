import type { Check, ColumnProfile, SplitName, SplitProfile } from '../contract';
import { adjustPValues, chiSquareContingency, ksTwoSample } from '../stats';

/** One column of two profiles. `effect`: KS distance of numbers, Cramér's V of categories. */
export interface ColumnFinding {
  column: string;
  effect: number;
  pValue: number;
  /** After Holm over the columns compared. */
  adjustedPValue: number;
}

/** Findings: whether the features of train look like those of test and of validation. */
export function covariateChecks(
  profiles: Record<SplitName, SplitProfile>,
  { alpha, minEffect }: { alpha: number; minEffect: number },
): Check[] {
  return (['test', 'validation'] as const)
    .filter((split) => profiles[split].rows > 0)
    .map((split) =>
      summarise(`covariates-${split}`, `train and ${split}`, compareColumns(profiles.train, profiles[split]), { alpha, minEffect }),
    );
}

/** One check from the findings of all columns: it warns where a difference is both significant and large enough to matter. */
export function summarise(
  name: string,
  between: string,
  findings: ColumnFinding[],
  { alpha, minEffect }: { alpha: number; minEffect: number },
): Check {
  const base = { name, gate: false } as const;
  if (findings.length === 0)
    return { ...base, status: 'pass', statistic: null, pValue: null, detail: `No column that ${between} share can be compared.` };
  const sorted = [...findings].sort((a, b) => a.adjustedPValue - b.adjustedPValue || b.effect - a.effect);
  const differing = sorted.filter(({ adjustedPValue, effect }) => adjustedPValue < alpha && effect >= minEffect);
  const shown = differing[0] ?? sorted[0];
  const told = differing.slice(0, 5).map(({ column, effect }) => `"${column}" (effect ${effect.toFixed(3)})`);
  return {
    ...base,
    status: differing.length > 0 ? 'warn' : 'pass',
    statistic: shown?.effect ?? null,
    pValue: shown?.adjustedPValue ?? null,
    detail:
      differing.length > 0
        ? `${differing.length} of ${findings.length} columns differ between ${between}: ${told.join(', ')}${differing.length > 5 ? ', ...' : ''}.`
        : `None of ${findings.length} columns differs between ${between} by an effect of ${minEffect} or more at ${100 * alpha} % (Holm).`,
  };
}

/** Kolmogorov-Smirnov for numbers, two-sample chi-square for categories; columns of another kind on the other side are left out. */
export function compareColumns(reference: SplitProfile, current: SplitProfile): ColumnFinding[] {
  const others = new Map(current.columns.map((column) => [column.name, column]));
  const raw = reference.columns.flatMap((column) => {
    const other = others.get(column.name);
    const found = other === undefined ? null : compareColumn(column, other);
    return found === null ? [] : [{ column: column.name, ...found }];
  });
  const adjusted = adjustPValues(
    raw.map(({ pValue }) => pValue),
    'holm',
  );
  return raw.map((finding, i) => ({ ...finding, adjustedPValue: adjusted[i] ?? 1 }));
}

function compareColumn(a: ColumnProfile, b: ColumnProfile): { effect: number; pValue: number } | null {
  if (a.kind !== b.kind) return null;
  if (a.kind === 'category') return compareCategories(a, b);
  if (a.sample === undefined || b.sample === undefined) return null;
  const { statistic, pValue } = ksTwoSample(a.sample, b.sample, { method: 'auto' });
  return { effect: statistic, pValue };
}

/** Values with fewer than 10 rows on both sides together are pooled, since chi-square needs expected counts of about 5. */
function compareCategories(a: ColumnProfile, b: ColumnProfile): { effect: number; pValue: number } | null {
  const rows: [number[], number[]] = [[], []];
  let [restA, restB] = [a.otherCount ?? 0, b.otherCount ?? 0];
  for (const value of new Set([...Object.keys(a.counts ?? {}), ...Object.keys(b.counts ?? {})])) {
    const [inA, inB] = [own(a.counts, value), own(b.counts, value)];
    if (inA + inB < 10) {
      restA += inA;
      restB += inB;
    } else {
      rows[0].push(inA);
      rows[1].push(inB);
    }
  }
  if (restA + restB > 0) {
    rows[0].push(restA);
    rows[1].push(restB);
  }
  if (a.count === 0 || b.count === 0 || rows[0].length < 2) return null;
  const { pValue, cramersV } = chiSquareContingency(rows, { correction: false });
  return { effect: cramersV, pValue };
}

const own = (counts: Record<string, number> | undefined, value: string): number =>
  counts !== undefined && Object.hasOwn(counts, value) ? (counts[value] ?? 0) : 0;
