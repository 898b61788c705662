// Proves, on real snapshots: the content of a row is what the data hold, and what cannot be read or shown is null and costs nothing else.
import sharp from 'sharp';
import { rowContents } from '../../src/activities/rowContents';
import { testColumns } from '../../src/activities/testColumns';
import type { Manifest, RowContent, Snapshot } from '../../src/contract';
import type { SplitRow } from '../../src/data';
import { room } from '../data/helpers';
import { removeTemporaryFolders } from '../store/helpers';

afterEach(removeTemporaryFolders);

test('a row of a table has its columns in the order of the file, without label, id and unit', async () => {
  const lines = Array.from(
    { length: 40 },
    (_, i) =>
      `r${i},${i % 2},${i === 3 ? '' : i * 0.5},"a <b>, ${i}",u${i},2026-01-${String((i % 28) + 1).padStart(2, '0')},${'x'.repeat(i === 3 ? 600 : 1)}`,
  );
  const { test, contents } = await read('data.csv', `id,label,size,note,user,day,long\n${lines.join('\n')}\n`, { unit: 'user' });
  const three = test.findIndex(({ id }) => id === 'r3');
  expect(contents.get(three)).toEqual({
    kind: 'columns',
    columns: 4,
    values: [
      ['size', null],
      ['note', 'a <b>, 3'],
      ['day', '2026-01-04T00:00:00.000Z'],
      ['long', 'x'.repeat(500)],
    ],
  });
});

test('a table too large to have been read whole gives the same, by a reading of these rows alone', async () => {
  const lines = Array.from({ length: 40 }, (_, i) => `r${i},${i % 2},${i},${2 * i}`);
  const { deps, snapshot, test, known, contents } = await read('data.csv', `id,label,x,y\n${lines.join('\n')}\n`);
  const some = [5, 0, 5, 2];
  const apart = await rowContents(deps, snapshot, test, { names: known.names, columns: known.columns?.slice(0, 1) ?? null }, some);
  expect([...apart]).toEqual([0, 2, 5].map((at) => [at, contents.get(at)]));
  expect(apart.get(5)).toMatchObject({
    values: [
      ['x', Number(String(test[5]?.id).slice(1))],
      ['y', 2 * Number(String(test[5]?.id).slice(1))],
    ],
  });
});

test('columns that are the pixels of a picture are drawn, and the same columns out of order are not', async () => {
  const pixels = Array.from({ length: 64 }, (_, i) => `p${i}`);
  const line = (i: number): string => `r${i},${i % 2},${pixels.map((_, p) => (p === i % 64 ? 16 : 0)).join(',')}`;
  const lines = Array.from({ length: 40 }, (_, i) => line(i));
  const { test, contents } = await read('data.csv', `id,label,${pixels.join(',')}\n${lines.join('\n')}\n`);
  const content = contents.get(0);
  expect(content).toMatchObject({ kind: 'image', width: 8, height: 8 });
  const bright = Number(String(test[0]?.id).slice(1)) % 64;
  expect(await greyOf(content)).toEqual(pixels.map((_, p) => (p === bright ? 255 : 0)));
  const mixed = [...pixels.slice(1), 'p0'];
  expect((await read('data.csv', `id,label,${mixed.join(',')}\n${lines.join('\n')}\n`)).contents.get(0)).toMatchObject({
    kind: 'columns',
    columns: 64,
  });
});

test('a table of one text column gives the text, cut between two characters', async () => {
  const lines = Array.from({ length: 40 }, (_, i) =>
    JSON.stringify({ id: `r${i}`, label: String(i % 2), text: i < 39 ? `line ${i}` : '🙂'.repeat(2001) }),
  );
  const { test, contents } = await read('data.jsonl', `${lines.join('\n')}\n`, { split: { test: 0.9, validation: 0 } });
  for (const [at, { id }] of test.entries())
    expect(contents.get(at)).toEqual(
      id === 'r39'
        ? { kind: 'text', text: '🙂'.repeat(2000), cut: true }
        : { kind: 'text', text: `line ${String(id).slice(1)}`, cut: false },
    );
});

test('files are shown by what they hold: pictures small, texts cut, and broken, unknown or missing ones not at all', async () => {
  const at = room();
  const picture = await sharp({ create: { width: 300, height: 150, channels: 3, background: '#c25400' } })
    .png()
    .toBuffer();
  const held: Record<string, string | Buffer> = {
    'picture.png': picture,
    'broken.png': picture.subarray(0, 60),
    'note.txt': 'Hello <b>you</b>',
    'long.txt': 'ä'.repeat(5000),
    'noise.bin': Buffer.from([0, 1, 2, 255, 254]),
    'gone.txt': 'no longer there',
  };
  for (const [name, content] of Object.entries(held))
    for (const label of ['a', 'b']) at.write(`data/${label}/${name}`, label === 'a' ? content : `${label} ${name}`);
  for (const label of ['a', 'b']) for (let i = 0; i < 30; i++) at.write(`data/${label}/more-${i}.txt`, `${label} more ${i}`);
  const { ref } = await at.snapshot({ source: 'data', id: undefined });
  const snapshot = await at.store.getJson<Snapshot>(ref);
  const test: SplitRow[] = Object.keys(held).map((name, i) => ({ id: i, label: 'a', path: `a/${name}` }));
  const { files } = await at.store.getJson<Manifest>(snapshot.data);
  const lost = files.map((file) => (file.path === 'a/gone.txt' ? { ...file, digest: `sha256:${'0'.repeat(64)}` } : file));
  snapshot.data = await at.store.putJson({ files: lost });
  const contents = await rowContents(
    { store: at.store, workDir: at.root },
    snapshot,
    test,
    { names: [], columns: null },
    [0, 1, 2, 3, 4, 5],
  );
  const [image, ...others] = [...contents.values()];
  expect(image).toMatchObject({ kind: 'image', width: 300, height: 150 });
  expect(await sharp(bytesOf(image)).metadata()).toMatchObject({ width: 64, height: 32, format: 'png' });
  expect(others).toEqual([
    null,
    { kind: 'text', text: 'Hello <b>you</b>', cut: false },
    { kind: 'text', text: 'ä'.repeat(2000), cut: true },
    null,
    null,
  ]);
});

test('data that are gone leave the rows without content', async () => {
  const lines = Array.from({ length: 40 }, (_, i) => `r${i},${i % 2},${i}`);
  const { deps, snapshot, test, known } = await read('data.csv', `id,label,x\n${lines.join('\n')}\n`);
  snapshot.data = { ...snapshot.data, digest: `sha256:${'0'.repeat(64)}` };
  expect((await rowContents(deps, snapshot, test, { names: known.names, columns: null }, [0, 1])).size).toBe(0);
});

async function read(file: string, content: string, data: Record<string, unknown> = {}) {
  const at = room();
  at.write(file, content);
  const { ref } = await at.snapshot({ source: file, ...data });
  const snapshot = await at.store.getJson<Snapshot>(ref);
  const lines = (await at.store.get(snapshot.splits.test.ref)).toString('utf8').split('\n');
  const test = lines.filter(Boolean).map((line) => JSON.parse(line) as SplitRow);
  const deps = { store: at.store, workDir: at.root };
  const known = await testColumns(deps, snapshot, test);
  const places = test.map((_, i) => i);
  return { deps, snapshot, test, known, contents: await rowContents(deps, snapshot, test, known, places) };
}

const bytesOf = (content: RowContent | null | undefined): Buffer =>
  Buffer.from(content?.kind === 'image' ? content.uri.replace('data:image/png;base64,', '') : '', 'base64');

const greyOf = async (content: RowContent | null | undefined): Promise<number[]> => [
  ...(await sharp(bytesOf(content)).extractChannel(0).raw().toBuffer()),
];
