// Proves: the details that the Temporal UI shows say the stage, what is waited for and since when, where each run is, what a person has to do
// and what went wrong; what others wrote cannot break the Markdown, and its length is bounded.
import type { Lease, Progress, SeriesSummary } from '../../src/contract';
import { type RunView, progressDetails, runDetails } from '../../src/workflows/details';
import { seriesDetails } from '../../src/workflows/seriesDetails';

const run = (variant: string, seed: number, state: Progress['runs'][number]['state'], more: Partial<Progress['runs'][number]> = {}) => ({
  variant,
  seed,
  state,
  host: null,
  epoch: 1,
  message: null,
  ...more,
});

const progress = (change: Partial<Progress>): Progress => ({
  experimentId: 'digits-1',
  stage: 'training',
  waitingFor: '',
  runs: [],
  verdict: null,
  ...change,
});

const verdict = {
  outcome: 'adopt',
  harm: false,
  variant: 'cnn',
  sentence: 'cnn is better by 2 pp (95 % interval 1 to 3)',
  reasons: [],
} as const;

describe('an experiment', () => {
  test('before there are runs says its stage and where to look', () => {
    expect(progressDetails(progress({ stage: 'snapshot' }))).toBe(
      '**snapshot**\n\n`assay show digits-1 --waiting` says what each run waits for',
    );
  });

  test('says what it waits for and since when', () => {
    const text = progressDetails(
      progress({ stage: 'latency', waitingFor: 'a host without other work', since: '2026-11-22T03:04:05.678Z' }),
    );
    expect(text.split('\n')[0]).toBe('**latency**, waits for a host without other work (since 2026-11-22 03:04:05 UTC)');
  });

  test('has a row for each run, with where it is and what it last said', () => {
    const runs = [
      run('cnn', 1, 'training', { host: 'host-a', epoch: 2, message: 'the trainer died: signal 9' }),
      run('mlp', 1, 'waiting', { epoch: 0 }),
    ];
    const lines = progressDetails(progress({ runs })).split('\n');
    expect(lines.slice(4, 8)).toEqual([
      '| variant | seed | state | host | start | last message |',
      '| --- | --- | --- | --- | --- | --- |',
      '| cnn | 1 | training | host-a | 2 | the trainer died: signal 9 |',
      '| mlp | 1 | waiting | – | – |  |',
    ]);
  });

  test('of many runs counts them by variant first, and lists those that failed before those that are done', () => {
    const runs = Array.from({ length: 250 }, (_, i) => run(i % 2 === 0 ? 'cnn' : 'mlp', i, i === 249 ? 'failed' : 'done', { host: 'a' }));
    const text = progressDetails(progress({ runs }));
    expect(text).toContain('| cnn | 125 | 0 | 0 | 0 |\n| mlp | 124 | 0 | 0 | 1 |');
    expect(text).toContain('| mlp | 249 | failed | a | 1 |  |\n| cnn | 0 | done');
    expect(text).toContain('and 50 more');
  });

  test('that waits for a person says with which command it goes on', () => {
    const approval = { state: 'waiting', by: null, at: null, reason: '' } as const;
    expect(progressDetails(progress({ stage: 'approval', verdict: { ...verdict, reasons: [] }, approval }))).toContain(
      '`assay approve digits-1` or `assay reject digits-1',
    );
    expect(progressDetails(progress({ paused: true }))).toContain('**Paused**: no run starts. Go on with `assay resume digits-1`');
  });

  test('that was approved says by whom, when and why', () => {
    const approval = { state: 'approved', by: 'ann@host', at: '2026-11-22T10:00:00.000Z', reason: 'looks | right' } as const;
    const text = progressDetails(progress({ stage: 'done', verdict: { ...verdict, reasons: [] }, approval }));
    expect(text).toContain('**approved** by ann@host at 2026-11-22 10:00:00 UTC: looks \\| right');
  });

  test('that is done says the verdict with its interval and reasons, what was noted, and where the report is', () => {
    const text = progressDetails(
      progress({
        stage: 'done',
        verdict: { ...verdict, reasons: ['log_loss is within its limit'] },
        findings: ['sample-ratio: p 0.04'],
        links: { report: 'https://assay.example.org/v1/experiments/digits-1/report', workflow: null },
      }),
    );
    expect(text).toContain('cnn is better by 2 pp (95 % interval 1 to 3)\n\n- log_loss is within its limit');
    expect(text).toContain('Noted:\n\n- sample-ratio: p 0.04');
    expect(text).toContain('[report](https://assay.example.org/v1/experiments/digits-1/report)');
    expect(text.split('\n')[2]).toBe('`assay report digits-1`');
  });

  test('leads to its page and to the log of each run, where people reach the API', () => {
    const links = { report: 'https://assay.example.org/v1/experiments/digits-1/report', workflow: null };
    const text = progressDetails(progress({ runs: [run('c n', 3, 'training')], links }));
    expect(text).toContain(
      '[page](https://assay.example.org/experiments/digits-1) · [at the API](https://assay.example.org/v1/experiments/digits-1)',
    );
    expect(text).toContain('| c n | [3](https://assay.example.org/experiments/digits-1?log=c%20n%2F3#log) | training |');
    const many = Array.from({ length: 51 }, (_, i) => run('cnn', i, 'training'));
    expect(progressDetails(progress({ runs: many, links }))).toContain('| cnn | 0 | training |');
  });

  test('that failed says why, and waits for nothing', () => {
    const text = progressDetails(progress({ stage: 'failed', waitingFor: 'DataInvalid: no column "label"' }));
    expect(text.split('\n')[0]).toBe('**failed**: DataInvalid: no column "label"');
  });

  test('keeps its table whole whatever a trainer wrote', () => {
    const message = 'a | b `c`\n| evil | row | <img src=x onerror=alert(1)> [x](javascript:alert(1))';
    const row = progressDetails(progress({ runs: [run('v', 1, 'failed', { message })] })).split('\n')[6] ?? '';
    expect(row.replaceAll('\\|', '').split('|')).toHaveLength(8);
    expect(row).not.toContain('<img');
    expect(row).toContain('\\[x\\](javascript');
  });

  test('is bounded', () => {
    const runs = Array.from({ length: 200 }, (_, i) => run('cnn', i, 'failed', { message: '日本語 "quoted" '.repeat(100) }));
    const findings = Array.from({ length: 1000 }, (_, i) => `finding ${i} ${'x'.repeat(500)}`);
    expect(Buffer.byteLength(JSON.stringify(progressDetails(progress({ runs, findings }))))).toBeLessThanOrEqual(32_000);
  });
});

describe('a run', () => {
  const lease: Lease = {
    ...{ leaseId: 'l', requestId: 'r', holder: 'h', host: 'host-a', exclusiveHost: false },
    ...{ model: 'NVIDIA A100', devices: [{ uuid: 'GPU-1', memoryBytes: null, sharing: 'whole' as const }] },
  };
  const view = (change: Partial<RunView>): RunView => ({
    ...{ key: { experimentId: 'digits-1', variant: 'cnn', seed: 3 }, state: 'waiting', epoch: 1, since: '2026-11-22T03:04:05.000Z' },
    ...{ lease: null, place: null, history: [], ...change },
  });

  test('that waits says its place in the line and why', () => {
    const place = { place: 3, of: 12, since: '2026-11-22T03:00:00.000Z', why: 'waits for a free place: host-a has 0 of 1 places free' };
    expect(runDetails(view({ place })).split('\n')).toEqual([
      '**cnn seed 3: waiting**, start 1 (since 2026-11-22 03:04:05 UTC)',
      '',
      'Place 3 of 12 in line, asked 2026-11-22 03:00:00 UTC: waits for a free place: host-a has 0 of 1 places free',
      '',
      '`assay logs digits-1 cnn/3 -f`',
    ]);
  });

  test('that trains says its host, its devices and what its earlier starts ended of', () => {
    const text = runDetails(view({ state: 'training', epoch: 2, lease, history: ['epoch 1 on host-b: HostLost: gone'] }));
    expect(text.split('\n')[0]).toBe('**cnn seed 3: training** on host-a, 1 NVIDIA A100 (GPU-1), start 2 (since 2026-11-22 03:04:05 UTC)');
    expect(text).toContain('- epoch 1 on host-b: HostLost: gone');
    expect(text).not.toContain('Waits');
  });

  test('of a paused experiment says what it goes on after', () => {
    expect(runDetails(view({ paused: true }))).toContain('Paused: it goes on after `assay resume digits-1`');
  });

  test('tells the last of many starts', () => {
    const text = runDetails(view({ history: Array.from({ length: 100 }, (_, i) => `epoch ${i + 1}: Preempted`) }));
    expect(text).toContain('- 80 earlier ones\n- epoch 81: Preempted');
    expect(text).toContain('- epoch 100: Preempted');
  });
});

test('a series says where it stands, its alert and its last looks', () => {
  const summary: SeriesSummary = {
    ...{
      name: 'nightly',
      state: 'running',
      sentence: '2 looks | open',
      looks: 2,
      runs: 2,
      cumulativeAlpha: 0.038,
      alert: 'the verdict turned',
    },
    latest: [
      {
        ...{ look: 1, when: '2026-11-22T02:00:00.000Z', experimentId: 'e', verdict: 'keep', difference: 0.0123456, low: null, high: 0.1 },
        decision: 'open' as SeriesSummary['latest'][number]['decision'],
      },
    ],
  };
  const lines = seriesDetails(summary).split('\n');
  expect(lines[0]).toBe('**running**: 2 looks \\| open');
  expect(lines[2]).toBe('**Alert**: the verdict turned');
  expect(lines[4]).toBe('alpha spent: 0.038 · `assay show series/nightly` draws it');
  expect(lines.find((line) => line.startsWith('| 1 |'))).toBe('| 1 | 2026-11-22 02:00 | keep | 0.0123 | – to 0.1 | open |');
  expect(seriesDetails(null)).toBe('**waiting for the first run**');
});
