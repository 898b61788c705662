import { join } from 'node:path';
import { objectKey } from '../../src/store/keys';
import { type Mark, Marks } from '../../src/store/marks';
import { FileBackend } from '../../src/store/file';
import { thisProcess } from '../../src/store/owner';
import { removeTemporaryFolders, temporaryFolder } from './helpers';

afterAll(removeTemporaryFolders);

const hex = `ab${'0'.repeat(62)}`;
const digest = `sha256:${hex}`;
const by = { token: 'a run', owner: thisProcess() };

function fresh(): { registers: FileBackend; marks: Marks; set: (mark: Mark) => Promise<unknown>; get: () => Promise<Mark | undefined> } {
  const registers = new FileBackend(`file://${join(temporaryFolder(), 'store')}`);
  const gc = new Marks(registers, { cacheMilliseconds: 0 });
  return {
    registers,
    marks: new Marks(registers, { cacheMilliseconds: 0 }),
    set: async (mark) => await gc.change('ab', (entries) => entries.set(hex, mark).size > 0),
    get: async () => (await gc.read('ab')).get(hex),
  };
}

test('an object without a mark lies under its first key, and asking writes nothing', async () => {
  const { marks, get } = fresh();
  expect(await marks.revive(digest)).toBe(0);
  expect(await marks.generation(digest)).toBe(0);
  expect(await get()).toBeUndefined();
  expect(objectKey(digest, 0)).toBe(`objects/ab/${hex.slice(2)}`);
});

test('a mark is taken back by a put, and the object stays under its key', async () => {
  const { marks, set, get } = fresh();
  await set({ state: 'marked', at: 1, generation: 0, by: null });
  expect(await marks.generation(digest)).toBe(0);
  expect(await marks.revive(digest)).toBe(0);
  expect(await get()).toBeUndefined();
  await set({ state: 'marked', at: 1, generation: 3, by: null });
  expect(await marks.revive(digest)).toBe(3);
  expect(await get()).toMatchObject({ state: 'live', generation: 3 });
});

test('a put of what is being deleted, or is gone, gets a key that was never used', async () => {
  const { marks, set, get } = fresh();
  await set({ state: 'deleting', at: 1, generation: 0, by });
  expect(await marks.revive(digest)).toBe(1);
  expect(await get()).toMatchObject({ state: 'live', generation: 1, by: null });
  expect(objectKey(digest, 1)).toBe(`objects/ab/${hex.slice(2)}.1`);
  await set({ state: 'gone', at: 1, generation: 2, by: null });
  expect(await marks.revive(digest)).toBe(2);
  expect(await marks.revive(digest)).toBe(2);
});

test('a cached mark that has become a deletion is seen by whoever takes it back', async () => {
  const { registers, set } = fresh();
  const marks = new Marks(registers);
  await set({ state: 'marked', at: 1, generation: 0, by: null });
  expect(await marks.generation(digest)).toBe(0);
  await set({ state: 'deleting', at: 2, generation: 0, by });
  expect(await marks.revive(digest)).toBe(1);
});

test('of a put and a deletion at the same time one comes first, and the other sees it', async () => {
  for (let round = 0; round < 20; round++) {
    const { marks, registers, set, get } = fresh();
    await set({ state: 'marked', at: 1, generation: 0, by: null });
    const gc = new Marks(registers, { cacheMilliseconds: 0 });
    const [generation, entries] = await Promise.all([
      marks.revive(digest),
      gc.change('ab', (now) => now.get(hex)?.state === 'marked' && now.set(hex, { state: 'deleting', at: 2, generation: 0, by }).size > 0),
    ]);
    const deletionBegan = entries.get(hex)?.state === 'deleting';
    expect(generation).toBe(deletionBegan ? 1 : 0);
    expect((await get())?.state).toBe(deletionBegan ? 'live' : undefined);
  }
});

test('one listing serves all objects of a store that has no marks', async () => {
  const { registers } = fresh();
  const marks = new Marks(registers);
  const asked: string[] = [];
  const { load, list } = registers;
  registers.load = async (key) => (asked.push(key), await load.call(registers, key));
  registers.list = (prefix) => (asked.push(prefix), list.call(registers, prefix));
  for (let i = 0; i < 300; i++) await marks.revive(`sha256:${i.toString(16).padStart(64, '0')}`);
  expect(asked).toEqual(['marks/']);
});
