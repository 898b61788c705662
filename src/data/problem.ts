import { AssayError } from '../contract';

export const dataInvalid = (message: string, cause?: unknown): AssayError =>
  new AssayError('DataInvalid', message, cause === undefined ? {} : { cause });

const word = (text: string): string => text.toLowerCase().replace(/[\s_-]/g, '');

/** " (did you mean x?)" for the name that shares most with the wanted one, or the names there are. */
export function didYouMean(wanted: string, names: readonly string[]): string {
  const near = names
    .map((name) => ({ name, distance: edits(word(wanted), word(name)) }))
    .filter(({ name, distance }) => distance <= Math.ceil(Math.max(wanted.length, name.length) / 3))
    .sort((a, b) => a.distance - b.distance)[0];
  if (near !== undefined) return `did you mean "${near.name}"?`;
  const shown = names.slice(0, 8).map((name) => `"${name}"`);
  return `the columns are ${shown.join(', ')}${names.length > 8 ? ` and ${names.length - 8} more` : ''}.`;
}

function edits(a: string, b: string): number {
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++)
      row.push(Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)));
    last = row;
  }
  return last[b.length] ?? 0;
}
