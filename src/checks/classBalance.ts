import type { Check, SplitName, SplitProfile } from '../contract';
import { splitNames } from '../contract';
import { chiSquareContingency } from '../stats';

/** Finding: whether the classes are as common in every split. Small differences are told only where they also matter in size. */
export function classBalanceCheck(
  profiles: Record<SplitName, SplitProfile>,
  { alpha, minEffect }: { alpha: number; minEffect: number },
): Check {
  const splits = splitNames.filter((split) => profiles[split].rows > 0);
  const classes = [...new Set(splits.flatMap((split) => Object.keys(profiles[split].classes)))].sort();
  const base = { name: 'class-balance', gate: false } as const;
  if (splits.length < 2 || classes.length < 2)
    return { ...base, status: 'pass', statistic: null, pValue: null, detail: 'Fewer than two splits or classes: nothing to compare.' };
  const { pValue, cramersV } = chiSquareContingency(
    splits.map((split) => classes.map((label) => profiles[split].classes[label] ?? 0)),
    { correction: false },
  );
  const differs = pValue < alpha && cramersV >= minEffect;
  const share = (split: SplitName, label: string): number => (profiles[split].classes[label] ?? 0) / profiles[split].rows;
  const spread = classes
    .map((label) => {
      const shares = splits.map((split) => share(split, label));
      return { label, gap: Math.max(...shares) - Math.min(...shares) };
    })
    .reduce((widest, each) => (each.gap > widest.gap ? each : widest));
  const widest = `the widest gap is ${(100 * spread.gap).toFixed(1)} points, for class "${spread.label}"`;
  return {
    ...base,
    ...(differs
      ? {
          mend: 'Split with data.split.stratify, or with more rows; where the splits differ on purpose, read the metrics as those of the test data.',
        }
      : {}),
    status: differs ? 'warn' : 'pass',
    statistic: cramersV,
    pValue,
    detail: differs
      ? `The classes are not equally common in the splits (Cramér's V ${cramersV.toFixed(3)}): ${widest}.`
      : `The classes are as common in every split as chance allows; ${widest}.`,
  };
}
