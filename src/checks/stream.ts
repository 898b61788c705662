import { AssayError, assertNever, type StreamFinding } from '../contract';
import { Adwin, calibrateRunLength, changePoint, Ddm, type Detector, PageHinkley } from '../stats';

export interface Stream {
  column: string;
  /** In order of time; rows without a value (NaN) are passed over. For `ddm`: 0 right, 1 wrong. */
  values: ArrayLike<number>;
  /** One a row, as the time column has it. */
  times?: readonly string[];
  /** Rows known to be without change, in order; default: the first half of the values, and the second half is watched. */
  reference?: ArrayLike<number>;
  detector: StreamFinding['detector'];
  /** Mean number of rows to a false alarm. */
  wantedRunLength: number;
  /** Default 1. */
  seed?: number;
}

/** Fewer rows than these tell too little of what is usual. */
const leastReference = 100;
/** Page-Hinkley lets pass a change of the mean up to this many standard deviations of the reference. */
const tolerated = 0.1;

/**
 * Watches a stream with a detector whose threshold gives, on data like the reference, one false alarm in `wantedRunLength` rows: the
 * threshold comes from runs drawn of the reference in blocks, not from a formula that supposes independent rows.
 */
export function detectStream(stream: Stream): StreamFinding {
  const { reference, watched, first } = sides(stream);
  const usual = usualOf(reference);
  const scaled = (x: number): number => (stream.detector === 'ddm' || usual.deviation === 0 ? x : (x - usual.mean) / usual.deviation);
  const base = { column: stream.column, detector: stream.detector, wanted: stream.wantedRunLength };
  if (usual.deviation === 0) return { ...base, ...constantReference(stream, usual.mean, watched, first) };

  const learned = Float64Array.from(reference, ({ value }) => scaled(value));
  const warmUp = Math.min(5_000, learned.length);
  const { threshold, meanRunLength, block, guard } = calibrateRunLength(learned, () => tireless(stream.detector, warmUp), {
    wanted: stream.wantedRunLength,
    seed: stream.seed ?? 1,
    warmUp,
  });
  const detector = tireless(stream.detector, warmUp);
  const seen = Array.from(learned.subarray(learned.length - warmUp));
  let level = threshold;
  for (const [i, x] of seen.entries()) {
    detector.update(x);
    if (i >= warmUp - guard) level = Math.max(level, detector.evidence);
  }
  for (const [i, { row, value }] of watched.entries()) {
    const x = scaled(value);
    seen.push(x);
    detector.update(x);
    if (detector.evidence <= level) continue;
    const { from, to, before, after } = changePoint(seen, { inflation: inflationOf(learned, block) });
    const rowOf = (place: number): number => watched[Math.min(i, Math.max(0, place - warmUp))]?.row ?? row;
    const began = { fromRow: rowOf(from), toRow: rowOf(to) };
    const [was, is] = stream.detector === 'ddm' ? [before, after] : [before, after].map((mean) => usual.mean + mean * usual.deviation);
    return {
      ...base,
      meanRunLength,
      detectedAt: { row, time: timeOf(stream, row) },
      began: { ...began, fromTime: timeOf(stream, began.fromRow), toTime: timeOf(stream, began.toRow) },
      detail: `"${stream.column}" changed: noticed at ${placeOf(stream, row)}, it began ${windowOf(stream, began)}; ${
        stream.detector === 'ddm' ? 'the error rate' : 'the mean'
      } went from ${digits(was)} to ${digits(is)} (${titles[stream.detector]}, one false alarm in ${Math.round(meanRunLength)} rows).`,
    };
  }
  return {
    ...base,
    meanRunLength,
    detectedAt: null,
    began: null,
    detail: `No change of "${stream.column}" in ${watched.length} rows (${titles[stream.detector]}, one false alarm in ${Math.round(meanRunLength)} rows).`,
  };
}

const titles: Record<StreamFinding['detector'], string> = { adwin: 'ADWIN', 'page-hinkley': 'Page-Hinkley', ddm: 'DDM' };

interface Item {
  row: number;
  value: number;
}

function sides(stream: Stream): { reference: Item[]; watched: Item[]; first: number } {
  const { column, values, reference } = stream;
  if (!(Number.isSafeInteger(stream.wantedRunLength) && stream.wantedRunLength >= 10))
    throw new AssayError(
      'DataInvalid',
      `The run length wanted of "${column}" must be a whole number of at least 10 rows, got ${stream.wantedRunLength}.`,
    );
  const half = reference === undefined ? Math.floor(values.length / 2) : 0;
  const all = itemsOf(values, 0);
  const split = reference === undefined ? all.filter(({ row }) => row < half) : itemsOf(reference, 0);
  if (split.length < leastReference)
    throw new AssayError(
      'DataInvalid',
      `The reference of "${column}" has ${split.length} rows with a number, and at least ${leastReference} are needed to know what is usual: name more rows.`,
    );
  if (stream.detector === 'ddm') {
    const other = [...split, ...all].find(({ value }) => value !== 0 && value !== 1);
    if (other !== undefined)
      throw new AssayError(
        'DataInvalid',
        `DDM watches hits and errors: "${column}" must hold 0 (right) and 1 (wrong), got ${other.value} in row ${other.row}. Use adwin for other numbers.`,
      );
  }
  return { reference: split, watched: all.filter(({ row }) => row >= half), first: half };
}

function itemsOf(values: ArrayLike<number>, from: number): Item[] {
  const items: Item[] = [];
  for (let row = from; row < values.length; row++) {
    const value = values[row] ?? Number.NaN;
    if (Number.isFinite(value)) items.push({ row, value });
  }
  return items;
}

function usualOf(reference: readonly Item[]): { mean: number; deviation: number } {
  const mean = reference.reduce((sum, { value }) => sum + value, 0) / reference.length;
  const squares = reference.reduce((sum, { value }) => sum + (value - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / (reference.length - 1));
  return { mean, deviation: deviation > 1e-12 * Math.abs(mean) ? deviation : 0 };
}

/** What never moved needs no threshold: the first other value is the change. */
function constantReference(
  stream: Stream,
  usual: number,
  watched: readonly Item[],
  first: number,
): Pick<StreamFinding, 'meanRunLength' | 'detectedAt' | 'began' | 'detail'> {
  const other = watched.find(({ value }) => Math.abs(value - usual) > 1e-12 * Math.abs(usual));
  const meanRunLength = stream.wantedRunLength;
  if (other === undefined)
    return {
      meanRunLength,
      detectedAt: null,
      began: null,
      detail: `"${stream.column}" is ${digits(usual)} throughout, as in the reference.`,
    };
  const time = timeOf(stream, other.row);
  return {
    meanRunLength,
    detectedAt: { row: other.row, time },
    began: { fromRow: other.row, toRow: other.row, fromTime: time, toTime: time },
    detail: `"${stream.column}" was ${digits(usual)} in all of the reference, and is ${digits(other.value)} at ${placeOf(stream, Math.max(first, other.row))}.`,
  };
}

/** A detector that only gathers evidence and never begins afresh; the threshold is held against it outside. */
function tireless(name: StreamFinding['detector'], warmUp: number): Detector {
  switch (name) {
    case 'adwin':
      return new Adwin({ delta: Number.MIN_VALUE });
    case 'page-hinkley':
      return new PageHinkley({ alpha: 1, delta: tolerated, threshold: Infinity });
    case 'ddm':
      // The least error rate of few rows may be 0, above which everything is an alarm.
      return new Ddm({ warmStart: Math.floor(warmUp / 2), driftThreshold: Infinity });
    default:
      return assertNever(name);
  }
}

/** Variance of a mean over that of independent rows, from means of blocks. */
function inflationOf(values: Float64Array, block: number): number {
  const blocks = Math.floor(values.length / block);
  if (block === 1 || blocks < 4) return 1;
  const means = Array.from({ length: blocks }, (_, b) => usualOf(itemsOf(values.subarray(b * block, (b + 1) * block), 0)).mean);
  const spread = usualOf(itemsOf(means, 0)).deviation;
  const alone = usualOf(itemsOf(values, 0)).deviation;
  return Math.max(1, (spread ** 2 * block) / alone ** 2);
}

const timeOf = ({ times }: Stream, row: number): string | null => times?.[row] ?? null;

function placeOf(stream: Stream, row: number): string {
  const time = timeOf(stream, row);
  return `row ${row}${time === null ? '' : ` (${time})`}`;
}

function windowOf(stream: Stream, { fromRow, toRow }: { fromRow: number; toRow: number }): string {
  if (fromRow === toRow) return `at ${placeOf(stream, fromRow)}`;
  return `between ${placeOf(stream, fromRow)} and ${placeOf(stream, toRow)}`;
}

const digits = (value: number | undefined): string => String(Number((value ?? Number.NaN).toPrecision(4)));
