import { open } from 'node:fs/promises';
import type { Snapshot } from '../contract';
import { longestLineBytes } from './lines';
import { dataInvalid } from './problem';

/** Refuses by its first and last bytes a file that is not what its suffix says: before it is copied, and whatever its size. */
export async function refuseDisguised(path: string, format: Snapshot['format'], name: string): Promise<void> {
  const isText = format === 'csv' || format === 'jsonl';
  const file = await open(path, 'r').catch((error: unknown) => {
    throw dataInvalid(`${path} cannot be read: ${(error as Error).message}`, error);
  });
  try {
    const { size } = await file.stat();
    const read = async (from: number, bytes: number): Promise<Buffer> => {
      const buffer = Buffer.alloc(Math.min(bytes, size));
      return buffer.subarray(0, (await file.read(buffer, 0, buffer.length, Math.max(0, from))).bytesRead);
    };
    const head = await read(0, 512);
    if (head.toString('latin1').startsWith('version https://git-lfs'))
      throw dataInvalid(`${name} is a Git LFS pointer, not the data. Run \`git lfs pull\`.`);
    if (isText) refuseBinary(head, format, name);
    if (isText && size > longestLineBytes && !(await read(0, longestLineBytes + 1)).includes(10))
      throw dataInvalid(`${name}, line 1: longer than 4 MiB. Is this a text file with one row a line?`);
    if (format === 'npz' && path.endsWith('.npz') && !(await read(size - longestDirectoryEnd, longestDirectoryEnd)).includes(directoryEnd))
      throw dataInvalid(
        `${name} cannot be read as .npz: its directory is missing. The file is truncated, or was not written by numpy.savez.`,
      );
  } finally {
    await file.close();
  }
}

/** A ZIP archive ends in this mark, 18 bytes, and a comment of at most 64 KiB. */
const directoryEnd = Buffer.from([0x50, 0x4b, 5, 6]);
const longestDirectoryEnd = 22 + 65_535;

const marks: [begin: number[], what: string, mend: string][] = [
  [[0x1f, 0x8b], 'compressed by gzip', 'Unpack it: `gunzip`'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'compressed by Zstandard', 'Unpack it: `unzstd`'],
  [[0x50, 0x4b, 3, 4], 'a ZIP archive or a spreadsheet', 'Unpack it, or save the sheet as CSV'],
  [[0xd0, 0xcf, 0x11, 0xe0], 'a spreadsheet', 'Save the sheet as CSV'],
  [[0x50, 0x41, 0x52, 0x31], 'a Parquet file', 'Give it the suffix .parquet'],
  [[0x53, 0x51, 0x4c, 0x69, 0x74, 0x65], 'an SQLite database', 'Export the table as CSV'],
  [[0x25, 0x50, 0x44, 0x46], 'a PDF', 'Export the table as CSV'],
];

function refuseBinary(head: Buffer, format: 'csv' | 'jsonl', name: string): void {
  const encoding = wideEncoding(head);
  if (encoding !== null)
    throw dataInvalid(`${name} is ${encoding}; expected UTF-8. Save it as UTF-8, for example with \`iconv -f ${encoding} -t UTF-8\`.`);
  const [, what, mend] = marks.find(([begin]) => head.subarray(0, begin.length).equals(Buffer.from(begin))) ?? [];
  if (what !== undefined) throw dataInvalid(`${name} is ${what}; expected text. ${mend}.`);
  if (format === 'jsonl' && head.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf])))
    throw dataInvalid(`${name} begins with a byte order mark, which JSON has not. Save it as UTF-8 without one.`);
  if (/^\s*<(!doctype|html|\?xml)/i.test(head.toString('latin1')))
    throw dataInvalid(`${name} is an HTML or XML page, perhaps of a login or an error; expected text. Download the data again.`);
}

/** By its byte order mark, or by the zero that every second byte of plain text then is. */
function wideEncoding(head: Buffer): string | null {
  const begins = (...bytes: number[]): boolean => head.subarray(0, bytes.length).equals(Buffer.from(bytes));
  if (begins(0xff, 0xfe, 0, 0) || begins(0, 0, 0xfe, 0xff)) return 'UTF-32';
  if (begins(0xff, 0xfe) || begins(0xfe, 0xff)) return 'UTF-16';
  const start = head.subarray(0, 64);
  const zeros = (odd: number): number => start.filter((byte, at) => at % 2 === odd && byte === 0).length;
  for (const [odd, encoding] of [
    [1, 'UTF-16LE'],
    [0, 'UTF-16BE'],
  ] as const)
    if (start.length >= 8 && zeros(odd) >= start.length / 2 - 2 && zeros(1 - odd) === 0) return encoding;
  return null;
}
