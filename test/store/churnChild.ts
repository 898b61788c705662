// What a process of its own does with a store until it is killed; started by churn.ts.
import { createHash, randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { mediaTypes } from '../../src/contract';
import { canonicalJson, openStore } from '../../src/store';
import { collectGarbage, type GcProgress } from '../../src/store/gc';
import { Marks } from '../../src/store/marks';
import { scrub, type ScrubProgress } from '../../src/store/scrub';
import { contentOf } from './churnContent';

const [what = '', url = '', ...rest] = process.argv.slice(2);
// The grace here is far below a minute.
Marks.cacheMilliseconds = 0;
const store = openStore(url);

export type Act = 'count' | 'put' | 'gc' | 'scrub';

const acts: Record<Act, () => Promise<void>> = {
  /** So many writers add one so many times each. */
  async count() {
    const [name = '', writers, times] = rest;
    const write = async (): Promise<void> => {
      for (let i = 0; i < Number(times); i++) await store.refs.update<number>(name, (old) => (old ?? 0) + 1);
    };
    await Promise.all(Array.from({ length: Number(writers) }, write));
  },

  /** Stores objects, records and folders from a small set, so that they meet what gc is deleting, and names them. */
  async put() {
    const [writer = '', dir = ''] = rest;
    const folder = mkdtempSync(join(dir, 'put-'));
    for (let turn = 0; ; turn++) {
      const slot = `live/${writer}/${randomInt(4)}`;
      const content = contentOf(randomInt(30));
      const record = { about: digestOf(content), turn: randomInt(4) };
      const small = Array.from({ length: 10 }, (_, i) => `small ${randomInt(3)} ${i}`);
      // Named before they are stored, as an open run pins what it stores: then no grace is needed.
      const digests = [content, canonicalJson(record), ...small].map(digestOf);
      await store.refs.update(`pins/${writer}`, () => ({ digests }));
      const data = await store.put(content, mediaTypes.text);
      if (turn % 3 === 0) {
        const files = join(folder, String(turn));
        mkdirSync(files);
        for (const [i, text] of small.entries()) writeFileSync(join(files, `f${i}`), text);
        const manifest = await store.putFolder(files);
        await store.refs.update(slot, () => ({ manifest }));
      } else if (turn % 3 === 1) {
        const stored = await store.putJson(record);
        await store.refs.update(slot, () => ({ stored }));
      } else await store.refs.update(slot, () => ({ data }));
      tell(`put 1`);
    }
  },

  async gc() {
    for (;;) {
      let told = 0;
      const onProgress = ({ deleted }: GcProgress): void => {
        if (deleted > told) tell(`deleted ${deleted - told}`);
        told = deleted;
      };
      await collectGarbage(store, { graceMilliseconds: Number(rest[0]), leastGraceMilliseconds: 0, onProgress });
    }
  },

  async scrub() {
    for (;;) {
      let told = 0;
      const onProgress = ({ objects }: ScrubProgress): void => {
        if (objects > told) tell(`checked ${objects - told}`);
        told = objects;
      };
      const { damaged, missing } = await scrub(store, { onProgress });
      if (damaged.length > 0) throw new Error(`scrub found damage: ${JSON.stringify(damaged)} ${JSON.stringify(missing)}`);
    }
  },
};

const digestOf = (content: string): string => `sha256:${createHash('sha256').update(content).digest('hex')}`;

/** Synchronous, so that what was done is told before this process is killed. */
const tell = (line: string): void => void writeSync(1, `${line}\n`);

// With ASSAY_TEST_KILL_WITHIN it is killed at one of its next so many file operations, before it or after it: a point in the work, however slow the host is.
if (process.env['ASSAY_TEST_KILL_WITHIN'] !== undefined) dieWithin(Number(process.env['ASSAY_TEST_KILL_WITHIN']));

function dieWithin(operations: number): void {
  let left = 1 + randomInt(operations);
  const files = process.getBuiltinModule('node:fs/promises') as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  for (const name of ['open', 'readFile', 'readdir', 'stat', 'rename', 'link', 'rm', 'mkdir', 'writeFile']) {
    const original = files[name] as (...args: unknown[]) => Promise<unknown>;
    files[name] = async (...args) => {
      // Marks are listed for each object here, as no cache may keep them, and a look at each is no progress either.
      if (name === 'stat' && String(args[0]).includes('/marks/')) return await original(...args);
      // Waiting for a lock is no progress: on a slow disk it would use up all operations before anything is done.
      if (args.some((each) => String(each).includes('/locks/'))) {
        const done = await original(...args);
        if (name === 'readFile' || --left !== 0) return done;
        process.kill(process.pid, 'SIGKILL');
      }
      if (--left !== 0) return await original(...args);
      if (randomInt(2) === 0) await original(...args).catch(() => undefined);
      process.kill(process.pid, 'SIGKILL');
      return await new Promise(() => undefined);
    };
  }
}

acts[what as Act]().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
