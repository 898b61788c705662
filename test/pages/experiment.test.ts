// Proves the page of an experiment as a pure function: what it says of each state, to whom it offers what, and that all text stays text.
import { experimentPage, type ExperimentView, nobody, type RunView, type Viewer } from '../../src/pages';
import { makeResult } from '../report/fixture';

const admin: Viewer = { name: 'ada', mayRun: true, mayAdmin: true };
const runner: Viewer = { name: 'rob', mayRun: true, mayAdmin: false };

const run = (more: Partial<RunView> = {}): RunView => ({
  ...{ variant: 'candidate', seed: 1, state: 'training', host: 'gpu-1', device: '2 × NVIDIA H100', epoch: 2 },
  ...{
    step: 1200,
    totalSteps: 5000,
    loss: 0.31234,
    throughput: 5120.4,
    secondsLeft: 5400,
    message: '',
    waits: [],
    files: [],
    temporal: null,
  },
  ...more,
});

const view = (more: Partial<ExperimentView> = {}): ExperimentView => ({
  ...{ id: 'digits-20261122-071500-00ff', name: 'digits', hypothesis: null, owner: null, by: 'ada', status: 'running', stage: 'training' },
  ...{ startedAt: '2026-11-22T07:15:00.000Z', finishedAt: null, now: '2026-11-22T07:20:00.000Z', waits: [], answers: true, paused: false },
  ...{ qos: 'standard', approval: null, variants: ['control', 'candidate', 'other'], runs: [run()], curves: [], curvesLeftOut: 0 },
  ...{ findings: [], audit: [], result: null, message: null, temporal: null },
  entered: [
    { stage: 'registering', at: '2026-11-22T07:15:00.000Z' },
    { stage: 'training', at: '2026-11-22T07:15:30.000Z' },
  ],
  ...more,
});

const textOf = (some: ExperimentView, viewer: Viewer = admin): string =>
  experimentPage({ view: some, viewer, log: null, told: null, refused: null }).body.text;

const formsOf = (html: string): string[] =>
  [...html.matchAll(/method="post" action="\/experiments\/[^/]+\/([^"]+)"/g)].map(([, name]) => name as string);

test('a run tells its step, loss, throughput, time left, place and starts', () => {
  const cells = Object.fromEntries([...textOf(view()).matchAll(/data-cell="(\w+)"[^>]*>([^<]*)/g)].map(([, name, text]) => [name, text]));
  expect(cells).toMatchObject({ step: '1,200 of 5,000', loss: '0.3123', rate: '5,120/s', left: '1.5 h', starts: '2' });
  expect(textOf(view())).toContain('gpu-1, 2 × NVIDIA H100');
});

test('the stages that were gone through have their times, the present one is marked, and those to come are named', () => {
  const html = textOf(view());
  expect(html).toMatch(/registering<\/span> <span class="muted"><time datetime="2026-11-22T07:15:00.000Z">07:15:00<\/time> 30 s/);
  expect(html).toMatch(/<li class="current" aria-current="step">.*for 5 min/s);
  expect([...html.matchAll(/class="to-come muted">(\w+)/g)].map(([, name]) => name)).toEqual(['analysis', 'report', 'done']);
});

test('each viewer is offered what the scope and the state allow', () => {
  expect(formsOf(textOf(view(), nobody))).toEqual([]);
  expect(formsOf(textOf(view(), runner))).toEqual(['pause', 'stop-variant', 'add-seeds', 'cancel']);
  expect(formsOf(textOf(view(), admin))).toEqual(['pause', 'stop-variant', 'add-seeds', 'priority', 'cancel']);
  expect(formsOf(textOf(view({ paused: true }), runner))).toEqual(['resume', 'stop-variant', 'add-seeds', 'cancel']);
  expect(formsOf(textOf(view({ stage: 'latency' }), runner))).toEqual(['stop-variant', 'add-seeds', 'cancel']);
  expect(formsOf(textOf(view({ variants: ['control', 'candidate'] }), runner))).toEqual(['pause', 'add-seeds', 'cancel']);
  const waits = { stage: 'approval', approval: { state: 'waiting', by: null, at: null, reason: '' }, result: makeResult() } as const;
  expect(formsOf(textOf(view(waits), admin))).toEqual(['approve', 'reject', 'cancel']);
  expect(formsOf(textOf(view(waits), runner))).toEqual(['cancel']);
  expect(textOf(view(waits), runner)).toContain('waits for somebody with the scope admin');
  expect(formsOf(textOf(view({ status: 'done', stage: 'done', result: makeResult() }), admin))).toEqual([]);
});

test('a failure is told with its mend, and the last lines of its log', () => {
  const html = textOf(
    view({ status: 'failed', stage: 'failed', message: 'TrainerFailed: candidate seed 1 died\nTraceback: line 1\nKeyError' }),
  );
  expect(html).toContain('The trainer failed more often than its budget allows.</strong> candidate seed 1 died');
  expect(html).toContain('Traceback: line 1\nKeyError');
  expect(html).toContain('What to do: Read the log lines attached, mend the trainer, run again.');
  expect(textOf(view({ status: 'failed', stage: 'failed', message: null }))).toContain('It failed.');
  expect(textOf(view({ status: 'cancelled', stage: 'cancelled', message: 'cancelled on request' }))).toContain('It was cancelled.');
});

test('what nobody answers for is said to be unknown, and what it waits for is listed', () => {
  expect(textOf(view({ answers: false, stage: null, entered: [], runs: [] }))).toMatch(/No pool answers for it/);
  expect(textOf(view({ waits: ['a place: number 2 of 3 in line'] }))).toContain('<li>a place: number 2 of 3 in line</li>');
  expect(textOf(view({ runs: [] }))).toContain('None has been started yet.');
});

test('a command within a sentence stands as code, and a column that no run fills is left out', () => {
  const html = textOf(view({ waits: ['a word: `assay approve x`'], runs: [run({ throughput: null, secondsLeft: null })] }));
  expect(html).toContain('<li>a word: <code>assay approve x</code></li>');
  const heads = (page: string): string[] => [...page.matchAll(/<th scope="col"[^>]*>(\w+)/g)].map(([, head]) => head as string);
  expect(heads(html)).toEqual(['Run', 'State', 'Step', 'Loss', 'Where', 'Starts']);
  expect(heads(textOf(view({ runs: [run({ message: 'saves' }), run({ seed: 2, throughput: null })] })))).toEqual([
    ...['Run', 'State', 'Step', 'Loss', 'Samples', 'Left', 'Where', 'Starts', 'Says'],
  ]);
});

test('a curve is drawn in its own range, and told in words and in a table', () => {
  const html = textOf(
    view({
      curves: [
        {
          variant: 'candidate',
          seed: 1,
          points: [
            [1, 2],
            [50, null],
            [100, 0.5],
          ],
        },
        { variant: 'control', seed: 1, points: [[1, 3]] },
        { variant: 'other', seed: 1, points: [[1, null]] },
      ],
    }),
  );
  expect([...html.matchAll(/viewBox="([^"]+)"/g)].map(([, box]) => box)).toEqual(['1 -3 99 2.5', '1 -3 99 2.5']);
  expect(html).toContain('points="1,-2 100,-0.5"');
  expect(html).toContain('seed 1: 0.5 at step 100');
  expect(html).toContain('<th scope="row">candidate seed 1</th><td class="number">2 (step 1)</td>');
  expect(textOf(view({ curves: [{ variant: 'control', seed: 1, points: [[0, 1]] }] }))).toContain('viewBox="0 -1 1 1"');
});

test('text of users, trainers and hosts stays text wherever it stands', () => {
  const bad = `"><img src=x onerror=alert(1)>'`;
  const html = textOf(
    view({
      ...{ name: bad, hypothesis: bad, owner: bad, by: bad, waits: [bad], findings: [bad], variants: [bad, 'b', 'c'] },
      runs: [
        run({ variant: bad, host: bad, device: bad, message: `${bad}\n${bad}`, waits: [bad], files: [{ name: bad, href: bad, size: 1 }] }),
      ],
      curves: [{ variant: bad, seed: 1, points: [[1, 1]] }],
      audit: [{ at: '2026-11-22T07:16:00.000Z', action: 'pause', by: bad, reason: bad, detail: bad }],
      temporal: bad,
    }),
  );
  expect(html).not.toContain('<img');
  expect(html.split('&#60;img src=x').length).toBeGreaterThan(15);
  const failed = textOf(view({ status: 'failed', stage: 'failed', message: `Internal: ${bad}\n${bad}` }));
  expect(failed).not.toContain('<img');
  const refused = experimentPage({
    ...{ view: view(), viewer: admin, told: bad, log: { variant: 'candidate', seed: 1, text: bad, problem: bad } },
    refused: { action: 'add-seeds', message: bad, fields: { seeds: bad, reason: bad } },
  }).body.text;
  expect(refused).not.toContain('<img');
  expect(refused).toContain('role="alert"');
});

test('a thousand runs are a page of bounded size', () => {
  const runs = Array.from({ length: 1000 }, (_, seed) => run({ seed }));
  expect(textOf(view({ runs })).length).toBeLessThan(1.5e6);
});
