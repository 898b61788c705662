import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { diffSnapshots, snapshotData, writeNpy } from '../../src/data';
import type { SnapshotDiff } from '../../src/contract';
import { removeTemporaryFolders } from '../store/helpers';
import { csv, parquet, type Room, room, rows } from './helpers';

afterAll(removeTemporaryFolders);

const take = async (at: Room, source: string): Promise<string> =>
  (await snapshotData({ source, root: at.root, store: at.store, workDir: join(at.root, 'work') })).digest;

const diff = async (at: Room, from: string, to: string, id?: string): Promise<SnapshotDiff> =>
  await diffSnapshots(at.store, from, to, { workDir: join(at.root, 'work'), id });

test('files are added, removed and changed, by content or by mode', async () => {
  const at = room();
  for (const name of ['a/1', 'a/2', 'b/3', 'b/4']) at.write(`set/${name}`, name);
  const before = await take(at, 'set');
  at.write('set/a/1', 'other');
  at.write('set/c/5', 'new');
  rmSync(join(at.root, 'set/b/3'));
  chmodSync(join(at.root, 'set/b/4'), 0o755);
  const after = await take(at, 'set');
  expect(await diff(at, before, after)).toEqual({
    from: before,
    to: after,
    files: { added: ['c/5'], removed: ['b/3'], changed: ['a/1', 'b/4'], unchanged: 1 },
    rows: null,
    schema: { added: [], removed: [], changed: [] },
  });
  expect((await diff(at, after, after)).files).toEqual({ added: [], removed: [], changed: [], unchanged: 4 });
});

test('rows are compared by id where one is named', async () => {
  const at = room();
  const lines = rows(0, 50);
  at.write('data.csv', csv(lines));
  const before = await take(at, 'data.csv');
  at.write('data.csv', csv([...lines.slice(2, 49).reverse(), 'r49,odd,0,c', 'r50,even,1,a', 'r51,odd,1,b', 'r52,odd,1,b']));
  const after = await take(at, 'data.csv');
  const found = await diff(at, before, after, 'id');
  expect(found.rows).toEqual({
    added: 3,
    removed: 2,
    changed: 1,
    unchanged: 47,
    examples: { added: ['r50', 'r51', 'r52'], removed: ['r0', 'r1'], changed: ['r49'] },
  });
  expect(found.files).toEqual({ added: [], removed: [], changed: ['data.csv'], unchanged: 0 });
});

test('without an id rows are compared by content, each copy counted', async () => {
  const at = room();
  at.write('data.csv', 'x,label\n1,a\n1,a\n1,a\n2,b\n');
  const before = await take(at, 'data.csv');
  at.write('data.csv', 'label,x\na,1\nb,2\nb,2\nc,\n');
  const after = await take(at, 'data.csv');
  expect((await diff(at, before, after)).rows).toEqual({
    added: 2,
    removed: 2,
    changed: 0,
    unchanged: 2,
    examples: { added: ['label=b, x=2', 'label=c, x='], removed: ['label=a, x=1'], changed: [] },
  });
});

test('columns are added, removed and of another type, and change no row by themselves', async () => {
  const at = room();
  at.write('a.csv', 'id,x,when,gone\n1,2,2026-01-01,1\n2,3,2026-01-02,1\n');
  at.write('b.csv', 'id,x,when,new\n1,2,never,1\n2,3,2026-01-02,1\n');
  const [a, b] = [await take(at, 'a.csv'), await take(at, 'b.csv')];
  const found = await diff(at, a, b, 'id');
  expect(found.schema).toEqual({ added: ['new'], removed: ['gone'], changed: [{ column: 'when', from: 'time', to: 'text' }] });
  expect(found.rows).toMatchObject({ added: 0, removed: 0, changed: 1, unchanged: 1, examples: { changed: ['1'] } });
  await parquet(join(at.root, 'a.parquet'), 'SELECT range AS id, range::INTEGER AS x FROM range(9)');
  await parquet(join(at.root, 'b.parquet'), 'SELECT range AS id, range::DOUBLE AS x FROM range(9)');
  const typed = await diff(at, await take(at, 'a.parquet'), await take(at, 'b.parquet'), 'id');
  expect(typed.schema.changed).toEqual([{ column: 'x', from: 'integer', to: 'double' }]);
});

test('the same rows in another format are no change', async () => {
  const at = room();
  at.write('data.csv', `id,word\n${[0, 1, 2].map((i) => `${i},w${i}`).join('\n')}\n`);
  at.write('data.jsonl', [0, 1, 2].map((i) => `${JSON.stringify({ word: `w${i}`, id: i })}\n`).join(''));
  at.write('arrays/id.npy', writeNpy({ shape: [3], data: BigInt64Array.of(0n, 1n, 2n) }));
  at.write('arrays/word.npy', writeNpy({ shape: [3], data: ['w0', 'w1', 'w2'] }));
  const table = await take(at, 'data.csv');
  for (const source of ['data.jsonl', 'arrays'])
    expect((await diff(at, table, await take(at, source))).rows).toMatchObject({ added: 0, removed: 0, unchanged: 3 });
});

test('an id that is missing, or names two rows, is told', async () => {
  const at = room();
  at.write('data.csv', csv(rows(0, 9)));
  at.write('twice.csv', csv([...rows(0, 9), ...rows(3, 4)]));
  at.write('set/a/1', 'x');
  const [table, twice, files] = [await take(at, 'data.csv'), await take(at, 'twice.csv'), await take(at, 'set')];
  await expect(diff(at, table, table, 'identity')).rejects.toThrow(
    /has no column "identity"; the columns are "id", "label", "x", "kind"\.$/,
  );
  await expect(diff(at, table, twice, 'id')).rejects.toThrow(/the id "r3" \(column "id"\) stands in 2 rows\. An id names one row/);
  await expect(diff(at, table, files, 'id')).rejects.toThrow(
    /Rows have ids in tables only, and sha256:[0-9a-f]{64} is none\. Leave the id out\./,
  );
});
