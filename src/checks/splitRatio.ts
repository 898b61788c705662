import type { Check, SplitName } from '../contract';
import { splitNames } from '../contract';
import { sampleRatio } from '../stats';

/** Deviations of a split's share under 1 % of what was declared never matter. */
const minDeviation = 0.01;

/** Gate. Units in each split against the declared shares; null shares mean that files or a time name the splits. */
export function splitRatioCheck(units: Record<SplitName, number>, shares: Record<SplitName, number> | null, alpha: number): Check {
  const base = { name: 'sample-ratio', gate: true } as const;
  if (shares === null)
    return { ...base, status: 'pass', statistic: null, pValue: null, detail: 'Files or a time name the splits; no shares were declared.' };
  const leaked = splitNames.find((split) => shares[split] <= 0 && units[split] > 0);
  if (leaked !== undefined)
    return {
      ...base,
      status: 'fail',
      statistic: null,
      pValue: 0,
      detail: `${units[leaked]} units lie in ${leaked}, whose declared share is 0.`,
      mend: 'Take the snapshot again: its splits are not those that the spec declares.',
    };
  const used = splitNames.filter((split) => shares[split] > 0);
  const total = used.reduce((sum, split) => sum + units[split], 0);
  const weight = used.reduce((sum, split) => sum + shares[split], 0);
  const { statistic, pValue, status, maxDeviation } = sampleRatio(
    used.map((split) => units[split]),
    used.map((split) => shares[split]),
    { alpha, minDeviation },
  );
  const told = used.map(
    (split) => `${split} ${((100 * units[split]) / total).toFixed(1)} % (declared ${((100 * shares[split]) / weight).toFixed(1)} %)`,
  );
  return {
    ...base,
    status,
    statistic,
    pValue,
    ...(status === 'fail' ? { mend: 'Look for units that were lost or counted twice.' } : {}),
    detail:
      status === 'fail'
        ? `The splits are not of the declared sizes: ${told.join(', ')}; off by up to ${(100 * maxDeviation).toFixed(1)} %.`
        : `The splits are of the declared sizes: ${told.join(', ')}.`,
  };
}
