import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** One line of a split file. */
export interface SplitRow {
  id: number | string;
  label: string;
  row?: number;
  path?: string;
  unit?: string;
}

export async function readSplit(path: string): Promise<SplitRow[]> {
  const rows: SplitRow[] = [];
  for await (const line of createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY }))
    if (line !== '') rows.push(JSON.parse(line) as SplitRow);
  return rows;
}

/** Readers in other languages end lines at these characters too. */
export const splitLine = (row: SplitRow): string =>
  `${JSON.stringify(row).replace(/[\u0085\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
