import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { usageOf } from '../../src/activities/usage';
import type { DisagreementRow, Disagreements, RowContent, TelemetrySample, UsageSeries } from '../../src/contract';

/** Digits of 8 x 8 pixels, as `report.content` keeps them. */
const pictures = {
  three:
    'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAACXBIWXMAAAPoAAAD6AG1e1JrAAAAP0lEQVQI12NgYGC4eyYNSDIo3b17950LiAUkZt5lAIOOd2A5Bpe7d1eBFQHxKpBc+RkXl7tngAzj3XfvnjEGALM5FP3iqHnCAAAAAElFTkSuQmCC',
  nine: 'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAACXBIWXMAAAPoAAAD6AG1e1JrAAAAQElEQVQI12NgYGDouHvGhQFEv3NZdRfEWHWGgeFMB5BRfjd01btykNDMu3ffpTFAwBmQiAuQtxukRmn33XerlAAkkhaEVWhf2QAAAABJRU5ErkJggg==',
};

/** Rows of every kind of content, and of none; the second candidate's answers are those of the control. */
export function fixtureDisagreements(control: string, variant: string, index: number, classes: readonly string[]): Disagreements {
  const rows = index % 2 === 1 ? [] : contents.map((content, i) => row(i, content, classes));
  return { control, variant, of: 359, differing: index % 2 === 1 ? 0 : 12, rows, withContent: true };
}

const image = (name: keyof typeof pictures): RowContent => ({
  ...{ kind: 'image', uri: `data:image/png;base64,${pictures[name]}`, width: 8, height: 8 },
});

const contents: (RowContent | null)[] = [
  image('nine'),
  image('three'),
  { kind: 'text', text: 'Ab <b>here</b> & there: "a <script>" is no script.', cut: false },
  { kind: 'text', text: 'A letter that goes on and on, line after line.\n'.repeat(42), cut: true },
  {
    kind: 'columns',
    values: [
      ['ink', 8.25],
      ['pen', 'nib <i>1</i>'],
      ['slant', null],
    ],
    columns: 3,
  },
  { kind: 'columns', values: Array.from({ length: 256 }, (_, i): [string, number] => [`p${i}`, i % 17]), columns: 400 },
  null,
];

function row(i: number, content: RowContent | null, classes: readonly string[]): DisagreementRow {
  const [label, other] = [classes[(i + 3) % classes.length] ?? '', classes[(i + 8) % classes.length] ?? ''];
  const gap = Number((0.93 - 0.06 * i).toFixed(3));
  return {
    id: `d${String(131 * (i + 1)).padStart(4, '0')}`,
    label,
    control: { class: other, score: Number((0.05 + gap).toFixed(3)), seeds: 5 - (i % 2) },
    variant: { class: label, score: Number((0.99 - 0.02 * i).toFixed(3)), seeds: 5 },
    gap,
    content,
  };
}

/** A device that goes from the recorded idle to the recorded load, at once with memory and clock, slowly with heat; the last run is held down at its end. */
export function fixtureUsage(variant: string, index: number): UsageSeries | null {
  const [idle, load] = recorded();
  const own = ['logistic', 'mlp', 'boosting'].indexOf(variant) + 1;
  const length = 31 + index;
  const lines = Array.from({ length }, (_, second): TelemetrySample => {
    const warm = 1 - Math.exp(-second / 9);
    const held = index === 4 && second >= length - 6;
    const wave = 0.5 + 0.5 * Math.sin((second + 2 * index) * (0.4 + 0.15 * own));
    const state = second < 2 ? idle : load;
    return {
      timestamp: new Date(Date.UTC(2026, 10, 21, 14, 4, second)).toISOString(),
      uuid: `GPU-${variant}-${index}`,
      utilization: state.utilization * (0.4 + 0.12 * own + 0.15 * wave),
      memoryBytes: state.memoryBytes * (0.4 + 0.2 * own),
      smClockMhz: held ? 1410 : state.smClockMhz,
      maxSmClockMhz: 1980,
      powerWatts: idle.powerWatts + (state.powerWatts - idle.powerWatts) * (0.3 + 0.2 * wave),
      temperatureCelsius: Math.round(idle.temperature + (load.temperature - idle.temperature) * (0.7 + 0.1 * own) * warm + index / 2),
      throttled: held ? ['sw_thermal_slowdown'] : [],
    };
  });
  return usageOf(Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join('')));
}

interface Recorded {
  utilization: number;
  memoryBytes: number;
  smClockMhz: number;
  powerWatts: number;
  temperature: number;
}

/** What nvidia-smi said of an H100 when idle and under load. */
function recorded(): [Recorded, Recorded] {
  const [head = '', ...lines] = readFileSync(join(__dirname, '..', 'gpu', 'recorded', 'healthy', 'load.csv'), 'utf8')
    .trim()
    .split('\n');
  const names = head.split(', ').map((name) => name.replace(/ \[.*\]$/, ''));
  const [idle, load] = lines.map((line): Recorded => {
    const cells = line.split(', ');
    const number = (name: string): number => Number.parseFloat(cells[names.indexOf(name)] ?? '');
    return {
      utilization: number('utilization.gpu') / 100,
      memoryBytes: number('memory.used') * 2 ** 20,
      smClockMhz: number('clocks.current.sm'),
      powerWatts: number('power.draw'),
      temperature: number('temperature.gpu'),
    };
  });
  if (idle === undefined || load === undefined) throw new Error('expected an idle and a loaded row in load.csv');
  return [idle, load];
}
