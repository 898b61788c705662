import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { dataInvalid } from './problem';

export const longestLineBytes = 4 * 1024 * 1024;

/** Whole lines of a UTF-8 file in blocks of some 64 KB; `line` is the number of the block's first line, from 1. */
export async function* lineBlocks(path: string, name: string): AsyncGenerator<{ bytes: Buffer; line: number }> {
  let carry: Buffer[] = [];
  let carried = 0;
  let line = 1;
  let offset = 0;
  const check = (bytes: Buffer): { bytes: Buffer; line: number } => {
    if (!isUtf8(bytes)) throw notUtf8(bytes, name, line, offset);
    const block = { bytes, line };
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) line++;
    offset += bytes.length;
    return block;
  };
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    const end = chunk.lastIndexOf(10) + 1;
    if (end > 0) {
      yield check(Buffer.concat([...carry, chunk.subarray(0, end)]));
      carry = [];
      carried = 0;
    }
    const rest = chunk.subarray(end);
    carry.push(rest);
    carried += rest.length;
    if (carried > longestLineBytes) throw dataInvalid(`${name}, line ${line}: longer than 4 MiB. Is this a text file with one row a line?`);
  }
  if (carried > 0) yield check(Buffer.concat(carry));
}

function notUtf8(bytes: Buffer, name: string, firstLine: number, offset: number): Error {
  let start = 0;
  for (let line = firstLine; ; line++) {
    const end = bytes.indexOf(10, start) < 0 ? bytes.length : bytes.indexOf(10, start) + 1;
    const text = bytes.subarray(start, end);
    if (!isUtf8(text)) {
      let good = 0;
      // The longest valid prefix ends before the first bad byte, up to an unfinished character.
      for (let length = 1; length <= text.length; length++) if (isUtf8(text.subarray(0, length))) good = length;
      const value = text[good]?.toString(16).padStart(2, '0');
      return dataInvalid(
        `${name}, line ${line}: byte ${offset + start + good} (0x${value}) is not UTF-8. Save the file as UTF-8, for example with \`iconv -f latin1 -t utf-8\`.`,
      );
    }
    start = end;
  }
}
