import { AssayError, type MetricName, metricCatalogue, refNames, type SeriesLook, type SeriesRecord } from '../../contract';
import { seriesSummary } from '../../analysis/series';
import { boundsOf, drawn } from '../../report/series/reading';
import type { Store } from '../../store';
import { pc } from '../colours';
import { sessionStore } from '../home';

/** `assay show series/NAME`: the effect over time, with bounds that hold at every look together. */
export async function showSeries(name: string, options: { json?: boolean }): Promise<void> {
  const record = await findSeries(sessionStore(), name);
  process.stdout.write(options.json ? `${JSON.stringify(record, null, 2)}\n` : `${seriesText(record)}\n`);
}

export async function findSeries(store: Store, name: string): Promise<SeriesRecord> {
  const found = await store.refs.get<SeriesRecord>(refNames.series(name));
  if (found !== null) return found.value;
  const prefix = refNames.series('');
  const known = (await store.refs.list(prefix)).map((ref) => ref.slice(prefix.length));
  throw new AssayError('NotFound', `no series "${name}" in ${store.url}; known: ${known.join(', ') || 'none yet'}`);
}

export const verdictWords = (look: SeriesLook): string =>
  `${look.verdict}${look.decision === 'continue' ? '' : ` (series: ${look.decision})`}`;

const plotWidth = 41;
const mostLooks = 40;

/** A line a look: when, the interval drawn to one scale, the numbers, and what it means. */
export function seriesText(record: SeriesRecord, colours: Pick<typeof pc, 'bold' | 'yellow'> = pc): string {
  const { question, plan, looks, alerts } = record;
  const { primary, test, margin, marginRelative, control, candidates } = question;
  const bound = margin === 0 ? '' : `, margin ${marginRelative ? `${margin * 100} %` : margin}`;
  const head = [
    `${colours.bold(record.name)}  ${seriesSummary(record).sentence}`,
    `${metricCatalogue[primary as MetricName].label} of ${candidates.join(', ')} minus ${control}; ${test}${bound}`,
    `${plan.scheme === 'overlapping' ? 'looks may share rows, look k spends 6 alpha / (π² k²)' : 'a running mean over units never seen before'}; alpha ${plan.alpha}, ${short(looks.at(-1)?.cumulativeAlpha ?? 0)} spent`,
  ];
  if (looks.length === 0) return head.join('\n');
  const shown = looks.slice(-mostLooks);
  const marks = scale(shown, [0, ...boundsOf(record)]);
  const width = String(shown.at(-1)?.look ?? 0).length;
  const lines = shown.map((look) => {
    const { difference, low, high } = drawn(look);
    const numbers = difference === null ? 'undefined' : `${signed(difference)} [${signed(low)}, ${signed(high)}]`;
    const p = look.pValue === null ? '' : `p ${short(look.pValue)}${look.boundary === null ? '' : ` / ${short(look.boundary)}`}`;
    return [
      String(look.look).padStart(width),
      look.when.slice(0, 16).replace('T', ' '),
      marks.line(look),
      numbers.padEnd(26),
      p.padEnd(18),
      verdictWords(look),
    ]
      .join('  ')
      .trimEnd();
  });
  const notes = shown.flatMap((look) => [
    ...(look.note === null ? [] : [`look ${look.look}: ${look.note}`]),
    ...(look.drift === null ? [] : [`look ${look.look}: drift: ${look.drift}`]),
  ]);
  const hidden = looks.length - shown.length;
  return [
    ...head,
    '',
    ...(hidden > 0 ? [`${hidden} earlier looks in --json`] : []),
    ...lines,
    `${' '.repeat(width + 20)}${marks.axis}`,
    ...(notes.length > 0 ? ['', ...notes.slice(-8)] : []),
    ...alerts.slice(-3).map(({ sentence }) => colours.yellow(sentence)),
  ].join('\n');
}

/** One scale for all looks: `├─●─┤`, `│` at 0, `┊` at a margin; an arrow where an interval leaves the picture. */
function scale(looks: SeriesLook[], margins: number[]): { line(look: SeriesLook): string; axis: string } {
  const estimates = looks.flatMap((look) => drawn(look).difference ?? []);
  const ends = looks.flatMap((look) => [drawn(look).low, drawn(look).high]).flatMap((end) => end ?? []);
  // A wide first look would leave the others no room: the picture spans what the estimates and most bounds need.
  const sorted = [...ends.map(Math.abs)].sort((a, b) => a - b);
  const most = Math.max(...[...estimates, ...margins].map(Math.abs), sorted[Math.floor(sorted.length * 0.9)] ?? 0) || 1;
  const at = (value: number): number => Math.round(((value + most) / (2 * most)) * (plotWidth - 1));
  const inside = (place: number): number => Math.min(plotWidth - 1, Math.max(0, place));
  return {
    line(look) {
      const cells = Array.from({ length: plotWidth }, () => ' ');
      for (const margin of margins) cells[inside(at(margin))] = margin === 0 ? '│' : '┊';
      const { difference, low, high } = drawn(look);
      if (low !== null && high !== null) {
        const [from, to] = [at(low), at(high)];
        for (let place = inside(from); place <= inside(to); place++) cells[place] = cells[place] === ' ' ? '─' : '┼';
        cells[inside(from)] = from < 0 ? '◂' : '├';
        cells[inside(to)] = to > plotWidth - 1 ? '▸' : '┤';
      }
      if (difference !== null) cells[inside(at(difference))] = '●';
      return cells.join('');
    },
    axis: `${signed(-most)}${'0'.padStart(Math.floor(plotWidth / 2) - signed(-most).length + 1)}${signed(most).padStart(Math.floor(plotWidth / 2))}`,
  };
}

const short = (value: number): string => String(Number(value.toPrecision(2)));
const signed = (value: number | null): string => (value === null ? '-' : `${value > 0 ? '+' : ''}${Number(value.toPrecision(3))}`);
