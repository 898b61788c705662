import type { RegisteredPlan } from '../contract';
import type { BootstrapMetric } from '../stats';
import type { Arm } from './prepare';
import { seedsForAlgorithm } from './types';

/**
 * Whether a comparison answers for training again: the plan asks, seeds suffice, at least one arm is trained at all, and the metric has
 * influence values (the calibration error jumps where a score crosses a bin).
 */
export function answersForAlgorithm(plan: RegisteredPlan, metric: BootstrapMetric, control: Arm, variant: Arm, pairs: number): boolean {
  return plan.question === 'algorithm' && pairs >= seedsForAlgorithm && metric !== 'ece' && !(control.pretrained && variant.pretrained);
}
