import type { RegisteredPlan } from '../../contract';
import type { BootstrapMetric } from '../../stats';
import { isPredictionMetric, pairRuns, type Arm, type ArmRun, type Prepared, type Rows } from '../prepare';
import { seedsForAlgorithm } from '../types';

/** One candidate against the control, and by what the two are measured. */
export interface Subject {
  rows: Rows;
  pairs: { a: ArmRun; b: ArmRun }[];
  control: string;
  variant: string;
  metric: BootstrapMetric;
  confidence: number;
  /** Chance is in the seeds too. */
  algorithm: boolean;
}

export function subjectOf(plan: RegisteredPlan, prepared: Prepared, variant: Arm): Subject {
  const { rows, control } = prepared;
  const pairs = rows.n === 0 ? [] : pairRuns(control, variant);
  const metric = isPredictionMetric(plan.primary) ? plan.primary : 'accuracy';
  const trained = !(control.pretrained && variant.pretrained);
  return {
    rows,
    pairs,
    control: control.name,
    variant: variant.name,
    metric,
    confidence: plan.confidence,
    // As for the whole: the calibration error answers for the rows alone.
    algorithm: plan.question === 'algorithm' && pairs.length >= seedsForAlgorithm && trained && metric !== 'ece',
  };
}

/** The runs of one side, each once: a pretrained arm's one run stands in every pair. */
export function runsOf(subject: Subject, side: 'a' | 'b'): ArmRun[] {
  return [...new Set(subject.pairs.map((pair) => pair[side]))];
}
