import type { LookDecision, Result, SeriesLook, SeriesRecord, UnitsSeen } from '../../contract';
import { alwaysValidInterval, discordantEProcess, recordLook, spendOverlapping } from '../../stats';
import { type Claim, claimOf } from './claim';

/** The running mean after the units of this look; `units` is null where none was new. */
export interface SequenceStep {
  units: UnitsSeen | null;
  newUnits: number;
}

export interface Look {
  look: SeriesLook;
  ledger: SeriesRecord['ledger'];
}

interface Seen {
  experimentId: string;
  when: string;
  result: Result;
  inputs: string;
  /** Of `new-units`; null in `overlapping`. */
  sequence: SequenceStep | null;
}

/** What one more experiment adds to a series: its look, and the ledger with it. Changes nothing that it is given. */
export function lookAt(record: SeriesRecord, seen: Seen): Look {
  const { result, sequence } = seen;
  const claim = claimOf(result);
  const look = { ...described(record, seen, claim), alert: turned(record.looks.at(-1), result) };
  const nothing = (decision: LookDecision, note: string | null = null): Look => ({
    look: { ...look, decision, note },
    ledger: record.ledger,
  });
  if (record.state !== 'running') return nothing('closed', 'the series had ended before');
  if (record.plan.scheme === 'new-units') return atNewUnits(record, look, result, sequence, nothing);
  if (claim === null) return nothing('undefined', result.verdict.sentence);
  const same = record.looks.find(({ inputs }) => inputs === seen.inputs);
  if (same !== undefined) return nothing('nothing-new', `the same rows and predictions as look ${same.look}`);

  const boundary = spendOverlapping(record.ledger.looks.length + 1, record.plan);
  const { low, high } = claim.at(1 - boundary);
  const confident = { ...look, low, high, confidence: 1 - boundary };
  return paid(record, confident, { ...claim, boundary, information: look.information });
}

/** The ledger takes a claim that is held back as one that shows nothing. */
function paid(
  record: SeriesRecord,
  look: SeriesLook,
  { pValue, points, held, boundary, information }: Pick<Claim, 'pValue' | 'points' | 'held'> & { boundary: number; information: number },
): Look {
  const back = pValue <= boundary && held !== null;
  const ledger = recordLook(record.ledger, { when: look.when, information, pValue: back ? 1 : pValue });
  const entry = ledger.looks.at(-1);
  if (entry === undefined) throw new RangeError('expected the ledger to hold the look it was given');
  const decision = { reject: points, continue: 'continue', 'nothing-new': 'nothing-new' } as const;
  return {
    ledger,
    look: {
      ...look,
      pValue,
      boundary: entry.boundary,
      alphaSpent: entry.alphaSpent,
      cumulativeAlpha: entry.cumulativeAlpha,
      decision: decision[entry.decision],
      note: back ? held : null,
    },
  };
}

/** Units before an estimated variance can be trusted (the documentation of `alwaysValidInterval`). */
const fewestUnits = 50;

function atNewUnits(
  record: SeriesRecord,
  look: SeriesLook,
  result: Result,
  step: SequenceStep | null,
  nothing: (decision: LookDecision, note?: string) => Look,
): Look {
  const comparison = result.comparisons.find(({ role }) => role === 'primary');
  if (result.verdict.outcome === 'invalid' || comparison === undefined || step === null)
    return nothing('undefined', result.verdict.sentence);
  if (step.units === null) return nothing('nothing-new', 'every unit was in a look before');
  const { units, mean, squares, outcomes } = step.units;
  const n = units.length;
  const { test, margin } = record.question;
  const { alpha } = record.plan;
  const variance = n > 1 ? squares / (n - 1) / n : 0;
  const interval = (difference: number) => alwaysValidInterval({ difference, variance, n }, { alpha });
  const bounds = interval(mean);
  const exact = margin === 0 && outcomes !== null ? discordantEProcess(Array.from(outcomes, Number)) : null;
  const shown = { ...look, information: n, sequence: { difference: mean, low: bounds.low, high: bounds.high, e: exact?.e ?? bounds.e } };
  // Nothing is decided on a variance of few units; discordant pairs have none.
  if (n < fewestUnits && exact === null)
    return {
      ledger: record.ledger,
      look: { ...shown, decision: 'continue', note: `${n} of the ${fewestUnits} units that a sequence starts from` },
    };
  const better = record.question.primary === 'log_loss' ? -mean : mean;
  const at = (bound: number): number => exact?.pValue ?? interval(better - bound).pValue;
  const equivalence = test === 'equivalence';
  const bound = test === 'superiority' ? margin : -margin;
  const inside = equivalence && Math.abs(better) < margin;
  const points = equivalence ? (inside ? 'equivalent' : 'keep') : better > bound ? 'adopt' : 'keep';
  const pValue = equivalence ? (inside ? Math.max(at(margin), at(-margin)) : at(Math.sign(better) * margin)) : at(bound);
  return paid(record, shown, { pValue, points, held: heldBack(points, result), boundary: alpha, information: n });
}

/** The sequence may know more than this experiment, but not what its guardrails say; a harmed or open one stops an adoption. */
function heldBack(points: Claim['points'], { verdict, plan }: Result): string | null {
  if (points === 'keep' || plan.guardrails.length === 0 || verdict.outcome === points) return null;
  return verdict.sentence;
}

function described(record: SeriesRecord, { experimentId, when, result, inputs, sequence }: Seen, claim: Claim | null): SeriesLook {
  const comparison = claim?.comparison ?? result.comparisons.find(({ role }) => role === 'primary');
  const drift = result.checks.find(({ name, status }) => name === 'drift' && status !== 'pass');
  const usage = result.variants.flatMap(({ runs }) => runs).map(({ seconds, device }) => (seconds * device.uuids.length) / 3600);
  return {
    look: record.looks.length + 1,
    experimentId,
    when,
    snapshot: result.snapshot.digest,
    verdict: result.verdict.outcome,
    variant: comparison?.variant ?? null,
    metric: result.plan.primary,
    difference: comparison?.difference ?? null,
    low: comparison?.low ?? null,
    high: comparison?.high ?? null,
    confidence: comparison?.confidence ?? null,
    information: comparison?.n ?? 0,
    newUnits: sequence?.newUnits ?? null,
    pValue: claim?.pValue ?? null,
    boundary: null,
    alphaSpent: 0,
    cumulativeAlpha: record.ledger.looks.at(-1)?.cumulativeAlpha ?? 0,
    decision: 'continue',
    note: null,
    sequence: null,
    drift: drift?.detail ?? null,
    alert: null,
    gpuHours: usage.reduce((sum, hours) => sum + hours, 0),
    inputs,
  };
}

function turned(before: SeriesLook | undefined, { verdict }: Result): string | null {
  if (before === undefined || before.verdict === verdict.outcome) return null;
  return `The verdict turned from ${before.verdict} (look ${before.look}, ${before.experimentId}) to ${verdict.outcome}: ${verdict.sentence}`;
}
