import type { Check, ResolvedSpec, SplitName, SplitProfile } from '../contract';
import { checkOf, driftFindings, type Limits, type Side } from './drift';

/** Findings: whether the features of train look like those of test and of validation; but for the time that tells them apart. */
export function covariateChecks(profiles: Record<SplitName, SplitProfile>, limits: Limits, split?: ResolvedSpec['data']['split']): Check[] {
  const time = split !== undefined && 'time' in split ? split.time : null;
  const featuresOf = ({ rows, columns }: SplitProfile): Side => ({ rows, columns: columns.filter(({ name }) => name !== time) });
  return (['test', 'validation'] as const)
    .filter((name) => profiles[name].rows > 0)
    .map((name) => {
      const between = { reference: 'train', current: name };
      const found = driftFindings(featuresOf(profiles.train), featuresOf(profiles[name]), { ...limits, between });
      return checkOf(`covariates-${name}`, found.map(asSplit), { ...limits, between });
    });
}

/** Between splits of one data set the remedy is another split. */
const asSplit = (finding: ReturnType<typeof driftFindings>[number]): ReturnType<typeof driftFindings>[number] => ({
  ...finding,
  mend: `Split again so that "${finding.column}" is alike on both sides: by unit (data.unit), stratified (data.split.stratify), or with more rows. If the splits differ on purpose, as by time, read the metrics as those of the test data alone.`,
});
