// Proves on real processes: a store that is away for a while ends no training and loses no newest checkpoint.
import { AssayError } from '../../src/contract';
import { startTrainer } from '../../src/executor/process/start';
import { cleanUp, newRunDir, start, supervise } from './helpers';

afterEach(cleanUp);

const away = (): AssayError => new AssayError('StoreUnavailable', 'no answer from the store');

test('a store that comes back while the trainer runs gets the newest checkpoint, then each further one, and no step waits for it', async () => {
  const trainer = start(newRunDir(), 1, { steps: 400, checkpointEvery: 20, msPerStep: 5 });
  await startTrainer(trainer);
  const [asked, stored, said, steps]: [number[], number[], string[], number[]] = [[], [], [], []];
  const back = Date.now() + 1300;
  const ended = await supervise({
    dir: trainer.dir,
    pollMs: 20,
    onMessage: (text) => said.push(text),
    onProgress: ({ step }) => steps.push(step ?? 0),
    async onCheckpoint(step) {
      asked.push(step);
      if (Date.now() < back) throw away();
      stored.push(step);
    },
  });
  expect(ended).toMatchObject({ reason: 'exited', exit: { code: 0 }, step: 400, events: 400 });
  expect(asked[0]).toBe(20);
  expect(asked.length).toBeLessThan(21);
  // Those between were overtaken.
  expect(stored[0]).toBeGreaterThan(60);
  expect(stored).toEqual([...stored].sort((a, b) => a - b));
  expect(stored.at(-1)).toBe(400);
  expect(steps.length).toBeGreaterThan(2);
  expect(said).toEqual(['checkpoints wait for the store (no answer from the store)', '']);
});

test('a store that is away when the trainer ends is waited for, with progress all the while', async () => {
  const trainer = start(newRunDir(), 1, { steps: 10, checkpointEvery: 10, msPerStep: 1 });
  await startTrainer(trainer);
  const back = Date.now() + 3000;
  const stored: number[] = [];
  let progress = 0;
  const ended = await supervise({
    dir: trainer.dir,
    pollMs: 20,
    onProgress: () => (progress += 1),
    async onCheckpoint(step) {
      if (Date.now() < back) throw away();
      stored.push(step);
    },
  });
  expect(ended).toMatchObject({ reason: 'exited', exit: { code: 0 } });
  expect(stored).toEqual([10]);
  expect(progress).toBeGreaterThan(2);
});

test('a store that stays away ends the supervision when patience ends, with what it said', async () => {
  const trainer = start(newRunDir(), 1, { steps: 10, checkpointEvery: 10, msPerStep: 1 });
  await startTrainer(trainer);
  const onCheckpoint = async () => {
    throw away();
  };
  await expect(supervise({ dir: trainer.dir, pollMs: 20, storePatienceMs: 600, onCheckpoint })).rejects.toThrow('no answer from the store');
});

test('detaching does not wait for the store', async () => {
  const trainer = start(newRunDir(), 1, { steps: 10, checkpointEvery: 10, msPerStep: 1 });
  await startTrainer(trainer);
  const stop = new AbortController();
  const ending = supervise({
    dir: trainer.dir,
    pollMs: 20,
    signal: stop.signal,
    onAbort: () => 'detach',
    async onCheckpoint() {
      stop.abort();
      throw away();
    },
  });
  expect(await ending).toMatchObject({ reason: 'detached', exit: null });
});
