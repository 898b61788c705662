// What `assay run` and `watch` show, as a function of what is known: on terminals of several sizes, and as lines where there is none.
import { stripVTControlCharacters } from 'node:util';
import type { Progress, TrainProgress } from '../../src/contract';
import { colourful } from '../../src/cli/colours';
import { frame, head } from '../../src/cli/view/frame';
import { isScreen } from '../../src/cli/view/liveView';
import { plainLines } from '../../src/cli/view/plain';
import type { Run, ViewState } from '../../src/cli/view/state';
import { cutTo, displayWidth, fit, lineOf, printable } from '../../src/cli/view/text';

const escape = String.fromCharCode(27);
const start = Date.parse('2026-11-22T06:00:00Z');
const at = (seconds: number): string => new Date(start + seconds * 1000).toISOString();
const run = (variant: string, seed: number, more: Partial<Run> = {}): Run => ({
  ...{ variant, seed, state: 'waiting', host: null, epoch: 1, message: null },
  ...more,
});
const trains = (more: Partial<TrainProgress> = {}): TrainProgress => ({
  ...{ epoch: 1, host: 'gpu-1', device: 'NVIDIA H100 80GB HBM3', pid: 1, phase: 'training', message: '', step: 1200, totalSteps: 40_000 },
  ...{ secondsLeft: 185, loss: 0.23146, throughput: 12_400, checkpointStep: 1000, ...more },
});
const stages: Progress['stages'] = [
  { stage: 'registering', at: at(0) },
  { stage: 'snapshot', at: at(0.4) },
  { stage: 'checks', at: at(4) },
  { stage: 'training', at: at(5) },
];
const runs: Run[] = [
  run('logistic', 1, { state: 'done', host: 'gpu-1' }),
  run('logistic', 2, { state: 'failed', host: 'gpu-2', message: 'the trainer crashed (exit code 1)\nreading\nKeyError: day' }),
  run('cnn', 1, { state: 'training', host: 'gpu-1' }),
  run('cnn', 2, { state: 'training', host: 'gpu-2', epoch: 3, message: 'OutOfMemory: CUDA out of memory' }),
  run('cnn', 3),
];
const state = (more: Partial<Progress> = {}, rest: Partial<ViewState> = {}): ViewState => ({
  experimentId: 'digits-20261122-060000-ab12',
  progress: { experimentId: 'digits-20261122-060000-ab12', stage: 'training', waitingFor: '', runs, verdict: null, stages, ...more },
  trainers: new Map([
    ['cnn/1', trains()],
    ['cnn/2', trains({ host: 'gpu-2', step: 800, secondsLeft: 95, loss: 0.4, epoch: 3 })],
  ]),
  places: new Map([['cnn/3', 'a place: number 1 of 4 in line since 06:00:20 UTC']]),
  ...{ silence: '', now: start + 135_000, ...rest },
});
const plain = (columns: number, rows = 40, of = state()): string[] => frame(of, { columns, rows, colour: false });

test.each([40, 80, 120, 200])('a frame of %i columns has every run, stays within the terminal, and is the same with colours', (columns) => {
  const lines = plain(columns);
  expect(lines.every((line) => displayWidth(line) <= columns)).toBe(true);
  expect(frame(state(), { columns, rows: 40, colour: true }).map(stripVTControlCharacters)).toEqual(lines);
  const text = lines.join('\n');
  for (const mark of [
    '✓ snapshot 3.6 s',
    '▸ training 2 min 10 s',
    '· analysis',
    '▸ cnn/1',
    '▸ cnn/2',
    '✗ logistic/2  failed',
    '· cnn/3',
    '✓ logistic/1',
  ])
    expect(text).toContain(mark);
  expect(text).toContain('1 of 5 runs done, 1 failed, 2 training');
  expect(text).toContain('1,200/40,000');
});

test('a wide frame says step, loss, throughput, device, time left, and the restarts with their cause', () => {
  const line = plain(120).find((one) => one.includes('cnn/2'));
  expect(line).toMatch(/^▸ cnn\/2 +800\/40,000 +0\.400 +12,400\/s +gpu-2 NVIDIA H100 80GB HBM3 +2 min +2 restarts: OutOfMemory: CUDA/);
  expect(plain(120).find((one) => one.includes('cnn/3'))).toContain('waiting  a place: number 1 of 4 in line since 06:00:20 UTC');
  expect(plain(120).find((one) => one.includes('logistic/2'))).toBe(
    '✗ logistic/2  failed  on gpu-2, the trainer crashed (exit code 1); last line: KeyError: day',
  );
});

test('columns stand under each other, and a narrow frame leaves out the device before the step', () => {
  const [titles, first, second] = plain(120).slice(plain(120).findIndex((line) => line.includes('samples')));
  expect(titles?.indexOf('device')).toBe(first?.indexOf('gpu-1'));
  expect(titles?.indexOf('device')).toBe(second?.indexOf('gpu-2'));
  expect(plain(40).join('\n')).not.toContain('gpu-1 NVIDIA');
});

test.each([3, 5, 10, 14, 24])('%i rows are enough for a frame: the busiest runs, and how many more there are', (rows) => {
  const many = Array.from({ length: 30 }, (_, i) => run('boosting', i + 1, i < 3 ? { state: 'failed', message: 'crashed' } : {}));
  const lines = plain(80, rows, state({ runs: [...many, ...runs] }));
  expect(lines.length).toBeLessThan(rows);
  const shown = lines.filter((line) => /^[▸·✗✓] \w+\/\d/.test(line)).length;
  const rest = lines.find((line) => line.startsWith('…'));
  expect(Number(/(\d+) (?:more|runs):/.exec(rest ?? '')?.[1])).toBe(35 - shown);
  if (rows >= 5) expect(lines.find((line) => /^[▸·✗✓] \w+\/\d/.test(line))).toMatch(/^▸ cnn/);
  expect(rest).toMatch(/\d+ waiting, 1 done$/);
});

test('the time left of all is said only when every run has one', () => {
  expect(plain(120).join('\n')).not.toContain('about');
  const both = runs.filter(({ state: now }) => now !== 'waiting');
  expect(plain(120, 40, state({ runs: both })).join('\n')).toContain('2 training; about 3 min left');
});

test('what the experiment waits for, what it noted and that nobody answers stand in the frame, whole lines each', () => {
  const waitingFor = 'a person: assay approve digits, or assay reject digits --reason TEXT';
  const lines = plain(
    40,
    40,
    state({ stage: 'approval', waitingFor, findings: ['drift: column x moved'] }, { silence: 'deadline\nexceeded' }),
  );
  expect(lines.join(' ')).toContain(`waits for ${waitingFor}`);
  expect(lines).toContain('! drift: column x moved');
  expect(lines.join(' ')).toContain('no answer, asking again: deadline exceeded');
});

test('before the first answer there is the name, and why there is nothing else', () => {
  expect(plain(80, 24, state({}, { progress: null, silence: 'starting' }))).toEqual([
    'digits-20261122-060000-ab12',
    'no answer, asking again: starting',
  ]);
});

test('stages: what was left out is not shown once it is passed, what is trained again runs again, and an end has its mark', () => {
  const line = (more: Partial<Progress>): string => head(state(more), { columns: 200, rows: 40, colour: false })[1] as string;
  const passed = [...(stages ?? []), { stage: 'analysis' as const, at: at(60) }];
  expect(line({ stage: 'analysis', stages: passed })).toBe(
    '✓ registering 0.4 s  ✓ snapshot 3.6 s  ✓ checks 1.0 s  ✓ training 55 s  ▸ analysis 1 min 15 s  · report',
  );
  const again = [...(stages ?? []), { stage: 'latency' as const, at: at(65) }, { stage: 'training' as const, at: at(75) }];
  expect(line({ stages: again })).toContain('▸ training 2 min 00 s  ✓ latency 10 s  · analysis');
  expect(line({ stage: 'failed', stages: [...(stages ?? []), { stage: 'failed', at: at(6) }] })).toBe(
    '✓ registering 0.4 s  ✓ snapshot 3.6 s  ✓ checks 1.0 s  ✓ training 1.0 s  ✗ failed',
  );
  // An experiment of an earlier version tells no times.
  const { stages: _, ...old } = state().progress as Progress;
  expect(head({ ...state(), progress: old }, { columns: 200, rows: 40, colour: false })[1]).toBe(
    '✓ registering  ✓ snapshot  ✓ checks  ▸ training  · latency  · analysis  · report',
  );
});

test('text of others is cut by what it takes on the screen, never within a character, and brings no codes', () => {
  expect(['模型', '한글', '👩‍👩‍👧', 'é', 'e\u0301', '🇩🇪', '❤️', 'a'].map(displayWidth)).toEqual([4, 4, 2, 1, 1, 2, 2, 1]);
  expect(cutTo('模型-比较', 6)).toBe('模型-…');
  expect(fit('模型', 6)).toBe('模型  ');
  expect(printable(`${escape}[31mred${escape}[0m\r\nnext\u202e${escape}]0;title\u0007!`)).toBe('red next !');
  expect(lineOf([{ text: 'ab', style: 'red' }, { text: 'cd' }], { columns: 2, colour: false })).toBe('a…');
  const evil = state({ runs: [run('a', 1, { state: 'failed', message: `${escape}[2J${escape}[1;1Hgone` })], waitingFor: `x${escape}[5A` });
  expect(frame(evil, { columns: 80, rows: 24, colour: false }).join('')).not.toContain(escape);
});

test('names that are long and wide leave a place for the numbers', () => {
  const long = '模型比较'.repeat(12);
  const of = state({ runs: [run(long, 1, { state: 'training' })] }, { trainers: new Map([[`${long}/1`, trains()]]) });
  for (const columns of [40, 80, 200]) {
    const line = plain(columns, 24, of).find((one) => one.startsWith('▸ 模')) as string;
    expect(line).toContain('…');
    expect(line).toContain('1,200/40,000');
    expect(displayWidth(line)).toBeLessThanOrEqual(columns);
  }
});

test('lines for a log are one a change, without a control character', () => {
  const told: string[] = [];
  const view = plainLines((line) => told.push(line));
  const { stages: all = [], ...progress } = state().progress as Progress;
  view.progress({ ...progress, stage: 'registering', runs: [run('a', 1, { epoch: 0 })], stages: all.slice(0, 1) });
  view.silence('the server\nrestarts');
  view.silence('the server\nrestarts');
  view.progress({ ...progress, runs: [run('a', 1, { state: 'training', host: 'h' })], stages: all });
  view.progress({ ...progress, runs: [run('a', 1, { state: 'training', host: 'h' })], stages: all });
  const message = `the trainer refused its parameters or data (exit code 78)\n${escape}[31mreading rows.csv\nrejected: column day is no number${escape}[0m\n`;
  view.progress({ ...progress, runs: [run('a', 1, { state: 'failed', host: 'h', epoch: 2, message })], stages: all });
  expect(told).toEqual([
    'stage registering',
    '  (the server; last line: restarts)',
    'stage training (checks took 1.0 s)',
    '  a seed 1 training on h',
    '  a seed 1 failed on h (start 2): the trainer refused its parameters or data (exit code 78); last line: rejected: column day is no number',
  ]);
});

test.each([
  ['a terminal', {}, [], true],
  ['a dumb terminal', { TERM: 'dumb' }, [], false],
  ['NO_COLOR', { NO_COLOR: '1' }, [], false],
  ['NO_COLOR before FORCE_COLOR', { NO_COLOR: '1', FORCE_COLOR: '1' }, [], false],
  ['an empty NO_COLOR', { NO_COLOR: '' }, [], true],
  ['FORCE_COLOR=0', { FORCE_COLOR: '0' }, [], false],
  ['--no-color', {}, ['run', '--no-color'], false],
  ['--no-color before FORCE_COLOR', { FORCE_COLOR: '1' }, ['--no-color'], false],
  ['--color before NO_COLOR', { NO_COLOR: '1' }, ['--color'], true],
])('%s decides on colours', (_name, env, words, colours) => {
  expect(colourful({ isTTY: true }, env, words)).toBe(colours);
});

test('a pipe has no colours unless they are forced, and lines are drawn over on real terminals alone', () => {
  expect(colourful({}, {}, [])).toBe(false);
  expect(colourful({}, { CI: '1' }, [])).toBe(false);
  expect(colourful({}, { FORCE_COLOR: '1' }, [])).toBe(true);
  expect([{}, { CI: 'true' }, { TERM: 'dumb' }].map((env) => isScreen({ isTTY: true }, env))).toEqual([true, false, false]);
  expect(isScreen({}, {})).toBe(false);
});
