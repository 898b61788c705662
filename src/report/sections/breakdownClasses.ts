import type { Breakdown, CalibrationBin, ClassDifference, ConfusionDifference, Result } from '../../contract';
import { calibrationChart } from '../charts/calibration';
import { confusionChart } from '../charts/confusion';
import type { Interval } from '../charts/interval';
import { renderChart } from '../charts/render';
import {
  formatCount,
  formatCountDifference,
  formatDifferenceWithInterval,
  formatMeanCount,
  formatPercent,
  formatPValue,
} from '../formatters';
import { type Html, html } from '../html';
import { differenceCells, differenceColumns, readingCell, scaleOf } from './differenceTable';
import { details, name, table } from './parts';

const drawnClasses = 25;
const drawnCells = 12;
/** Beyond this many classes a number no longer fits into its cell. */
const mapped = 12;

/** What the predictions do class by class: calibration, confusion, F1. */
export async function classBlocks(result: Result, breakdown: Breakdown, id: string): Promise<Html> {
  const calibration = await calibrationFigure(result, breakdown, `${id}-calibration`);
  const confusion = await confusionFigure(result, breakdown, `${id}-confusion`);
  return html`<h3>Scores and confusions</h3><div class="pair">${calibration}${confusion}</div>${classesBlock(breakdown, id)}`;
}

async function calibrationFigure(result: Result, breakdown: Breakdown, id: string): Promise<Html> {
  const { calibration, control, variant } = breakdown;
  const caption = html`<figcaption><strong>Does a score mean what it says?</strong><span class="hint">score of the class predicted against how often it is right · bars: Wilson’s interval · dashed: as it should be · below: where the rows are</span></figcaption>`;
  const bins = [
    ...calibration.control.map((bin) => ({ arm: control, ...bin })),
    ...calibration.variant.map((bin) => ({ arm: variant, ...bin })),
  ];
  if (bins.length === 0) return html`<figure>${caption}<p class="n">No scores to bin.</p></figure>`;
  return html`<figure>${caption}${await renderChart(calibrationChart(result, breakdown, id))}<p class="n">Rows below: ${name(control)} filled, ${name(variant)} outlined. n = ${formatMeanCount(total(calibration.control))} and ${formatMeanCount(total(calibration.variant))} rows, pooled over seeds and averaged over them.</p>${details(
    'Data',
    table(
      `${id}-data`,
      'Calibration by bin',
      [
        { head: 'Arm' },
        { head: 'Score', number: true },
        { head: 'Rows', number: true },
        { head: 'Mean score', number: true },
        { head: 'Right', number: true },
        { head: 'Interval', number: true },
      ],
      bins.map((bin) => [
        html`<span class="name">${name(bin.arm)}</span>`,
        `${formatPercent(bin.from)} to ${formatPercent(bin.to)}`,
        formatMeanCount(bin.rows),
        formatPercent(bin.confidence),
        formatPercent(bin.accuracy),
        `[${formatPercent(bin.low)}, ${formatPercent(bin.high)}]`,
      ]),
    ),
  )}</figure>
`;
}

async function confusionFigure(result: Result, breakdown: Breakdown, id: string): Promise<Html> {
  const { confusion } = breakdown;
  const caption = html`<figcaption><strong>Which confusions came and went?</strong><span class="hint">rows of the variant minus rows of the control, averaged over seeds; on the diagonal more is better, beside it fewer</span></figcaption>`;
  if (confusion.cells.length === 0) return html`<figure>${caption}<p class="n">None: both predict alike.</p></figure>`;
  const { classes } = result.snapshot;
  const map = classes.length <= mapped && distinct(classes) ? await renderChart(confusionChart(breakdown, classes, id)) : null;
  const rest = confusion.cells.slice(drawnCells);
  const first = confusionTable(confusion.cells.slice(0, drawnCells), `${id}-largest`, 'Largest changes');
  const cells = `${formatCount(confusion.differing)} ${confusion.differing === 1 ? 'cell differs' : 'cells differ'}${
    confusion.differing > confusion.cells.length ? `, of which the ${formatCount(confusion.cells.length)} largest are listed` : ''
  }.`;
  return html`<figure>${caption}${map ?? first}<p class="n">n = ${formatCount(result.snapshot.splits.test)} test rows, averaged over seeds. ${cells}${map === null ? null : ' Better, and green: + on the framed diagonal, − beside it; the other way worse, and orange.'}</p>${
    map === null ? null : details('Data', confusionTable(confusion.cells, `${id}-data`, 'Cells that differ, largest change first'))
  }${map === null && rest.length > 0 ? details(`${formatCount(rest.length)} more`, confusionTable(rest, `${id}-rest`, 'Smaller changes')) : null}</figure>
`;
}

const total = (bins: readonly CalibrationBin[]): number => bins.reduce((sum, { rows }) => sum + rows, 0);

const distinct = (names: readonly string[]): boolean => new Set(names).size === names.length;

function confusionTable(cells: ConfusionDifference['cells'], id: string, caption: string): Html {
  return table(
    id,
    caption,
    [
      { head: 'True class' },
      { head: 'Predicted' },
      { head: 'Control', number: true },
      { head: 'Variant', number: true },
      { head: 'Change', number: true },
      { head: 'Reading' },
    ],
    cells.map((cell) => [
      html`<span class="name">${name(cell.label)}</span>`,
      html`<span class="name">${name(cell.prediction)}</span>`,
      formatMeanCount(cell.control),
      formatMeanCount(cell.variant),
      formatCountDifference(cell.variant - cell.control),
      readingOf(cell),
    ]),
  );
}

function readingOf({ label, prediction, control, variant }: ConfusionDifference['cells'][number]): Html {
  const right = label === prediction;
  const more = variant > control;
  const way = right === more ? 'better' : 'worse';
  return html`<span class="way ${way}">${way === 'better' ? '▲' : '▼'} ${more ? 'more' : 'fewer'} ${right ? 'right' : 'errors'}</span>`;
}

function classesBlock({ classes }: Breakdown, id: string): Html {
  const heading = html`<h3>Class by class</h3>`;
  if (classes.length === 0) return html`${heading}<p>No class could be compared.</p>`;
  const told = classes.length <= drawnClasses ? classes : [...classes].sort(byEvidence).slice(0, drawnClasses);
  const rows = told.map((row) => ({ row, interval: { ...row.f1, reading: classReading(row) } satisfies Interval }));
  const scale = scaleOf(
    'f1_macro',
    rows.map(({ interval }) => interval),
  );
  const which = classes.length <= drawnClasses ? '' : ` The ${drawnClasses} of ${formatCount(classes.length)} classes with the smallest p.`;
  return html`${heading}${table(
    `${id}-classes`,
    html`F1 by class. <span class="muted">Exploratory: p adjusted over the classes of 100 rows or more, Benjamini-Hochberg at 0.1; smaller ones are not tested.${which}</span>`,
    [
      { head: 'Class' },
      ...differenceColumns(scale, 'F1'),
      { head: 'Reading' },
      { head: 'adjusted p', number: true },
      { head: 'Rows', number: true },
      { head: 'Control', number: true },
      { head: 'Variant', number: true },
    ],
    rows.map(({ row, interval }) => [
      html`<span class="name">${name(row.class)}</span>`,
      ...differenceCells(scale, interval),
      readingCell(interval.reading),
      row.adjustedPValue === null ? '–' : formatPValue(row.adjustedPValue),
      formatCount(row.rows),
      formatPercent(row.f1.control),
      formatPercent(row.f1.variant),
    ]),
    'wide forest',
  )}${details(classes.length <= drawnClasses ? 'Precision and recall too' : `All ${formatCount(classes.length)} classes, with precision and recall`, allClasses(classes, `${id}-all-classes`))}`;
}

/** By the adjusted p value at 0.1, as slices are read. */
function classReading({ f1, adjustedPValue }: ClassDifference): Interval['reading'] {
  if (adjustedPValue === null) return 'too-small';
  if (adjustedPValue > 0.1 || f1.difference === null || f1.difference === 0) return 'open';
  return f1.difference > 0 ? 'better' : 'worse';
}

const byEvidence = (a: ClassDifference, b: ClassDifference): number => evidence(a) - evidence(b);

const evidence = ({ adjustedPValue, pValue }: ClassDifference): number => (adjustedPValue === null ? 2 : 0) + (pValue ?? 1);

function allClasses(classes: readonly ClassDifference[], id: string): Html {
  return table(
    id,
    'Precision, recall and F1 by class: difference and interval',
    [{ head: 'Class' }, { head: 'Rows', number: true }, ...['Precision', 'Recall', 'F1'].map((head) => ({ head, number: true }))],
    classes.map((row) => [
      html`<span class="name">${name(row.class)}</span>`,
      formatCount(row.rows),
      ...[row.precision, row.recall, row.f1].map(({ difference, low, high }) =>
        formatDifferenceWithInterval('f1_macro', difference, low, high),
      ),
    ]),
  );
}
