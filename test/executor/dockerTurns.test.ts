// Proves on a real engine: turns over containers, one at a time, in ABBA order, and nothing of them is left.
import { join } from 'node:path';
import { runTurns, type TurnTrainer } from '../../src/executor';
import { dockerForTests } from '../docker/engine';
import { Home } from './containers';

let home: Home;

beforeAll(async () => {
  const { host, base } = await dockerForTests();
  home = new Home(host, base);
}, 300_000);
afterAll(() => home.end());

function players(params: Record<string, Record<string, unknown>>): TurnTrainer[] {
  return Object.entries(params).map(([variant, more]) => {
    const runDir = home.newRunDir();
    const trainer = home.start(runDir, 1, more, {}, { mode: 'latency', variant });
    return { ...trainer, variant, dir: join(runDir, variant) };
  });
}

test('turns go over the containers block by block, every line is collected and no container is left', async () => {
  const measured = await runTurns({ executor: home.executor, trainers: players({ a: {}, b: {} }), blocks: 3, timeoutSeconds: 30 });
  expect(measured.map(({ variant, lines }) => [variant, lines.map(({ block }) => block)])).toEqual([
    ['a', [0, 0, 0, 1, 1, 1, 2, 2, 2]],
    ['b', [0, 0, 0, 1, 1, 1, 2, 2, 2]],
  ]);
  expect(await home.containers()).toEqual([]);
});

test('a container that dies in the middle is named, with what it said last, and all are ended', async () => {
  const trainers = players({ a: {}, b: { diesInBlock: 1 } });
  await expect(runTurns({ executor: home.executor, trainers, blocks: 3, timeoutSeconds: 30 })).rejects.toMatchObject({
    type: 'TrainerCrashed',
    message: expect.stringMatching(/^latency of b: the trainer ended with exit code 1\nthe weights are gone$/),
  });
  expect(await home.containers()).toEqual([]);
});

test('a container whose process lost its standard input ends by itself', async () => {
  const [trainer] = players({ a: {} });
  if (!trainer) throw new Error('expected a trainer');
  const attached = await home.executor.attach(trainer);
  attached.stdin.destroy();
  expect(await attached.exit).toMatchObject({ code: 0 });
  await attached.kill();
  expect(await home.containers()).toEqual([]);
});
