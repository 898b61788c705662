import type { Breakdown, RegisteredPlan } from '../../contract';
import type { Prepared } from '../prepare';
import type { AnalysisInput } from '../types';
import { calibrationOf } from './calibration';
import { classDifferences } from './classes';
import { confusionDifference } from './confusion';
import { dependence } from './dependence';
import { frameOf } from './frame';
import { reversals } from './reversals';
import { sliceDifferences } from './slices';
import { subjectOf } from './subject';
import { weakSlices } from './weakSlices';

/** Where each candidate differs from the control, in the order of the variants: exploratory, and never part of the verdict. */
export function breakdowns(plan: RegisteredPlan, prepared: Prepared, input: AnalysisInput): Breakdown[] {
  const frame = frameOf(plan, prepared.rows, input);
  return prepared.arms
    .filter((arm) => !arm.control)
    .map((variant) => {
      const subject = subjectOf(plan, prepared, variant);
      return {
        control: subject.control,
        variant: subject.variant,
        metric: subject.metric,
        slices: sliceDifferences(subject, frame),
        weakSlices: weakSlices(subject, frame),
        dependence: dependence(subject, frame),
        reversals: reversals(subject, frame),
        calibration: calibrationOf(subject),
        confusion: confusionDifference(subject, frame.classes),
        classes: classDifferences(subject, frame.classes),
      };
    });
}
