// Proves: processes that put, gc and scrub one store may be killed at any moment; nothing that a name leads to is lost or half-written.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { mediaTypes } from '../../src/contract';
import { openStore } from '../../src/store';
import { Marks } from '../../src/store/marks';
import { reach } from '../../src/store/reach';
import { scrub } from '../../src/store/scrub';
import { collectGarbage } from '../../src/store/gc';
import { churn, endChurn } from './churn';
import { contentOf } from './churnContent';
import type { Act } from './churnChild';
import { filesBelow, removeTemporaryFolders, temporaryFolder } from './helpers';

afterAll(() => {
  endChurn();
  removeTemporaryFolders();
});
beforeAll(() => {
  Marks.cacheMilliseconds = 0;
});

const graceMilliseconds = 100;
/** Each is killed at one of its next so many file operations, and begun anew. */
const lanes: [Act, number][] = [
  ['put', 600],
  ['gc', 3_000],
  ['put', 600],
  ['scrub', 1_200],
];

test.each([
  [150, 'one folder', 1],
  [50, 'three replicas', 3],
])(
  'put, gc and scrub survive %i × SIGKILL at random moments on %s',
  async (kills, _, replicas) => {
    const dir = temporaryFolder();
    const roots = Array.from({ length: replicas }, (_each, i) => join(dir, `replica-${i}`));
    const url = roots.map((root) => `file://${root}`).join(',');
    const done = { put: 0, deleted: 0, checked: 0 };
    const errors: string[] = [];
    const untilKilled = async (act: Act, writer: string, operations: number): Promise<void> => {
      const args = act === 'put' ? [writer, dir] : [String(graceMilliseconds)];
      const child = churn(act, [url, ...args], { ASSAY_TEST_KILL_WITHIN: String(operations * replicas) });
      for await (const line of createInterface(child.stdout as Readable)) {
        const [what = '', count] = line.split(' ');
        done[what as keyof typeof done] += Number(count);
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      if (child.signalCode !== 'SIGKILL') errors.push(`${act} ended by itself`);
    };
    // Nobody's, so that the first gc has something to do; the putters store the same contents.
    const store = openStore(url);
    for (let i = 0; i < 30; i++) await store.put(contentOf(i), mediaTypes.text);
    await store.settle();
    let left = kills;
    await Promise.all(
      lanes.map(async ([act, operations], i) => {
        while (left-- > 0 && errors.length === 0) await untilKilled(act, `w${i}`, operations);
      }),
    );
    expect(errors).toEqual([]);
    expect(Object.entries(done).filter(([, count]) => count === 0)).toEqual([]);

    await whole(store);
    for (const root of roots)
      for (const path of filesBelow(root).filter((name) => /^(objects|packs)\//.test(name))) {
        const hex = path
          .replace(/^(objects|packs)\//, '')
          .replace('/', '')
          .replace(/\.\d+$/, '');
        expect([
          path,
          createHash('sha256')
            .update(readFileSync(join(root, path)))
            .digest('hex'),
        ]).toEqual([path, hex]);
      }
    // What the killed left unfinished is finished by the next ones.
    expect(await scrub(store)).toMatchObject({ damaged: [], missing: [], repairable: [], names: { damaged: [] } });
    for (const hours of [2, 4, 6]) await collectGarbage(store, { graceMilliseconds: 3_600_000, now: () => Date.now() + hours * 3_600_000 });
    await whole(store);
    for (const name of await store.refs.list('')) await store.refs.remove(name, (await store.refs.get(name))?.version ?? '');
    for (const hours of [8, 10, 12])
      await collectGarbage(store, { graceMilliseconds: 3_600_000, now: () => Date.now() + hours * 3_600_000 });
    for (const root of roots) expect(filesBelow(root).filter((name) => /^(objects|packs)\//.test(name))).toEqual([]);
  },
  300_000,
);

/** Every name can be read, and all that it leads to is there and sound. */
async function whole(store: ReturnType<typeof openStore>): Promise<void> {
  const reached = await reach(store);
  expect(reached.unread).toEqual([]);
  const certain = [...reached.certain()];
  expect(certain.length).toBeGreaterThan(0);
  for (const digest of certain) await store.get({ digest });
}
