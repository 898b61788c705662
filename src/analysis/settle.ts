import type { RegisteredPlan } from '../contract';
import type { Evidence } from './decide';
import { metricSource } from './wording';

/** Beyond this many times the present data an answer is not worth a number. */
const largestFactor = 1000;

/**
 * The rows or seeds at which the interval would leave the margin with 80 % chance, if the difference seen is the true one.
 * Variances of rows and of seeds shrink as 1/rows and 1/seeds.
 */
export function settlement(
  primary: Evidence,
  interval: { estimate: number; low: number; high: number },
  test: RegisteredPlan['test'],
  margin: { size: number; relative: boolean },
): string {
  const units = { predictions: 'test rows', latency: 'requests', run: 'seeds' }[metricSource(primary.metric)];
  const parts = primary.components;
  const seeded = parts !== undefined && parts.seeds > 0;
  const gap = distance(interval.estimate, test, margin.size);
  const half = (interval.high - interval.low) / 2;
  const factor = gap > 0 ? ((half * powerFactor(primary, half, margin.relative)) / gap) ** 2 : Number.POSITIVE_INFINITY;
  if (!(factor < largestFactor))
    return `The difference seen lies so near the margin that no affordable number of ${seeded ? 'rows or seeds' : units} would settle it.`;
  const times = Math.max(factor, 1.05);
  const rows = Math.ceil(primary.n * times);
  if (!seeded) return `About ${rows} ${units} (now ${primary.n}) would settle it.`;

  const wanted = (parts.rows + parts.seeds) / times;
  const options: string[] = [];
  if (wanted > parts.rows)
    options.push(`${Math.ceil((parts.seedCount * parts.seeds) / (wanted - parts.rows))} seeds (now ${parts.seedCount}) at these rows`);
  if (wanted > parts.seeds)
    options.push(`${Math.ceil((primary.n * parts.rows) / (wanted - parts.seeds))} test rows (now ${primary.n}) at these seeds`);
  if (options.length === 0)
    options.push(`${rows} test rows (now ${primary.n}) with ${Math.ceil(parts.seedCount * times)} seeds (now ${parts.seedCount})`);
  return `About ${options.join(', or ')} would settle it.`;
}

/** How far the estimate is from the bound that the interval has to clear. */
function distance(estimate: number, test: RegisteredPlan['test'], margin: number): number {
  switch (test) {
    case 'superiority':
      return Math.abs(estimate - margin);
    case 'non-inferiority':
      return Math.abs(estimate + margin);
    case 'equivalence':
      return Math.abs(margin - Math.abs(estimate));
  }
}

/** Detectable difference over half width: from the comparison, else (1.96 + 0.84) / 1.96. */
function powerFactor(primary: Evidence, half: number, relative: boolean): number {
  if (relative || primary.detectableDifference === null || half === 0) return 1.43;
  return primary.detectableDifference / half;
}
