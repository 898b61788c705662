import type { TopLevelSpec } from 'vega-lite';
import type { Breakdown } from '../../contract';
import { formatCountDifference, formatMeanCount } from '../formatters';
import type { Chart } from './render';

const smallestCell = 31;

/** Rows that moved, by true class and prediction: the number says how many, the colour whether that is good, its strength how much. */
export function confusionChart({ control, variant, confusion }: Breakdown, classes: readonly string[], id: string): Chart {
  const largest = Math.max(...confusion.cells.map((cell) => Math.abs(cell.variant - cell.control)), 1e-9);
  const cells = confusion.cells.map((cell) => {
    const change = cell.variant - cell.control;
    const good = change > 0 === (cell.label === cell.prediction);
    return {
      label: cell.label,
      prediction: cell.prediction,
      text: inCell(change),
      colour: good ? 'var(--good)' : 'var(--bad)',
      strength: 0.04 + (0.56 * Math.abs(change)) / largest,
      tip: `${cell.label} predicted as ${cell.prediction}: ${formatMeanCount(cell.control)} rows by ${control}, ${formatMeanCount(cell.variant)} by ${variant}`,
    };
  });
  const cellSize = Math.max(smallestCell, ...cells.map(({ text }) => 8 + 6.4 * text.length));
  const domain = { domain: classes, paddingInner: 0.06, paddingOuter: 0 };
  const short = classes.every((label) => label.length <= 3);
  const axis = { domain: false, ticks: false, labelLimit: 90, labelColor: 'var(--ink)' };
  const x = {
    field: 'prediction',
    type: 'nominal',
    scale: domain,
    axis: { ...axis, title: 'predicted', orient: 'top', labelAngle: short ? 0 : -40 },
  };
  const y = { field: 'label', type: 'nominal', scale: domain, axis: { ...axis, title: 'true class' } };
  const grid = classes.flatMap((label) => classes.map((prediction) => ({ label, prediction })));
  const spec = {
    width: classes.length * cellSize,
    height: classes.length * cellSize,
    layer: [
      {
        data: { values: grid },
        mark: { type: 'rect', fill: 'var(--grid)', fillOpacity: 0.55 },
        encoding: { x, y },
      },
      {
        data: { values: classes.map((label) => ({ label, prediction: label })) },
        mark: { type: 'rect', fillOpacity: 0, stroke: 'var(--muted)', strokeWidth: 1.2 },
        encoding: { x, y },
      },
      {
        data: { values: cells },
        mark: { type: 'rect', aria: true },
        encoding: {
          x,
          y,
          fill: { field: 'colour', type: 'nominal', scale: null },
          fillOpacity: { field: 'strength', type: 'quantitative', scale: null },
          description: { field: 'tip' },
        },
      },
      {
        data: { values: cells },
        mark: { type: 'text', fontSize: 11, color: 'var(--ink)' },
        encoding: { x, y, text: { field: 'text', type: 'nominal' } },
      },
    ],
  } as unknown as TopLevelSpec;
  const told = confusion.cells
    .slice(0, 10)
    .map(
      (cell) =>
        `${cell.label} predicted as ${cell.prediction}: ${formatMeanCount(cell.control)} rows by ${control}, ${formatMeanCount(cell.variant)} by ${variant}`,
    );
  return { id, title: `Where the predictions of ${variant} and ${control} differ`, description: `${told.join('; ')}.`, spec };
}

/** A decimal says something of few rows only. */
const inCell = (change: number): string => formatCountDifference(Math.abs(change) < 10 ? change : Math.round(change));
