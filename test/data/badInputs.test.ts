// Every way a data set can be wrong is one clear error that names the place and the mend.
import { mkdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { writeNpy } from '../../src/data';
import { removeTemporaryFolders } from '../store/helpers';
import { csv, parquet, type Room, room, rows } from './helpers';

afterAll(removeTemporaryFolders);

const good = rows(0, 60);
const changed = (index: number, line: string): string => csv(good.map((old, i) => (i === index ? line : old)));
const text =
  (content: string | Buffer, path = 'data.csv') =>
  (at: Room): void =>
    at.write(path, content);
const nothing = (): void => undefined;

/** A file of 1 GB that takes no room: zeros without a line end. */
const sparse =
  (path: string) =>
  (at: Room): void => {
    at.write(path, path.endsWith('.npz') ? 'PK' : '{');
    truncateSync(join(at.root, path), 2 ** 30);
  };

const wide = (cell: (i: number) => string | number): string => Array.from({ length: 10_000 }, (_, i) => cell(i)).join(',');

/** As numpy.save writes an array of Python objects: a header, and a pickle. */
function objectArray(): Buffer {
  const header = writeNpy({ shape: [2], data: Int32Array.of(1, 2) })
    .subarray(0, -8)
    .toString('latin1')
    .replace("'<i4'", "'|O' ");
  return Buffer.from(`${header}\x80\x04\x95`, 'latin1');
}

interface Bad {
  what: string;
  make: (at: Room) => void | Promise<void>;
  data?: Record<string, unknown>;
  more?: Record<string, unknown>;
  message: string | RegExp;
}

const table: Bad[] = [
  {
    what: 'a missing file',
    make: text('', 'other.csv'),
    message: /^data\.source \S+\/data\.csv does not exist\. Its folder has other\.csv\.$/,
  },
  {
    what: 'a file without a known suffix',
    make: text('x', 'data.xls'),
    data: { source: 'data.xls' },
    message: /cannot tell the format of "\.xls"; expected \.csv, \.parquet, \.jsonl, \.npz or a folder of images\.$/,
  },
  { what: 'an empty file', make: text(''), message: 'data.csv is empty (0 bytes). Put the data there, or correct data.source.' },
  { what: 'a file of empty lines', make: text('\n\n'), message: 'data.csv is empty; expected a header line and rows.' },
  { what: 'a header without rows', make: text('id,label,x\n'), message: 'data.csv has a header and no rows.' },
  {
    what: 'a row with a cell too many',
    make: text(changed(4, 'r4,even,1,a,b')),
    message: 'data.csv, line 6: 5 cells, expected 4 as in the header. Put quotes round cells that contain commas, or complete the row.',
  },
  {
    what: 'a file cut off in a row',
    make: text(csv(good).slice(0, -8)),
    message: /^data\.csv, line 61: 2 cells, expected 4 as in the header/,
  },
  {
    what: 'an empty line between rows',
    make: text(changed(9, '')),
    message: 'data.csv, line 11 is empty. Remove the empty line; every line is one row.',
  },
  {
    what: 'a quote that is never closed',
    make: text(changed(2, 'r2,"even,1,a')),
    message: 'data.csv, line 4: a quote is opened here and never closed. Close it, or complete the truncated file.',
  },
  {
    what: 'a quote inside an unquoted cell',
    make: text(changed(2, 'r2,even,5" pipe,a')),
    message: /^data\.csv, line 4: a quote inside an unquoted cell/,
  },
  {
    what: 'text after a closing quote',
    make: text(changed(2, 'r2,"even"x,1,a')),
    message: /^data\.csv, line 4: text after the closing quote of a cell/,
  },
  {
    what: 'Latin-1 text',
    make: text(Buffer.from(changed(0, 'r0,even,1,caf\u00e9'), 'latin1')),
    message: 'data.csv, line 2: byte 29 (0xe9) is not UTF-8. Save the file as UTF-8, for example with `iconv -f latin1 -t utf-8`.',
  },
  { what: 'a zero byte', make: text(changed(3, 'r3,odd,\u0000,a')), message: 'data.csv, line 5: a zero byte. This is no CSV text file.' },
  {
    what: 'columns separated by semicolons',
    make: text('id;label;x\n1;a;2\n'),
    message: 'data.csv, line 1: the columns are separated by ";"; expected commas. Save the file with commas.',
  },
  {
    what: 'a column without a name',
    make: text(`id,label,,kind\n${good.join('\n')}\n`),
    message: /^data\.csv, line 1: column 3 has no name/,
  },
  {
    what: 'a column name twice',
    make: text(`id,label,x,x\n${good.join('\n')}\n`),
    message: 'data.csv, line 1: column "x" stands there twice (columns 3 and 4). Rename one.',
  },
  {
    what: 'a missing label column',
    make: text(csv(good)),
    data: { label: 'lable' },
    message: 'data.csv has no column "lable" (data.label); did you mean "label"?',
  },
  {
    what: 'a missing id column',
    make: text(csv(good)),
    data: { id: 'identity' },
    message: 'data.csv has no column "identity" (data.id); the columns are "id", "label", "x", "kind".',
  },
  {
    what: 'a missing unit column',
    make: text(csv(good)),
    data: { unit: 'kinds' },
    message: 'data.csv has no column "kinds" (data.unit); did you mean "kind"?',
  },
  {
    what: 'an empty label',
    make: text(changed(7, 'r7,,1,a')),
    message: 'data.csv, line 9, column "label": no value. Fill it in, or remove the row.',
  },
  {
    what: 'NaN labels',
    make: text(csv(good.map((line, i) => (i > 57 ? `r${i},NaN,1,a` : line)))),
    message: 'data.csv, line 60, column "label": "NaN", and in 1 more rows. Fill it in, or remove the row.',
  },
  {
    what: 'an empty id',
    make: text(changed(7, ',odd,1,a')),
    message: 'data.csv, line 9, column "id": no value. Fill it in, or remove the row.',
  },
  {
    what: 'an id twice',
    make: text(changed(7, 'r3,odd,1,a')),
    message: 'data.csv: the id "r3" (column "id") stands in line 5 and in line 9. An id names one row: correct it, or leave data.id out.',
  },
  {
    what: 'one class only',
    make: text(csv(good.map((line) => line.replace('odd', 'even')))),
    message: /^data\.csv: every row has the label "even" \(column "label"\)/,
  },
  { what: 'no feature column', make: text('id,label\n1,a\n2,b\n'), message: /^data\.csv has no column beside label, id and unit/ },
  {
    what: 'a class that the test split lacks',
    make: text(changed(0, 'r0,rare,1,a')),
    message: /^data\.csv: the (test|train) split \(\d+ rows\) has no row of class "rare", which has 1 in all/,
  },
  {
    what: 'a split that ends empty',
    make: text(csv(good)),
    data: { split: { test: 0.3, validation: 0.001 } },
    message: /^data\.csv: the validation split is empty\. Enlarge its share/,
  },
  {
    what: 'shares that leave nothing to train on',
    make: text(csv(good)),
    data: { split: { test: 0.6, validation: 0.4 } },
    message: /leave nothing to train on/,
  },
  {
    what: 'a split file that names an unknown id',
    make: (at) => {
      at.write('data.csv', csv(good));
      at.write('a.txt', 'r1\nr2\n');
      at.write('b.txt', 'r3\nr99\n');
    },
    data: { split: { train: 'a.txt', test: 'b.txt' } },
    message: 'data.split.test: the id "r99" is not in data.csv. Correct the list, or the data.',
  },
  {
    what: 'an id in two split files',
    make: (at) => {
      at.write('data.csv', csv(good));
      at.write('a.txt', 'r1\nr2\n');
      at.write('b.txt', 'r2\nr3\n');
    },
    data: { split: { train: 'a.txt', test: 'b.txt' } },
    message: 'data.split: the id "r2" is listed in test and in train. An example belongs to one split.',
  },
  {
    what: 'a missing split file',
    make: text(csv(good)),
    data: { split: { train: 'a.txt', test: 'b.txt' } },
    message: /^data\.split\.train: \S+\/a\.txt does not exist\. It lists the ids of that split\.$/,
  },
  {
    what: 'a line that is not JSON',
    make: text('{"id":1,"label":"a","x":1}\n{"id":2,"label":\n', 'data.jsonl'),
    data: { source: 'data.jsonl' },
    message: /^data\.jsonl, line 2: not JSON \(.*\)\. Write one JSON object a line\.$/,
  },
  {
    what: 'a JSON line that is no object',
    make: text('[1,2]\n', 'data.jsonl'),
    data: { source: 'data.jsonl' },
    message: 'data.jsonl, line 1: expected a JSON object, found a list.',
  },
  {
    what: 'a JSON line without a label',
    make: text('{"id":1,"label":"a","x":1}\n{"id":2,"x":2}\n', 'data.jsonl'),
    data: { source: 'data.jsonl' },
    message: 'data.jsonl, line 2, column "label": no value. Fill it in, or remove the row.',
  },
  {
    what: 'a truncated Parquet file',
    make: async (at) => {
      await parquet(join(at.root, 'data.parquet'), 'SELECT range AS id, range % 2 AS label, random() AS x FROM range(100)');
      truncateSync(join(at.root, 'data.parquet'), 500);
    },
    data: { source: 'data.parquet' },
    message: 'data.parquet is a truncated Parquet file: its end mark is missing after 500 bytes. Copy it again.',
  },
  {
    what: 'a Parquet file that is none',
    make: text('id,label\n', 'data.parquet'),
    data: { source: 'data.parquet' },
    message: 'data.parquet is no Parquet file: it does not begin with PAR1.',
  },
  {
    what: 'an .npz file that is none',
    make: text('not a zip', 'data.npz'),
    data: { source: 'data.npz' },
    message: /^data\.npz cannot be read as \.npz: its directory is missing/,
  },
  {
    what: 'an empty folder',
    make: (at) => {
      mkdirSync(join(at.root, 'images'));
    },
    data: { source: 'images' },
    message: /images is an empty folder; expected one folder a class/,
  },
  {
    what: 'an image outside the class folders',
    make: (at) => {
      at.write('images/a/1.png', 'x');
      at.write('images/2.png', 'x');
    },
    data: { source: 'images' },
    message: 'images/2.png lies in no class folder. Expected images/<class>/<file>; move it into its class, or out of the data.',
  },
  {
    what: 'an empty image',
    make: (at) => at.write('images/a/1.png', ''),
    data: { source: 'images' },
    message: 'images/a/1.png is empty (0 bytes). Copy it again, or remove it.',
  },
  {
    what: 'a UTF-16 file',
    make: text(Buffer.from(`\ufeff${csv(good)}`, 'utf16le')),
    message: 'data.csv is UTF-16; expected UTF-8. Save it as UTF-8, for example with `iconv -f UTF-16 -t UTF-8`.',
  },
  {
    what: 'a UTF-16 file without a byte order mark',
    make: text(Buffer.from(csv(good), 'utf16le').swap16()),
    message: 'data.csv is UTF-16BE; expected UTF-8. Save it as UTF-8, for example with `iconv -f UTF-16BE -t UTF-8`.',
  },
  {
    what: 'line ends of a single carriage return',
    make: text(csv(good).replaceAll('\n', '\r')),
    message: 'data.csv, line 1: a carriage return that does not end the line. Save the file with LF or CRLF line ends.',
  },
  {
    what: 'a compressed file',
    make: text(gzipSync(csv(good))),
    message: 'data.csv is compressed by gzip; expected text. Unpack it: `gunzip`.',
  },
  {
    what: 'a spreadsheet with the suffix of a CSV',
    make: text(Buffer.from('PK\u0003\u0004 and so on', 'latin1')),
    message: 'data.csv is a ZIP archive or a spreadsheet; expected text. Unpack it, or save the sheet as CSV.',
  },
  {
    what: 'the page of an error',
    make: text('<!DOCTYPE html>\n<html><body>403</body></html>\n'),
    message: 'data.csv is an HTML or XML page, perhaps of a login or an error; expected text. Download the data again.',
  },
  {
    what: 'a pointer of Git LFS',
    make: text('version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n', 'data.parquet'),
    data: { source: 'data.parquet' },
    message: 'data.parquet is a Git LFS pointer, not the data. Run `git lfs pull`.',
  },
  {
    what: 'one line of 1 GB',
    make: sparse('data.csv'),
    message: 'data.csv, line 1: longer than 4 MiB. Is this a text file with one row a line?',
  },
  {
    what: 'a line of JSON of 1 GB',
    make: sparse('data.jsonl'),
    data: { source: 'data.jsonl' },
    message: 'data.jsonl, line 1: longer than 4 MiB. Is this a text file with one row a line?',
  },
  {
    what: 'a cell of 5 MB after good rows',
    make: text(`${csv(good)}r99,odd,1,${'x'.repeat(5_000_000)}\n`),
    message: 'data.csv, line 62: longer than 4 MiB. Is this a text file with one row a line?',
  },
  {
    what: '10,000 columns of text',
    make: text(`id,label,${wide((i) => `f${i}`)}\n${good.map((_, row) => `${row},${row % 2},${wide((i) => row * i)}`).join('\n')}\n`),
    message:
      'data.csv needs more than 512 MB to be read: it has too many columns, or too long cells. Keep fewer columns, or write them as one matrix of an .npz.',
  },
  {
    what: 'an id once as a number and once as text',
    make: text(`${good.map((_, i) => JSON.stringify({ id: i === 1 ? '0' : i, label: i % 2, x: i })).join('\n')}\n`, 'data.jsonl'),
    data: { source: 'data.jsonl' },
    message: 'data.jsonl: the id "0" (column "id") stands in line 1 and in line 2. An id names one row: correct it, or leave data.id out.',
  },
  {
    what: 'an id with and without a leading zero',
    make: text(csv(good.map((line, i) => line.replace(/^r\d+/, i === 5 ? '01' : i === 6 ? '1' : String(i + 100))))),
    message:
      'data.csv: the ids "01" in line 7 and "1" in line 8 (column "id") are one number written in two ways. Write ids in one way, or leave data.id out.',
  },
  {
    what: 'a JSON line with NaN',
    make: text('{"id":1,"label":"a","x":NaN}\n', 'data.jsonl'),
    data: { source: 'data.jsonl' },
    message: /^data\.jsonl, line 1: not JSON \(/,
  },
  {
    what: 'JSON with a byte order mark',
    make: text('\ufeff{"id":1,"label":"a","x":1}\n', 'data.jsonl'),
    data: { source: 'data.jsonl' },
    message: 'data.jsonl begins with a byte order mark, which JSON has not. Save it as UTF-8 without one.',
  },
  {
    what: 'a Parquet file without rows',
    make: (at) => parquet(join(at.root, 'data.parquet'), 'SELECT 1 AS id, 2 AS label, 3 AS x WHERE false'),
    data: { source: 'data.parquet' },
    message: 'data.parquet has columns and no rows.',
  },
  {
    what: 'a damaged Parquet file',
    make: async (at) => {
      await parquet(join(at.root, 'data.parquet'), 'SELECT range AS id, range % 2 AS label, random() AS x FROM range(100)');
      const bytes = readFileSync(join(at.root, 'data.parquet'));
      at.write('data.parquet', bytes.fill(0xff, 4, bytes.length - 8));
    },
    data: { source: 'data.parquet' },
    message: /^data\.parquet cannot be read: /,
  },
  {
    what: 'an array of objects',
    make: (at) => at.write('arrays/x.npy', objectArray()),
    data: { source: 'arrays' },
    message: /x(\.npy)? holds \|O; expected floats, integers, booleans or fixed-width text\. Convert it with astype\.$/,
  },
  {
    what: 'arrays of different lengths',
    make: (at) => {
      at.write('arrays/id.npy', writeNpy({ shape: [3], data: Int32Array.of(1, 2, 3) }));
      at.write('arrays/x.npy', writeNpy({ shape: [2], data: Int32Array.of(1, 2) }));
    },
    data: { source: 'arrays' },
    message: 'arrays: array x has 2 rows, the arrays before it 3. Every array needs one entry a row.',
  },
  {
    what: 'arrays that give one column twice',
    make: (at) => {
      at.write('arrays/x.npy', writeNpy({ shape: [2, 2], data: Int32Array.of(1, 2, 3, 4) }));
      at.write('arrays/x0.npy', writeNpy({ shape: [2], data: Int32Array.of(1, 2) }));
    },
    data: { source: 'arrays' },
    message: 'arrays: two arrays give the column "x0". Rename one.',
  },
  {
    what: 'a truncated array',
    make: (at) => at.write('arrays/x.npy', writeNpy({ shape: [100], data: new Float64Array(100) }).subarray(0, 400)),
    data: { source: 'arrays' },
    message: /x\.npy is truncated: shape \(100\) of <f8 needs 800 bytes, found \d+\.$/,
  },
  {
    what: 'an .npz of 1 GB that is none',
    make: sparse('data.npz'),
    data: { source: 'data.npz' },
    message: 'data.npz cannot be read as .npz: its directory is missing. The file is truncated, or was not written by numpy.savez.',
  },
  {
    what: 'a single array',
    make: (at) => at.write('data.npy', writeNpy({ shape: [2], data: Int32Array.of(1, 2) })),
    data: { source: 'data.npy' },
    message: /data\.npy is one array\. Put an array for each column beside it and name the folder, or write one \.npz\.$/,
  },
  {
    what: 'a class folder beside an empty one',
    make: (at) => {
      for (let i = 0; i < 10; i++) at.write(`images/a/${i}.png`, `pixels ${i}`);
      mkdirSync(join(at.root, 'images/b'));
    },
    data: { source: 'images', id: undefined },
    message: 'images: every row has the label "a" (column "label"). A comparison of classifiers needs two classes or more.',
  },
  {
    what: 'a folder of hidden files only',
    make: (at) => at.write('images/a/.1.png', 'x'),
    data: { source: 'images' },
    message: 'images holds no files; expected images/<class>/<file>.',
  },
  {
    what: 'an unknown built-in set',
    make: nothing,
    data: { source: 'builtin:iris' },
    message: 'data.source "builtin:iris" is no built-in set; there is builtin:digits.',
  },
];

test.each(table)('$what is told with its place', async ({ make, data, more, message }) => {
  const at = room();
  await make(at);
  await expect(at.snapshot(data, more)).rejects.toMatchObject({
    type: 'DataInvalid',
    message: typeof message === 'string' ? message : expect.stringMatching(message),
  });
});

test('an address of another kind is refused with what to do instead', async () => {
  await expect(room().snapshot({ source: 'https://host/data.csv' })).rejects.toMatchObject({
    type: 'Unsupported',
    message: expect.stringContaining('Copy the data to a folder'),
  });
});

const accepted: { what: string; content: string; path?: string }[] = [
  { what: 'a byte order mark', content: `\ufeff${csv(good)}` },
  { what: 'line ends of Windows', content: csv(good).replaceAll('\n', '\r\n') },
  {
    what: 'infinity and text among numbers',
    content: csv(good.map((line, i) => (i === 3 ? 'r3,odd,Infinity,a' : i === 4 ? 'r4,even,many,a' : line))),
  },
  {
    what: 'JSON lines with lists, objects and other keys in each line',
    content: good
      .map((_, i) => JSON.stringify({ id: i, label: i % 2 ? 'odd' : 'even', x: { deep: [i] }, [`only${i % 3}`]: [1, 2] }))
      .join('\n'),
    path: 'data.ndjson',
  },
];

test.each(accepted)('$what is read as it stands', async ({ content, path = 'data.csv' }) => {
  const at = room();
  at.write(path, content);
  expect((await at.snapshot({ source: path })).snapshot).toMatchObject({ rows: 60, classes: ['even', 'odd'] });
});
