// Every way a data set can be wrong is one clear error that names the place and the mend.
import { mkdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { openSource, storeSource } from '../../src/data/source';
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

test('a remote address is refused with what to do instead', async () => {
  await expect(room().snapshot({ source: 's3://bucket/data.csv' })).rejects.toMatchObject({
    type: 'Unsupported',
    message: expect.stringContaining('Copy the data to a folder'),
  });
});

test('a file that grows while it is stored is read again, and refused where it grows again', async () => {
  const at = room();
  at.write('data.csv', csv(good));
  const path = join(at.root, 'data.csv');
  let left = 1;
  const store = { ...at.store, putFile: (file: string, type: string) => growing(file, type) };
  const growing = async (file: string, type: string): ReturnType<typeof at.store.putFile> => {
    const ref = await at.store.putFile(file, type);
    if (left-- > 0 && file === path) at.write('data.csv', `${readFileSync(path, 'utf8')}${rows(60 + left, 61 + left)[0]}\n`);
    return ref;
  };
  const source = await openSource(at.spec(), at.root, undefined);
  const bound = Object.assign(Object.create(at.store), { putFile: store.putFile, putJson: at.store.putJson.bind(at.store) });
  const settled = await storeSource(source, bound, nothing);
  const manifest = await at.store.getJson<{ files: { size: number }[] }>(settled);
  expect(manifest.files[0]?.size).toBe(readFileSync(path).length);
  left = 2;
  await expect(storeSource(source, bound, nothing)).rejects.toMatchObject({
    type: 'DataInvalid',
    message: expect.stringContaining('data.csv changed while it was read, twice'),
  });
});
