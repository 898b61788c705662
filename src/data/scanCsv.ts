import { lineBlocks } from './lines';
import { dataInvalid } from './problem';

export interface TextTable {
  columns: string[];
  rows: number;
  /** Where data row `row` (from 0) stands, for messages. */
  place: (row: number) => string;
}

const [newline, carriageReturn, quote, comma] = [10, 13, 34, 44] as const;

/** Reads every byte once, so that a malformed file is refused with its line before any reader guesses. */
export async function scanCsv(path: string, name: string): Promise<TextTable> {
  let columns: string[] | undefined;
  let header: Buffer[] = [];
  let cells = 1;
  let state: 'start' | 'plain' | 'quoted' | 'closed' = 'start';
  let line = 1;
  let recordLine = 1;
  let records = 0;
  let blankLine: number | undefined;
  let afterReturn = false;
  let empty = true;
  let severalLines = false;

  const endRecord = (headerEnd: () => Buffer): void => {
    if (empty) {
      blankLine ??= recordLine;
    } else {
      if (blankLine !== undefined) throw dataInvalid(`${name}, line ${blankLine} is empty. Remove the empty line; every line is one row.`);
      if (columns === undefined) {
        columns = columnNames(Buffer.concat([...header, headerEnd()]).toString('utf8'), name);
        header = [];
      } else if (cells !== columns.length)
        throw dataInvalid(
          `${name}, line ${recordLine}: ${cells} ${cells === 1 ? 'cell' : 'cells'}, expected ${columns.length} as in the header. Put quotes round cells that contain commas, or complete the row.`,
        );
      else records++;
      if (line !== recordLine) severalLines = true;
    }
    cells = 1;
    state = 'start';
    empty = true;
  };

  for await (const block of lineBlocks(path, name)) {
    const { bytes } = block;
    let begin = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf && block.line === 1 ? 3 : 0;
    for (let at = begin; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte === 0) throw dataInvalid(`${name}, line ${line}: a zero byte. This is no CSV text file.`);
      if (state === 'quoted') {
        if (byte === quote) state = 'closed';
        else if (byte === newline) line++;
        continue;
      }
      if (afterReturn && byte !== newline)
        throw dataInvalid(`${name}, line ${line}: a carriage return that does not end the line. Save the file with LF or CRLF line ends.`);
      if (byte === newline) {
        const stop = at;
        endRecord(() => bytes.subarray(begin, stop));
        line++;
        recordLine = line;
        begin = at + 1;
        afterReturn = false;
      } else if (byte === carriageReturn) {
        afterReturn = true;
      } else if (byte === comma) {
        cells++;
        state = 'start';
        empty = false;
      } else if (byte === quote) {
        if (state === 'plain')
          throw dataInvalid(
            `${name}, line ${line}: a quote inside an unquoted cell. Put the whole cell in quotes and double the quote inside.`,
          );
        // A second quote right after the closing one is a quote in the text.
        state = 'quoted';
        empty = false;
      } else {
        if (state === 'closed')
          throw dataInvalid(`${name}, line ${line}: text after the closing quote of a cell. Double the quotes inside a quoted cell.`);
        state = 'plain';
        empty = false;
      }
    }
    if (columns === undefined) header.push(bytes.subarray(begin));
  }
  if (state === 'quoted')
    throw dataInvalid(`${name}, line ${recordLine}: a quote is opened here and never closed. Close it, or complete the truncated file.`);
  if (!empty) endRecord(() => Buffer.alloc(0));
  if (columns === undefined) throw dataInvalid(`${name} is empty; expected a header line and rows.`);
  if (records === 0) throw dataInvalid(`${name} has a header and no rows.`);
  return { columns, rows: records, place: (row) => (severalLines ? `row ${row + 1} after the header` : `line ${row + 2}`) };
}

function columnNames(text: string, name: string): string[] {
  const columns: string[] = [];
  for (const match of text.replace(/\r$/, '').matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g))
    columns.push((match[1]?.replaceAll('""', '"') ?? match[2] ?? '').trim());
  if (columns.length === 1 && /[;\t|]/.test(text)) {
    const found = /[;\t|]/.exec(text)?.[0] === '\t' ? 'tabs' : `"${/[;\t|]/.exec(text)?.[0]}"`;
    throw dataInvalid(`${name}, line 1: the columns are separated by ${found}; expected commas. Save the file with commas.`);
  }
  const unnamed = columns.indexOf('');
  if (unnamed >= 0) throw dataInvalid(`${name}, line 1: column ${unnamed + 1} has no name. Name it in the header, or remove it.`);
  const twice = columns.findIndex((column, i) => columns.indexOf(column) !== i);
  if (twice >= 0)
    throw dataInvalid(
      `${name}, line 1: column "${columns[twice]}" stands there twice (columns ${columns.indexOf(columns[twice] ?? '') + 1} and ${twice + 1}). Rename one.`,
    );
  return columns;
}
