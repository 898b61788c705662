import type { Discrepancy, Divergence, PredictionStream, ReplayClass, ReplayTolerance, ReplayedRun, StepStream } from '../../contract';
import { causesOf } from './causes';
import type { Predictions, RunStreams } from './streams';
import { runSentence } from './wording';

export type ComparedRun = Pick<
  ReplayedRun,
  'class' | 'sentence' | 'first' | 'beyond' | 'order' | 'loss' | 'checkpoint' | 'predictions' | 'environment' | 'causes'
>;

/**
 * One run against its repetition. Bit-exact: every stream that both recorded is equal. Within tolerance: the rows came in the same order,
 * every loss is close, and so is every score, with the same class. `changed`: what was not run as the record of the original has it.
 */
export function compareRun(
  original: RunStreams,
  replay: RunStreams,
  tolerance: ReplayTolerance,
  changed: readonly Discrepancy[] = [],
): ComparedRun {
  const loss = compareLosses(original.loss, replay.loss, tolerance);
  const order = compareSteps(original.order, replay.order, 'order', !loss.stream.recorded);
  const checkpoint = compareSteps(original.checkpoint, replay.checkpoint, 'checkpoint');
  const predictions = comparePredictions(original.predictions, replay.predictions, tolerance);
  const first = earliest([order.first, loss.first, checkpoint.first, predictions.first]);
  // A digest knows no tolerance: what a state that differs does to the numbers is seen in the losses and predictions.
  const beyond = earliest([order.first, loss.beyond, predictions.beyond]);
  const environment = differences(original.environment, replay.environment);
  const what: ReplayClass = first === null ? 'bit-exact' : beyond === null ? 'within-tolerance' : 'different';
  const compared = {
    ...{ class: what, first, beyond, environment },
    ...{ order: order.stream, loss: loss.stream, checkpoint: checkpoint.stream, predictions: predictions.stream },
  };
  return {
    ...compared,
    sentence: runSentence(compared, tolerance),
    causes: causesOf({ first, changed, environment, start: firstStep(original) }),
  };
}

/** Events come in their order. */
function firstStep({ loss, order }: RunStreams): number {
  const [a = Number.POSITIVE_INFINITY] = loss.keys();
  const [b = Number.POSITIVE_INFINITY] = order.keys();
  return Math.min(a, b);
}

/** A repetition that did not end as the original did. */
export function failedRun(environment: Discrepancy[], message: string, changed: readonly Discrepancy[]): ComparedRun {
  const first: Divergence = { step: null, stream: 'end', original: 'done', replay: message };
  const none: StepStream = { recorded: false, compared: 0, differing: 0 };
  const compared = {
    ...{ class: 'different' as const, first, beyond: first, environment, order: none, loss: { ...none, largest: null }, checkpoint: none },
    predictions: { recorded: false, rows: 0, differing: 0, classes: 0, largest: 0 },
  };
  return {
    ...compared,
    sentence: `different: the original ended well, the replay did not (${message})`,
    causes: causesOf({ first, changed, environment, start: 1 }),
  };
}

/** What both name, with other values. */
export function differences(original: Record<string, unknown>, replay: Record<string, unknown>): Discrepancy[] {
  return Object.keys(original)
    .filter((what) => replay[what] !== undefined && JSON.stringify(original[what]) !== JSON.stringify(replay[what]))
    .sort()
    .map((what) => ({ what, original: plain(original[what]), replay: plain(replay[what]) }));
}

/** Of digests: those at steps that both have, and with `all` also of steps that one of them lacks. Every step has an order; states are looked at now and then. */
function compareSteps(
  original: Map<number, string>,
  replay: Map<number, string>,
  stream: 'order' | 'checkpoint',
  all = false,
): { stream: StepStream; first: Divergence | null } {
  const found: StepStream = { recorded: original.size > 0 && replay.size > 0, compared: 0, differing: 0 };
  let first: Divergence | null = null;
  if (!found.recorded) return { stream: found, first };
  for (const step of new Set([...original.keys(), ...replay.keys()])) {
    const [a, b] = [original.get(step), replay.get(step)];
    const both = a !== undefined && b !== undefined;
    if (!both && !all) continue;
    if (both) found.compared += 1;
    if (a === b) continue;
    found.differing += 1;
    first = earliest([first, { step, stream, original: a ?? noStep, replay: b ?? noStep }]);
  }
  return { stream: found, first };
}

function compareLosses(
  original: RunStreams['loss'],
  replay: RunStreams['loss'],
  { rtol, atol }: ReplayTolerance,
): { stream: ReplayedRun['loss']; first: Divergence | null; beyond: Divergence | null } {
  const found: ReplayedRun['loss'] = { recorded: original.size > 0 && replay.size > 0, compared: 0, differing: 0, largest: null };
  let first: Divergence | null = null;
  let beyond: Divergence | null = null;
  const steps = original.size === 0 && replay.size === 0 ? [] : [...new Set([...original.keys(), ...replay.keys()])].sort((a, b) => a - b);
  for (const step of steps) {
    const [a, b] = [original.get(step), replay.get(step)];
    if (a !== undefined && b !== undefined) found.compared += 1;
    // Zeros of either sign are two bit patterns.
    if (Object.is(a, b)) continue;
    found.differing += 1;
    const here: Divergence = { step, stream: 'loss', original: lossText(a), replay: lossText(b) };
    first ??= here;
    const absolute = typeof a === 'number' && typeof b === 'number' ? Math.abs(b - a) : Number.POSITIVE_INFINITY;
    if (Number.isFinite(absolute) && absolute > (found.largest?.absolute ?? -1)) {
      found.largest = { step, absolute, relative: a ? absolute / Math.abs(a) : null };
    }
    if (!(absolute <= atol + rtol * Math.abs(a ?? 0))) beyond ??= here;
  }
  return { stream: found, first, beyond };
}

function comparePredictions(
  original: Predictions,
  replay: Predictions,
  { scores: bound }: ReplayTolerance,
): { stream: PredictionStream; first: Divergence | null; beyond: Divergence | null } {
  const found: PredictionStream = { recorded: true, rows: 0, differing: 0, classes: 0, largest: 0 };
  const { classes } = original;
  // Mostly both are in the order of the split.
  let places: Map<string, number> | null = null;
  const placeOf = (row: number, id: string): number | undefined => {
    if (String(replay.ids[row]) === id) return row;
    places ??= new Map(Array.from(replay.ids, (each, place) => [String(each), place]));
    return places.get(id);
  };
  let first: Divergence | null = null;
  let beyond: Divergence | null = null;
  for (let row = 0; row < original.ids.length; row++) {
    const id = String(original.ids[row]);
    const other = placeOf(row, id);
    const here = (a: string, b: string): Divergence => ({ step: null, stream: 'predictions', original: `row ${id}: ${a}`, replay: b });
    if (other === undefined || classes !== replay.classes) {
      found.differing += 1;
      first ??= here('predicted', 'not predicted');
      beyond ??= first;
      continue;
    }
    found.rows += 1;
    let largest = 0;
    let bits = false;
    for (let c = 0; c < classes; c++) {
      const [a, b] = [original.scores[row * classes + c] as number, replay.scores[other * classes + c] as number];
      if (Object.is(a, b)) continue;
      bits = true;
      largest = Math.max(largest, Math.abs(b - a));
    }
    if (!bits) continue;
    found.differing += 1;
    found.largest = Math.max(found.largest, largest);
    const [a, b] = [highest(original.scores, row, classes), highest(replay.scores, other, classes)];
    const text = here(scoreText(original.scores, row, classes, a), scoreText(replay.scores, other, classes, b));
    first ??= text;
    if (a !== b) found.classes += 1;
    if (a !== b || !(largest <= bound)) beyond ??= text;
  }
  return { stream: found, first, beyond };
}

/** By step; at one step the stream that the others follow from. What belongs to no step comes after all steps. */
function earliest(found: (Divergence | null)[]): Divergence | null {
  let best: Divergence | null = null;
  for (const each of found) {
    if (each === null) continue;
    if (best === null || (each.step ?? Number.POSITIVE_INFINITY) < (best.step ?? Number.POSITIVE_INFINITY)) best = each;
  }
  return best;
}

/** The lowest index on ties, as everywhere. */
function highest(scores: ArrayLike<number>, row: number, classes: number): number {
  let best = 0;
  for (let c = 1; c < classes; c++) if ((scores[row * classes + c] as number) > (scores[row * classes + best] as number)) best = c;
  return best;
}

const scoreText = (scores: ArrayLike<number>, row: number, classes: number, best: number): string =>
  `class ${best} with ${scores[row * classes + best]}`;

const noStep = 'no such step';

const lossText = (value: number | null | undefined): string =>
  value === undefined ? noStep : value === null ? 'not finite' : Object.is(value, -0) ? '-0' : String(value);

const plain = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
