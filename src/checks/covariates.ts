import type { Check, SplitName, SplitProfile } from '../contract';
import { checkOf, driftFindings, type Limits, type Side } from './drift';

/** Findings: whether the features of train look like those of test and of validation. */
export function covariateChecks(profiles: Record<SplitName, SplitProfile>, limits: Limits): Check[] {
  return (['test', 'validation'] as const)
    .filter((split) => profiles[split].rows > 0)
    .map((split) => {
      const between = { reference: 'train', current: split };
      const found = driftFindings(featuresOf(profiles.train), featuresOf(profiles[split]), { ...limits, between });
      return checkOf(`covariates-${split}`, found.map(asSplit), { ...limits, between });
    });
}

/** Between splits of one data set the remedy is another split. */
const asSplit = (finding: ReturnType<typeof driftFindings>[number]): ReturnType<typeof driftFindings>[number] => ({
  ...finding,
  mend: `Split again so that "${finding.column}" is alike on both sides: by unit (data.unit), stratified (data.split.stratify), or with more rows. If the splits differ on purpose, as by time, read the metrics as those of the test data alone.`,
});

/** Classes have a check of their own. */
const featuresOf = ({ rows, columns }: SplitProfile): Side => ({ rows, columns });
