// Proves: names are listed once for many who ask, newest first; a record that runs is read each time, and one that has ended for ten seconds once.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ExperimentRecords } from '../../src/api/experimentRecords';
import { type ExperimentRecord, refNames } from '../../src/contract';
import { openStore, type Store } from '../../src/store';

let folder: string;
let store: Store;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-records-'));
  store = openStore(pathToFileURL(folder).href);
});

afterEach(() => {
  jest.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const put = (id: string, status: ExperimentRecord['status']): Promise<unknown> =>
  store.refs.update(refNames.experiment(id), () => ({ experimentId: id, status }));

test('ids are listed once for all who ask within a second, newest first whatever their names', async () => {
  for (const id of ['b-20261122-080000-0001', 'a-20261122-090000-0002', 'c-20261121-235959-0003']) await put(id, 'done');
  const list = jest.spyOn(store.refs, 'list');
  const records = new ExperimentRecords(store);
  const all = await Promise.all(Array.from({ length: 100 }, () => records.ids()));
  expect(new Set(all).size).toBe(1);
  expect(all[0]).toEqual(['a-20261122-090000-0002', 'b-20261122-080000-0001', 'c-20261121-235959-0003']);
  expect(list).toHaveBeenCalledTimes(1);
});

test('a record that runs is read each time, so that its end is seen at once; one that has ended once in ten seconds', async () => {
  const id = 'digits-20261122-080000-0001';
  const records = new ExperimentRecords(store);
  expect(await records.get(id)).toBeNull();
  await put(id, 'running');
  expect(await records.get(id)).toMatchObject({ status: 'running' });
  await put(id, 'done');
  expect(await records.get(id)).toMatchObject({ status: 'done' });
  const get = jest.spyOn(store.refs, 'get');
  expect(await records.get(id)).toMatchObject({ status: 'done' });
  expect(get).not.toHaveBeenCalled();
  const now = performance.now();
  jest.spyOn(performance, 'now').mockReturnValue(now + 10_001);
  await records.get(id);
  expect(get).toHaveBeenCalledTimes(1);
});

test('who started it is read once', async () => {
  const records = new ExperimentRecords(store);
  const provenance = await store.putJson({ user: 'ann' });
  const read = jest.spyOn(store, 'getJson');
  for (let i = 0; i < 3; i++) expect(await records.user({ provenance } as ExperimentRecord)).toBe('ann');
  expect(read).toHaveBeenCalledTimes(1);
});
