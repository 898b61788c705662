// Proves: what class a repetition gets, where it diverges first, and what that is put down to, for every stream and for what nobody recorded.
import { type RunStreams, compareRun, differences, failedRun, replaySentence, stepStreams } from '../../src/analysis';
import { type ReplayedRun, defaultTolerance } from '../../src/contract';

const steps = 5;

const events = (change: (event: Record<string, unknown>) => Record<string, unknown> = (event) => event): Record<string, unknown>[] =>
  Array.from({ length: steps }, (_, i) => i + 1).flatMap((step) => [
    change({ type: 'step', step, loss: 1 / step, order: `rows-${step}` }),
    ...(step === 1 || step === steps ? [change({ type: 'state', step, digest: `state-${step}` })] : []),
  ]);

const run = (change: Partial<RunStreams> = {}, of = events()): RunStreams => ({
  ...stepStreams(of),
  predictions: { ids: ['a', 'b'], scores: [0.9, 0.1, 0.4, 0.6], classes: 2 },
  environment: { numpy: '2.1.0', threads: 1 },
  ...change,
});

/** The same, but at one step. */
const at = (step: number, type: string, change: object) =>
  events((event) => (event.step === step && event.type === type ? { ...event, ...change } : event));

const compared = (replay: RunStreams, original = run()) => compareRun(original, replay, defaultTolerance);

test('equal streams are bit-exact, whatever else the environment says', () => {
  const found = compared(run({ environment: { numpy: '2.2.0', threads: 1, torch: '2.4' } }));
  expect(found).toMatchObject({ class: 'bit-exact', first: null, beyond: null, causes: [] });
  expect(found.environment).toEqual([{ what: 'numpy', original: '2.1.0', replay: '2.2.0' }]);
  expect(found.sentence).toBe('bit-exact over 5 steps and 2 predictions: data order, loss, checkpoint digest, predictions');
});

test.each([
  ['data order', at(2, 'step', { order: 'others' }), 'different', { step: 2, stream: 'order' }],
  ['loss, by more than the tolerance', at(3, 'step', { loss: 0.34 }), 'different', { step: 3, stream: 'loss' }],
  ['loss, by less', at(3, 'step', { loss: 1 / 3 + 1e-7 }), 'within-tolerance', { step: 3, stream: 'loss' }],
  ['checkpoint digest', at(5, 'state', { digest: 'another' }), 'within-tolerance', { step: 5, stream: 'checkpoint' }],
  ['loss that is not finite', at(4, 'step', { loss: null }), 'different', { step: 4, stream: 'loss' }],
] as const)('another %s is classed and located', (_, replay, found, first) => {
  expect(compared(run({}, replay))).toMatchObject({ class: found, first });
});

test('of several differences the earliest step counts, and at one step the stream that the others follow from', () => {
  const both = (orderAt: number) =>
    run(
      {},
      events((event) =>
        event.type !== 'step'
          ? event
          : { ...event, ...(event.step === orderAt ? { order: 'x' } : {}), ...(event.step === 2 ? { loss: 9 } : {}) },
      ),
    );
  expect(compared(both(3)).first).toMatchObject({ step: 2, stream: 'loss', original: '0.5', replay: '9' });
  expect(compared(both(2)).first).toMatchObject({ step: 2, stream: 'order' });
});

test.each([
  ['every class kept and scores close', [0.89995, 0.10005, 0.4, 0.6], 'within-tolerance', 0],
  ['a score too far', [0.8, 0.2, 0.4, 0.6], 'different', 0],
  ['another class', [0.9, 0.1, 0.50001, 0.49999], 'different', 1],
] as const)('predictions with %s', (_, scores, found, classes) => {
  const replay = compared(run({ predictions: { ids: ['a', 'b'], scores: [...scores], classes: 2 } }));
  expect(replay).toMatchObject({
    class: found,
    first: { step: null, stream: 'predictions' },
    predictions: { rows: 2, differing: 1, classes },
  });
});

test('predictions are paired by id, in whatever order, and a row that is not predicted is a difference', () => {
  const turned = { ids: ['b', 'a'], scores: [0.4, 0.6, 0.9, 0.1], classes: 2 };
  expect(compared(run({ predictions: turned })).class).toBe('bit-exact');
  const short = compared(run({ predictions: { ids: ['a'], scores: [0.9, 0.1], classes: 2 } }));
  expect(short).toMatchObject({ class: 'different', first: { original: 'row b: predicted', replay: 'not predicted' } });
});

test('a training that is longer or shorter differs where one of them ends', () => {
  const longer = run({}, [...events(), { type: 'step', step: 6, loss: 0.1, order: 'rows-6' }]);
  expect(compared(longer)).toMatchObject({
    class: 'different',
    first: { step: 6, stream: 'loss', original: 'no such step', replay: '0.1' },
  });
});

test('without losses it is the order of the rows that tells of a step that one of them lacks', () => {
  const silent = (last: number) =>
    run(
      {},
      events(({ loss: _loss, ...event }) => event).filter(({ type, step }) => type === 'step' && Number(step) <= last),
    );
  expect(compareRun(silent(5), silent(3), defaultTolerance)).toMatchObject({
    class: 'different',
    first: { step: 4, stream: 'order', replay: 'no such step' },
  });
});

test('states are compared at the steps that both looked at', () => {
  const seldom = run(
    {},
    events().filter(({ type, step }) => type !== 'state' || step === 5),
  );
  expect(compared(seldom)).toMatchObject({ class: 'bit-exact', checkpoint: { recorded: true, compared: 1, differing: 0 } });
});

test('what a trainer does not record is said, and keeps nothing from being bit-exact', () => {
  const bare = run(
    {},
    events(({ order: _order, ...event }) => event).filter(({ type }) => type === 'step'),
  );
  const found = compareRun(bare, bare, defaultTolerance);
  expect(found.sentence).toBe('bit-exact over 5 steps and 2 predictions: loss, predictions; not recorded: data order, checkpoint digest');
  const silent = run({}, []);
  expect(compareRun(silent, silent, defaultTolerance)).toMatchObject({ class: 'bit-exact', loss: { recorded: false, compared: 0 } });
});

test('zeros of two signs are two bit patterns, and within any tolerance', () => {
  const zero = (loss: number) => run({}, at(2, 'step', { loss }));
  const found = compareRun(zero(0), zero(-0), { rtol: 0, atol: 0, scores: 0 });
  expect(found).toMatchObject({ class: 'within-tolerance', first: { step: 2, stream: 'loss' } });
});

test('a tolerance of nothing makes every bit count', () => {
  const close = run({}, at(3, 'step', { loss: 1 / 3 + 1e-7 }));
  expect(compareRun(run(), close, { rtol: 0, atol: 0, scores: 0 })).toMatchObject({
    class: 'different',
    beyond: { step: 3, stream: 'loss' },
  });
});

test.each([
  ['order', at(1, 'step', { order: 'x' }), /another seed/],
  ['loss at the first step', at(1, 'step', { loss: 2 }), /parameters, initial weights/],
  ['loss later', at(4, 'step', { loss: 2 }), /threads.*not deterministic/],
  ['checkpoint', at(5, 'state', { digest: 'x' }), /optimiser/],
] as const)('a difference that begins in the %s suggests where it comes from', (_, replay, cause) => {
  expect(compared(run({}, replay)).causes).toEqual([expect.stringMatching(cause)]);
});

test('what is known to have been another comes first: what was changed, then the environment, the likeliest before the rest', () => {
  const replay = run({ environment: { numpy: '2.2.0', threads: 2, platform: 'linux' } }, at(4, 'step', { loss: 2 }));
  const changed = [{ what: 'training.params.rate', original: '0.5', replay: '0.4' }];
  const { causes } = compareRun(
    run({ environment: { numpy: '2.1.0', threads: 1, platform: 'darwin' } }),
    replay,
    defaultTolerance,
    changed,
  );
  expect(causes.slice(0, -1)).toEqual([
    'training.params.rate: 0.5, now 0.4',
    'threads: 1, now 2',
    'numpy: 2.1.0, now 2.2.0',
    'platform: darwin, now linux',
  ]);
});

test('of two environments what both name is compared', () => {
  expect(differences({ a: 1, b: 'x', c: [1] }, { b: 'y', c: [1], d: 2 })).toEqual([{ what: 'b', original: 'x', replay: 'y' }]);
});

test('all runs come to one sentence, with the place and the likeliest cause of the worst', () => {
  const named = (found: Pick<ReplayedRun, 'class' | 'first' | 'causes'>, seed: number) => ({ variant: 'cnn', seed, ...found });
  const exact = named(compared(run()), 1);
  const other = named(compared(run({}, at(2, 'step', { order: 'x' }))), 2);
  expect(replaySentence('digits-1', [exact])).toBe('replay of digits-1: bit-exact, its run');
  expect(replaySentence('digits-1', [exact, other])).toBe(
    'replay of digits-1: 1 different, 1 bit-exact of 2; cnn seed 2 diverges first at step 2 in the data order: rows-2, now x (the rows came in another order: another seed, other data, or another batch size)',
  );
});

test('a repetition that failed is different, and says of what', () => {
  const found = failedRun([], 'OutOfMemory: 8 GiB', []);
  expect(found).toMatchObject({ class: 'different', first: { stream: 'end' }, causes: ['see its log: assay logs'] });
  expect(found.sentence).toContain('OutOfMemory: 8 GiB');
});

test('200,000 steps and as many rows are compared as a hundred are', () => {
  const many = 200_000;
  const long = (): RunStreams => ({
    ...stepStreams(Array.from({ length: many }, (_, i) => ({ type: 'step', step: i + 1, loss: i, order: 'x' }))),
    predictions: { ids: Int32Array.from({ length: many }, (_, i) => i), scores: new Float64Array(2 * many).fill(0.5), classes: 2 },
    environment: {},
  });
  expect(compareRun(long(), long(), defaultTolerance)).toMatchObject({ class: 'bit-exact', predictions: { rows: many } });
});
