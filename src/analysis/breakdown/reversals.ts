import type { Reversal } from '../../contract';
import { amount, direction, metricLabel } from '../wording';
import type { Frame } from './frame';
import { fewestRows, measure, testable, untested, type Measured } from './measure';
import { rowsWhere } from './slices';
import type { Subject } from './subject';

/** A division of all rows; `within` says its parts as a sentence does. */
interface Parts {
  by: string;
  within: string;
  parts: { name: string; phrase: string; picked: Int32Array }[];
}

/**
 * Simpson's check. `mixed` is held to bounds that are simultaneous (Bonferroni) over all parts of all divisions, or ten columns would always
 * show one. A `reversal` is a matter of signs. It is real for F1, recall and AUC; a mean over rows (accuracy, log loss) lies between its
 * parts, so that there it can only come from parts of under 100 rows.
 */
export function reversals(subject: Subject, frame: Frame): Reversal[] {
  const whole = measure(subject, null).difference;
  if (whole === null || whole === 0) return [];
  const divisions = [classParts(subject, frame), ...sliceParts(frame), ...columnParts(frame)];
  const parts = divisions.reduce((sum, division) => sum + division.parts.filter(({ picked }) => picked.length >= fewestRows).length, 0);
  const confidence = 1 - (1 - subject.confidence) / Math.max(1, parts);
  return divisions.flatMap((division) => judge(subject, division, whole, confidence));
}

function classParts({ rows }: Subject, { classes }: Frame): Parts {
  const counts = new Int32Array(classes.length);
  for (const label of rows.labels) counts[label] = (counts[label] as number) + 1;
  const picked = Array.from(counts, (count) => new Int32Array(count));
  counts.fill(0);
  rows.labels.forEach((label, row) => {
    const at = counts[label] as number;
    (picked[label] as Int32Array)[at] = row;
    counts[label] = at + 1;
  });
  return {
    by: 'class',
    within: 'in every class',
    parts: classes.map((name, c) => ({ name, phrase: `in class ${name}`, picked: picked[c] as Int32Array })),
  };
}

function sliceParts({ slices }: Frame): Parts[] {
  return slices.flatMap(({ name, rows }) =>
    rows === null
      ? []
      : {
          by: name,
          within: `inside and outside of the slice ${name}`,
          parts: [
            { name, phrase: `inside of the slice ${name}`, picked: rowsWhere(rows) },
            { name: `not ${name}`, phrase: `outside of the slice ${name}`, picked: rowsWhere(rows, 0) },
          ],
        },
  );
}

function columnParts({ divisions }: Frame): Parts[] {
  return divisions.map(({ by, of, parts }) => ({
    by,
    within: `for every value of ${by}`,
    parts: parts.map((name, part) => ({ name, phrase: `where ${by} is ${name}`, picked: rowsWhere(of, part) })),
  }));
}

function judge(subject: Subject, { by, within, parts }: Parts, whole: number, confidence: number): Reversal[] {
  const measured = parts.map(({ name, phrase, picked }) => {
    const all = measure(subject, picked, confidence);
    return { name, phrase, ...(testable(all) ? all : untested(all)) };
  });
  const large = measured.filter((part) => part.rows >= fewestRows);
  const turned = large.filter((part) => part.difference !== null && part.difference * whole < 0);
  const shown = large.filter(({ low, high }) => low !== null && high !== null && (whole > 0 ? high < 0 : low > 0));
  const kind = large.length > 1 && turned.length === large.length ? 'reversal' : shown.length > 0 ? 'mixed' : null;
  if (kind === null) return [];
  const overall = `Over all rows ${subject.variant} is ${better(subject, whole)} than ${subject.control} by ${size(subject, whole)}`;
  const sentence =
    kind === 'reversal'
      ? `${overall}, yet it is ${better(subject, -whole)} ${within}${large.length < measured.length ? ` with ${fewestRows} rows or more` : ''}.`
      : `${overall}, but it is ${better(subject, -whole)} ${listed(shown.map((part) => `${part.phrase} (${size(subject, part.difference ?? 0)})`))}.`;
  return [{ by, kind, whole, parts: measured.map(partOf), sentence }];
}

function partOf({ name, rows, difference, low, high }: Measured & { name: string }): Reversal['parts'][number] {
  return { name, rows, difference, low, high };
}

const better = ({ metric }: Subject, difference: number): string => (difference * direction(metric) > 0 ? 'better' : 'worse');

const size = ({ metric }: Subject, difference: number): string => `${amount(metric, Math.abs(difference))} ${metricLabel(metric)}`;

function listed(items: readonly string[]): string {
  const last = items.at(-1) ?? '';
  return items.length < 2 ? last : `${items.slice(0, -1).join(', ')} and ${last}`;
}
