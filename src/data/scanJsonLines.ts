import { lineBlocks } from './lines';
import { dataInvalid } from './problem';
import type { TextTable } from './scanCsv';

/** Parses each line once for its place in messages and the names of all columns, in order of first appearance. */
export async function scanJsonLines(path: string, name: string): Promise<TextTable> {
  const columns = new Set<string>();
  let rows = 0;
  let blankLine: number | undefined;
  for await (const { bytes, line: first } of lineBlocks(path, name)) {
    const lines = bytes.toString('utf8').replace(/\n$/, '').split('\n');
    for (const [index, text] of lines.entries()) {
      const line = first + index;
      if (text.trim() === '') {
        blankLine ??= line;
        continue;
      }
      if (blankLine !== undefined) throw dataInvalid(`${name}, line ${blankLine} is empty. Remove the empty line; every line is one row.`);
      for (const key of Object.keys(parseObject(text, name, line))) columns.add(key);
      rows++;
    }
  }
  if (rows === 0) throw dataInvalid(`${name} is empty; expected one JSON object a line.`);
  return { columns: [...columns], rows, place: (row) => `line ${row + 1}` };
}

function parseObject(text: string, name: string, line: number): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw dataInvalid(`${name}, line ${line}: not JSON (${(error as Error).message}). Write one JSON object a line.`, error);
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw dataInvalid(
      `${name}, line ${line}: expected a JSON object, found ${Array.isArray(value) ? 'a list' : String(value).slice(0, 40)}.`,
    );
  return value;
}
