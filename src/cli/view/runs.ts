import type { RunState, TrainProgress } from '../../contract';
import { formatCount } from '../../report/formatters';
import { type Run, type ViewState, keyOf, messageOf, restartsOf } from './state';
import { type Line, type Span, type Style, displayWidth, fit, lineOf, printable } from './text';
import { roughly } from './times';

/** Busiest first: what is below the terminal's edge is what one need not look at. */
const order: Record<RunState, number> = { training: 0, starting: 1, failed: 2, waiting: 3, cancelled: 4, done: 5 };
const marks: Record<RunState, Span> = {
  training: { text: '▸', style: 'cyan' },
  starting: { text: '▸', style: 'dim' },
  waiting: { text: '·', style: 'dim' },
  done: { text: '✓', style: 'green' },
  failed: { text: '✗', style: 'red' },
  cancelled: { text: '–', style: 'yellow' },
};
const widestName = 28;
const gap = '  ';

/** In the order in which they are shown. */
export const busiestFirst = (runs: readonly Run[]): Run[] => [...runs].sort((a, b) => order[a.state] - order[b.state]);

/** A line a run, at most `rows` in all; the last says what has no place. */
export function runLines(state: ViewState, size: Line, rows: number): string[] {
  const sorted = busiestFirst(state.progress?.runs ?? []);
  const titled = sorted.some((run) => isTraining(state, run)) && rows > 3;
  const room = rows - (titled ? 1 : 0);
  const shown = sorted.slice(0, sorted.length > room ? Math.max(0, room - 1) : room);
  const hidden = sorted.slice(shown.length);
  const table = layout(
    shown.map((run) => printable(keyOf(run))),
    shown.flatMap((run) => numbersOf(state, run) ?? []),
    size.columns,
  );
  return [
    ...(titled ? [lineOf(titles(table), size)] : []),
    ...shown.map((run) => lineOf([marks[run.state], { text: ' ' }, ...spansOf(state, run, table)], size)),
    ...(hidden.length > 0 ? [lineOf([{ text: more(hidden, shown.length > 0), style: 'dim' }], size)] : []),
  ];
}

/** `… and 12 more: 3 failed, 9 waiting`. */
function more(hidden: readonly Run[], others: boolean): string {
  const counts = (Object.keys(order) as RunState[]).flatMap((state) => {
    const count = hidden.filter((run) => run.state === state).length;
    return count === 0 ? [] : [`${count} ${state}`];
  });
  return `… ${others ? 'and ' : ''}${hidden.length} ${others ? 'more' : 'runs'}: ${counts.join(', ')}`;
}

function spansOf(state: ViewState, run: Run, table: Table): Span[] {
  const name: Span = { text: fit(printable(keyOf(run)), table.name) };
  const numbers = numbersOf(state, run);
  if (numbers === null) {
    const { text, style } = wordsOf(state, run);
    return [name, { text: `${gap}${run.state}` }, { text: text === '' ? '' : `${gap}${text}`, ...(style ? { style } : {}) }];
  }
  return [
    name,
    ...table.columns.map(({ key, width, align }): Span => ({ text: `${gap}${fit(numbers[key], width, align)}` })),
    { text: numbers.note === '' ? '' : `${gap}${numbers.note}`, style: 'yellow' },
  ];
}

const isTraining = ({ trainers }: ViewState, run: Run): boolean => run.state === 'training' && trainers.has(keyOf(run));

interface Numbers {
  step: string;
  loss: string;
  rate: string;
  device: string;
  left: string;
  note: string;
}

/** Null where no trainer tells any. */
function numbersOf(state: ViewState, run: Run): Numbers | null {
  const now = isTraining(state, run) ? state.trainers.get(keyOf(run)) : undefined;
  if (now === undefined) return null;
  const { step, totalSteps, loss, throughput, secondsLeft, device } = now;
  return {
    step:
      now.phase === 'training' && step > 0 ? `${formatCount(step)}${totalSteps === null ? '' : `/${formatCount(totalSteps)}`}` : now.phase,
    loss: loss === null ? '' : loss.toPrecision(3),
    rate: throughput === null ? '' : `${formatCount(throughput)}/s`,
    device: printable([now.host, device].filter((part) => part !== undefined && part !== '').join(' ')),
    left: secondsLeft === null || secondsLeft < 1 ? '' : roughly(secondsLeft),
    note: notesOf(now, run),
  };
}

function notesOf(now: TrainProgress, run: Run): string {
  const restarts = restartsOf({ epoch: Math.max(run.epoch, now.epoch), message: run.message });
  return [restarts, messageOf(now.message)].filter((part) => part !== '').join('; ');
}

/** Of a run that computes nothing now: why, or where it was. */
function wordsOf({ places }: ViewState, run: Run): { text: string; style?: Style } {
  const host = run.host === null ? '' : `on ${printable(run.host)}`;
  const message = run.message === null ? '' : messageOf(run.message);
  const join = (...parts: string[]): string => parts.filter((part) => part !== '').join(', ');
  switch (run.state) {
    case 'failed':
      return { text: join(host, message), style: 'red' };
    case 'done':
      return { text: join(host, restartsOf({ ...run, message: null })), style: 'dim' };
    case 'cancelled':
      return { text: message, style: 'yellow' };
    default:
      return { text: join(host, restartsOf(run), places.get(keyOf(run)) ?? ''), style: 'dim' };
  }
}

interface Column {
  key: Exclude<keyof Numbers, 'note'>;
  title: string;
  align: 'left' | 'right';
}

const columns: readonly Column[] = [
  { key: 'step', title: 'step', align: 'right' },
  { key: 'loss', title: 'loss', align: 'right' },
  { key: 'rate', title: 'samples', align: 'right' },
  { key: 'device', title: 'device', align: 'left' },
  { key: 'left', title: 'left', align: 'right' },
];
/** What goes first where not all has a place. */
const dispensable = ['rate', 'device', 'loss', 'left'] as const;
const shortestDevice = 12;
const shortestNote = 10;

interface Table {
  name: number;
  columns: (Column & { width: number })[];
}

/** Widths for the terminal: names and devices are shortened first, then columns left out, the step never. */
function layout(names: readonly string[], rows: readonly Numbers[], all: number): Table {
  const natural = (texts: readonly string[]): number => Math.max(0, ...texts.map(displayWidth));
  const name = Math.min(natural(names), widestName, Math.max(6, Math.floor(all / 3)));
  let shown = columns
    .filter(({ key }) => rows.some((row) => row[key] !== ''))
    .map((column) => ({ ...column, width: natural([column.title, ...rows.map((row) => row[column.key])]) }));
  const note = Math.min(shortestNote, natural(rows.map((row) => row.note)));
  const missing = (): number =>
    2 + name + shown.reduce((sum, { width }) => sum + gap.length + width, 0) + (note > 0 ? gap.length + note : 0) - all;
  shown = shown.map((column) =>
    column.key === 'device'
      ? { ...column, width: Math.max(Math.min(column.width, shortestDevice), column.width - Math.max(0, missing())) }
      : column,
  );
  for (const key of dispensable) if (missing() > 0) shown = shown.filter((column) => column.key !== key);
  return { name, columns: shown };
}

function titles({ name, columns: shown }: Table): Span[] {
  const text = ['  ', fit('run', name), ...shown.map(({ title, width, align }) => `${gap}${fit(title, width, align)}`)].join('');
  return [{ text, style: 'dim' }];
}
