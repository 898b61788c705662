import type { DriftFinding, DriftReport, StreamFinding } from '../../contract';
import { driftFindings, type Limits } from './findings';
import { settle } from './settle';
import type { Side } from './side';

/** A distance of distributions, from 0 to 1, that ought not to go unnoticed without a word. */
const hidden = 0.3;

export interface NamedSide {
  name: string;
  digest: string | null;
  profile: Side;
}

/** The comparison of two data sets, or of the predictions on them, as `assay drift` tells it. */
export function driftReport({
  reference,
  current,
  alpha,
  minEffect,
  predictions = false,
  multivariate = [],
  stream = [],
}: Limits & {
  reference: NamedSide;
  current: NamedSide;
  /** The profiles are of predictions. */
  predictions?: boolean;
  /** Tests of all columns together, weighed with the rest. */
  multivariate?: readonly DriftFinding[];
  stream?: StreamFinding[];
}): DriftReport {
  const between = { reference: reference.name, current: current.name };
  const found = driftFindings(reference.profile, current.profile, { alpha, minEffect, between, predictions, timeMoves: true });
  const findings = settle([...found, ...multivariate], alpha);
  const alarms = findings.filter(({ alarm }) => alarm);
  const noticed = stream.filter(({ detectedAt }) => detectedAt !== null);
  return {
    schema: 'assay.drift/1',
    reference: { name: reference.name, digest: reference.digest, rows: reference.profile.rows },
    current: { name: current.name, digest: current.digest, rows: current.profile.rows },
    alpha,
    minEffect,
    correction: 'benjamini-hochberg',
    alarms: alarms.length,
    sentence: [
      sentence(findings, alarms, between),
      ...(alarms.length === 0 ? tooFew(reference, current, alpha) : []),
      ...noticed.map(({ detail }) => detail),
    ].join(' '),
    findings,
    stream,
  };
}

/** What is worth saying where so few rows would hide most changes: the distance from which on one test alone may have an alarm. */
function tooFew(reference: NamedSide, current: NamedSide, alpha: number): string[] {
  const [n, m] = [reference.profile.rows, current.profile.rows];
  const noticeable = Math.sqrt((-Math.log(alpha / 2) / 2) * (1 / n + 1 / m));
  if (noticeable < hidden) return [];
  const what =
    noticeable < 1
      ? `only changes of ${noticeable.toFixed(2)} or more (of 1) could be noticed`
      : 'no change of a distribution could be noticed';
  return [`With ${n} and ${m} rows ${what}: compare more.`];
}

function sentence(
  findings: readonly DriftFinding[],
  alarms: readonly DriftFinding[],
  between: { reference: string; current: string },
): string {
  const columns = new Set(findings.map(({ column }) => column)).size;
  if (columns === 0) return `${between.reference} and ${between.current} share no column that can be compared.`;
  const moved = [...new Set(alarms.map(({ column }) => column))];
  if (moved.length === 0)
    return `${between.current} is like ${between.reference}: none of ${columns} ${columns === 1 ? 'column' : 'columns'} changed by an amount that matters.`;
  const named = moved.slice(0, 5).map((column) => `"${column}"`);
  return `${between.current} is not like ${between.reference}: ${moved.length} of ${columns} columns changed (${named.join(', ')}${moved.length > 5 ? `, and ${moved.length - 5} more` : ''}).`;
}
