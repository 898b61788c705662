import { type BootstrapMetric, isLabelMetric } from '../types';
import type { PairedResampler } from './drawing';
import { checkInput, type PairedBootstrapInput } from './input';
import { labelResampler } from './label-resampler';
import { scoreResampler } from './score-resampler';

export type { PairedResampler } from './drawing';

/**
 * The resampler of a metric over rows, or over units where there are any. Label metrics are drawn over the distinct cells (label,
 * predictions), score metrics as a weight a row.
 */
export function pairedResampler(input: PairedBootstrapInput, metric: BootstrapMetric): PairedResampler {
  const checked = checkInput(input, metric);
  return isLabelMetric(metric) ? labelResampler(checked, metric) : scoreResampler(checked, metric);
}
