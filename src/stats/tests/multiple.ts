import { checkOneOf, checkProbability } from '../arguments';

const methods = ['bonferroni', 'holm', 'hochberg', 'hommel', 'benjamini-hochberg', 'benjamini-yekutieli'] as const;

/**
 * Adjusted p values in the order given, each at least its own p and at most 1; none for none. Family-wise: `bonferroni`; `holm` (1979), valid
 * wherever Bonferroni is; `hochberg` (1988) and `hommel` (1988), where Simes' inequality holds. False discoveries: `benjamini-hochberg`
 * (1995), under independence or positive dependence; `benjamini-yekutieli` (2001), under any. As R's `p.adjust`.
 */
export function adjustPValues(p: ArrayLike<number>, method: (typeof methods)[number]): number[] {
  checkOneOf('method', method, methods);
  const values = Array.from(p, (value, i) => checkProbability(`p[${i}]`, value));
  const m = values.length;
  if (method === 'bonferroni') return values.map((value) => Math.min(1, value * m));
  if (m <= 1) return values;
  if (method === 'hommel') return hommel(values);
  const order = values.map((_, i) => i).sort((i, j) => values[i]! - values[j]!);
  const sorted = order.map((i) => values[i]!);
  const harmonic = sorted.reduce((sum, _, i) => sum + 1 / (i + 1), 0);
  const adjusted =
    method === 'holm'
      ? runningMaximum(sorted.map((value, i) => value * (m - i)))
      : runningMinimum(
          sorted.map((value, i) => {
            if (method === 'hochberg') return value * (m - i);
            return (value * m * (method === 'benjamini-yekutieli' ? harmonic : 1)) / (i + 1);
          }),
        );
  const result = new Array<number>(m);
  order.forEach((place, i) => {
    result[place] = Math.min(1, adjusted[i]!);
  });
  return result;
}

/** Wright's algorithm (1992), as in R. */
function hommel(values: number[]): number[] {
  const m = values.length;
  const order = values.map((_, i) => i).sort((i, j) => values[i]! - values[j]!);
  const sorted = order.map((i) => values[i]!);
  const start = Math.min(...sorted.map((value, i) => (m * value) / (i + 1)));
  let q = new Array<number>(m).fill(start);
  const adjusted = new Array<number>(m).fill(start);
  for (let size = m - 1; size >= 2; size--) {
    const tailStart = m - size + 1;
    let q1 = Infinity;
    for (let k = 0; k < size - 1; k++) q1 = Math.min(q1, (size * sorted[tailStart + k]!) / (2 + k));
    const head = sorted.slice(0, tailStart).map((value) => Math.min(size * value, q1));
    q = [...head, ...new Array<number>(m - tailStart).fill(head[head.length - 1]!)];
    for (let i = 0; i < m; i++) adjusted[i] = Math.max(adjusted[i]!, q[i]!);
  }
  const result = new Array<number>(m);
  order.forEach((place, i) => {
    result[place] = Math.min(1, Math.max(adjusted[i]!, sorted[i]!));
  });
  return result;
}

function runningMaximum(values: number[]): number[] {
  let most = 0;
  return values.map((value) => (most = Math.max(most, value)));
}

function runningMinimum(values: number[]): number[] {
  let least = Infinity;
  const result = [...values];
  for (let i = values.length - 1; i >= 0; i--) result[i] = least = Math.min(least, values[i]!);
  return result;
}
