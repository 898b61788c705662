import type { Check, RegisteredPlan } from '../contract';
import { type Arm, type ArmRun, pairRuns } from './prepare';

/** Metrics that a slowed device changes, whatever the variant. */
const timeMetrics: readonly string[] = ['training_seconds', 'gpu_hours', 'latency_p50', 'latency_p95', 'throughput'];

/** Below this ratio of clocks, times say more about the cooling than about the variants. */
const leastRatio = 0.9;

/** Why time metrics of this pair of variants are confounded: a device clocked down for thermal or hardware reasons on one side only. */
export function confoundedBy(control: Arm, variant: Arm): string | null {
  const pairs = pairRuns(control, variant).flatMap(
    ({ a, b }) => slowed({ arm: control.name, run: a }, { arm: variant.name, run: b }) ?? [],
  );
  return pairs.length === 0 ? null : pairs.join('; ');
}

export const isTimeMetric = (metric: string): boolean => timeMetrics.includes(metric);

/** A finding; it fails where a metric decides that the clocks confound. Nothing to say without telemetry. */
export function clockChecks(plan: RegisteredPlan, control: Arm, variants: readonly Arm[], wallClockBudget: boolean): Check[] {
  const clocked = [control, ...variants].some((arm) => arm.runs.some((run) => clockOf(run) !== null));
  if (!clocked) return [];
  const found = variants.flatMap((variant) => confoundedBy(control, variant) ?? []);
  const base = { name: 'clocks', gate: false, statistic: found.length, pValue: null };
  if (found.length === 0) {
    return [
      { ...base, status: 'pass', detail: 'No pair of runs has clocks that differ by more than 10 % for thermal or hardware reasons.' },
    ];
  }
  const deciding = [plan.primary, ...plan.guardrails.map(({ metric }) => metric)].filter(
    (metric) => wallClockBudget || isTimeMetric(metric),
  );
  const what = wallClockBudget ? 'Under a wall-clock budget all metrics are' : 'Time metrics are';
  const consequence =
    deciding.length > 0 ? `${[...new Set(deciding)].join(', ')} cannot be decided on` : 'read time metrics with that in mind; none decides';
  return [{ ...base, status: deciding.length > 0 ? 'fail' : 'warn', detail: `${what} confounded: ${found.join('; ')}; ${consequence}.` }];
}

const clockOf = (run: ArmRun): number | null => run.conduct?.telemetry?.smClockMhz ?? null;

interface Named {
  arm: string;
  run: ArmRun;
}

function slowed(a: Named, b: Named): string | null {
  const [x, y] = [clockOf(a.run), clockOf(b.run)];
  if (x === null || y === null || x <= 0 || y <= 0) return null;
  const [slow, fast] = x < y ? [a, b] : [b, a];
  const ratio = Math.min(x, y) / Math.max(x, y);
  const telemetry = slow.run.conduct?.telemetry;
  if (ratio >= leastRatio || telemetry == null || telemetry.throttledShare === 0) return null;
  const reasons = Object.keys(telemetry.throttleReasons).sort().join(', ');
  const said = ({ arm, run }: Named): string => `${arm} seed ${run.seed} at ${Math.round(clockOf(run) ?? 0)} MHz`;
  return `${said(slow)} against ${said(fast)} (ratio ${ratio.toFixed(2)}; ${reasons === '' ? 'throttled' : reasons})`;
}
