import { stripVTControlCharacters } from 'node:util';
import { createColors } from 'picocolors';

/** What others wrote, as one line of text: neither the colours of a trainer nor its control or direction characters reach the terminal. */
export const printable = (text: string): string =>
  stripVTControlCharacters(text)
    .replace(/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .trim();

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
// Two columns, after Unicode's East Asian Width (UAX 11): wide, fullwidth, and emoji that are shown as pictures.
const wide =
  /^(?:\p{Emoji_Presentation}|\p{Emoji}\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\u4dbf\u4e00-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{17000}-\u{18dff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}])/u;
/** Most text, and far quicker. */
const plain = /^[ -~]*$/;
const invisible = /^[\p{Cc}\p{Cf}\p{Mn}\p{Me}]+$/u;

/** Columns of a terminal that the text takes. */
export function displayWidth(text: string): number {
  if (plain.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += widthOf(segment);
  return width;
}

const widthOf = (grapheme: string): number => (invisible.test(grapheme) ? 0 : wide.test(grapheme) ? 2 : 1);

/** At most so many columns of it; what is cut ends with an ellipsis, and no character is cut in two. */
export function cutTo(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  if (columns < 1) return '';
  let [kept, left] = ['', columns - 1];
  for (const { segment } of graphemes.segment(text)) {
    left -= widthOf(segment);
    if (left < 0) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** Cut or filled up to exactly so many columns. */
export function fit(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  const cut = cutTo(text, columns);
  const space = ' '.repeat(Math.max(0, columns - displayWidth(cut)));
  return align === 'left' ? cut + space : space + cut;
}

export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan';

/** A piece of a line; only what is whole gets its colour, so that no code is ever cut. */
export interface Span {
  text: string;
  style?: Style;
}

export interface Line {
  columns: number;
  colour: boolean;
}

/** The pieces one after the other, cut at the terminal's edge. */
export function lineOf(spans: readonly Span[], { columns, colour }: Line): string {
  const colours = createColors(colour);
  let left = columns;
  let line = '';
  for (const [i, { text, style }] of spans.entries()) {
    const follows = spans.slice(i + 1).some((span) => span.text !== '');
    // Where more would follow and has no place, an ellipsis says so.
    const shown = cutTo(follows && displayWidth(text) === left ? `${text}…` : text, left);
    line += style === undefined || shown === '' ? shown : colours[style](shown);
    left -= displayWidth(shown);
    if (shown !== text) break;
  }
  return line;
}

/** Pieces set one after the other with a gap, in as many lines as they need. */
export function flow(items: readonly (readonly Span[])[], gap: number, line: Line): string[] {
  const rows: Span[][] = [];
  let used = 0;
  for (const item of items) {
    const width = item.reduce((sum, { text }) => sum + displayWidth(text), 0);
    const row = rows.at(-1);
    if (row !== undefined && used + gap + width <= line.columns) {
      row.push({ text: ' '.repeat(gap) }, ...item);
      used += gap + width;
    } else {
      rows.push([...item]);
      used = width;
    }
  }
  return rows.map((row) => lineOf(row, line));
}

/** A sentence by its words. */
export const wrap = (text: string, line: Line, style?: Style): string[] =>
  flow(
    text.split(' ').map((word) => [style === undefined ? { text: word } : { text: word, style }]),
    1,
    line,
  );
