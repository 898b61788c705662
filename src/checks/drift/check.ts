import type { Check, DriftFinding } from '../../contract';
import { driftFindings, type Limits } from './findings';
import { settle } from './settle';
import type { Between, Side } from './side';

/** Findings that a check carries, alarms first. */
const shown = 20;

/** Finding: whether the data look like those of another snapshot, column by column and in their classes. */
export function driftCheck(
  reference: Side,
  current: Side,
  limits: Limits & {
    between?: Between;
    /** Tests of all columns together, to be weighed with the rest. */
    multivariate?: readonly DriftFinding[];
  } = { alpha: 0.01, minEffect: 0.05 },
): Check {
  const between = limits.between ?? { reference: 'the previous snapshot', current: 'this one' };
  const found = driftFindings(reference, current, { ...limits, between, timeMoves: true });
  return checkOf('drift', settle([...found, ...(limits.multivariate ?? [])], limits.alpha), { ...limits, between });
}

/** One check from the findings of one comparison; it warns where there is an alarm. */
export function checkOf(
  name: string,
  findings: readonly DriftFinding[],
  { alpha, minEffect, between }: Limits & { between: Between },
): Check {
  const alarms = findings.filter(({ alarm }) => alarm);
  const strongest = alarms.find(({ pValue }) => pValue !== null) ?? findings.find(({ pValue }) => pValue !== null);
  const base = {
    name,
    gate: false,
    statistic: strongest?.effect.value ?? null,
    pValue: strongest?.adjustedPValue ?? null,
    findings: findings.slice(0, shown),
  } as const;
  const columns = new Set(findings.map(({ column }) => column)).size;
  if (columns === 0)
    return { ...base, status: 'pass', detail: `${between.reference} and ${between.current} share no column that can be compared.` };
  if (alarms.length === 0)
    return {
      ...base,
      status: 'pass',
      detail: `None of ${columns} ${columns === 1 ? 'column' : 'columns'} differs between ${between.reference} and ${between.current} by ${minEffect} or more at ${100 * alpha} % (Benjamini-Hochberg over ${findings.length} tests).`,
    };
  const moved = [...new Set(alarms.map(({ column }) => column))];
  const others = moved
    .slice(1, 5)
    .map((column) => `"${column}" (${alarms.find((alarm) => alarm.column === column)?.effect.value.toFixed(3)})`);
  const more = moved.length > 5 ? ` and ${moved.length - 5} more` : '';
  const also = others.length > 0 ? ` Then ${others.join(', ')}${more}.` : '';
  // One remedy a kind of change: they differ in the name of the column alone.
  const kinds = alarms.filter((alarm, i) => alarms.findIndex(({ what }) => what === alarm.what) === i);
  return {
    ...base,
    status: 'warn',
    detail: `${moved.length} of ${columns} columns ${moved.length === 1 ? 'differs' : 'differ'} between ${between.reference} and ${between.current}. ${alarms[0]?.detail ?? ''}${also}`,
    mend: kinds.map(({ mend }) => mend).join(' '),
  };
}
