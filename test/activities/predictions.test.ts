// Proves: what the variants of an experiment predict is compared with the experiment of this name before, and kept for the next.
import { predictionDrift, type Predicted } from '../../src/activities/predictions';
import { ExperimentSpec, type PredictionProfile, refNames } from '../../src/contract';
import { profilePredictions } from '../../src/data';
import type { Store } from '../../src/store';
import { freshStore, removeTemporaryFolders } from '../store/helpers';

afterAll(removeTemporaryFolders);

const classes = ['no', 'yes'];
let store: Store;

beforeEach(() => {
  ({ store } = freshStore());
});

/** 1,000 rows whose score of "yes" lies evenly between the bounds. */
const scores = (from: number, to: number): Float64Array =>
  Float64Array.from({ length: 2000 }, (_, at) => {
    const yes = from + (to - from) * (((at >> 1) * 0.618034) % 1);
    return at % 2 === 1 ? yes : 1 - yes;
  });

const run = (variant: string, seed: number, from: number, to: number): Predicted => ({ variant, seed, scores: scores(from, to) });

const spec = (drift: Record<string, unknown> = { against: 'previous' }) =>
  ExperimentSpec.parse({
    name: 'test',
    data: { source: 'data.csv', id: 'id' },
    training: { command: ['true'] },
    variants: [{ name: 'a', control: true }, { name: 'b' }],
    checks: { drift },
  });

const compare = (runs: readonly Predicted[], drift?: Record<string, unknown>) => predictionDrift(store, spec(drift), classes, runs);

test('the first experiment of a name has no check, and leaves a profile of each variant by its run of the lowest seed', async () => {
  const { checks, profiles } = await compare([run('a', 20, 0, 1), run('b', 3, 0.5, 1), run('a', 3, 0, 0.4)]);
  expect(checks).toEqual([]);
  expect(Object.keys(profiles).sort()).toEqual(['a', 'b']);
  if (!profiles.a) throw new Error('no profile');
  const profile = await store.getJson<PredictionProfile>(profiles.a);
  expect(profile).toEqual(profilePredictions({ classes, scores: scores(0, 0.4) }));
  expect(profile.columns.map(({ name, counts }) => [name, counts])).toEqual([
    ['prediction', { no: 1000 }],
    ['score of yes', undefined],
  ]);
});

test('a variant that predicts otherwise than the experiment before is told by its name, and one that does not is not', async () => {
  const before = await compare([run('a', 1, 0, 1), run('b', 1, 0, 1)]);
  await store.refs.set(refNames.latestPredictions('test'), before.profiles, null);
  const { checks } = await compare([run('a', 1, 0, 1), run('b', 1, 0.3, 1)]);
  expect(checks).toMatchObject([{ name: 'prediction-drift', gate: false, status: 'warn' }]);
  const alarms = (checks[0]?.findings ?? []).filter(({ alarm }) => alarm);
  expect(alarms.map(({ column }) => column).sort()).toEqual(['b: prediction', 'b: score of yes']);
  for (const { adjustedPValue, what } of alarms) {
    expect(what).toBe('prediction');
    expect(adjustedPValue).toBeLessThan(0.01);
  }
  expect(checks[0]?.detail).toContain('the experiment before');
});

test('the same predictions pass', async () => {
  const before = await compare([run('a', 1, 0, 1)]);
  await store.refs.set(refNames.latestPredictions('test'), before.profiles, null);
  const { checks, profiles } = await compare([run('a', 1, 0, 1)]);
  expect(checks).toMatchObject([{ name: 'prediction-drift', status: 'pass' }]);
  expect(profiles).toEqual(before.profiles);
});

test('there is no check where no variant has kept its name, or drift is not measured against the experiment before', async () => {
  const before = await compare([run('old', 1, 0, 1)]);
  await store.refs.set(refNames.latestPredictions('test'), { ...before.profiles, a: before.profiles.old }, null);
  expect((await compare([run('new', 1, 0.5, 1)])).checks).toEqual([]);
  const { checks, profiles } = await compare([run('a', 1, 0.5, 1)], { against: 'none' });
  expect([checks, Object.keys(profiles)]).toEqual([[], ['a']]);
  expect((await compare([run('a', 1, 0.5, 1)])).checks).toHaveLength(1);
});
