// Proves: what `assay schedule` and `assay show series/NAME` take and print, without a server: a mistake costs nothing to make, and a series
// can be looked at when Temporal is away.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { timingOf, timingWords } from '../../src/cli/schedule/times';
import { seriesText } from '../../src/cli/schedule/seriesView';
import { lookAt } from '../../src/analysis/series';
import { type Result, type SeriesRecord, refNames } from '../../src/contract';
import { openStore } from '../../src/store';
import { measured, seriesOf } from '../activities/seriesFixture';
import { type Desk, desk } from './assay';

describe('when it fires', () => {
  it.each([
    [{ cron: ['0 2 * * *'], timezone: 'Europe/Berlin' }, 'cron 0 2 * * * · Europe/Berlin · overlap skip · made up for within 1h'],
    [{ every: '36h', offset: '90m', jitter: '5m' }, 'every 36h + 90m · UTC · up to 5m later · overlap skip · made up for within 1h'],
    [
      { calendar: ['weekday=mon-fri,hour=2'], overlap: 'buffer-one' as const, catchup: '2d' },
      'dayOfWeek 1-5 hour 2 · UTC · overlap buffer-one · made up for within 2d',
    ],
    [{ calendar: ['month=jan,jul,day=1,hour=*/6'] }, 'month 1,7 dayOfMonth 1 hour 0-23/6 · UTC · overlap skip · made up for within 1h'],
    [
      { calendar: ['{"hour": [2, 14], "dayOfWeek": {"start": "MONDAY", "end": "FRIDAY"}}'], pauseOnFailure: true },
      'hour 2,14 dayOfWeek 1-5 · UTC · overlap skip · made up for within 1h · pauses on failure',
    ],
  ])('%j reads as %s', (options, words) => {
    expect(timingWords(timingOf(options))).toBe(words);
  });

  it.each([
    [{}, /no time: give --cron/],
    [{ cron: ['0 2 * *'] }, /--cron 0 2 \* \*: expected five fields/],
    [{ every: '5 parsecs' }, /--every 5 parsecs: expected a duration/],
    [{ every: '0h' }, /--every 0h: expected a duration/],
    [{ cron: ['@daily'], offset: '1h' }, /--offset 1h: it moves the times of --every/],
    [{ calendar: ['hour=24'] }, /hour 24: expected a value or range within 0 to 23/],
    [{ calendar: ['weekday=fri-mon'] }, /dayOfWeek fri-mon: expected a value or range/],
    [{ calendar: ['fortnight=1'] }, /"fortnight" is no field/],
    [{ calendar: ['{"hour": 2'] }, /--calendar \{"hour": 2: /],
    [{ cron: ['@daily'], timezone: 'Mars/Olympus' }, /--timezone Mars\/Olympus: expected a name/],
    [{ cron: ['@daily'], catchup: '5s' }, /--catchup 5s: expected at least 10s/],
    [{ cron: ['@daily'], startAt: 'soon' }, /--start-at soon: expected a time/],
  ])('%j is refused', (options, message) => {
    expect(() => timingOf(options)).toThrow(message);
  });

  it('takes a time without a zone as UTC, whatever the zone of the machine', () => {
    const zone = process.env.TZ;
    process.env.TZ = 'America/New_York';
    try {
      for (const startAt of ['2026-11-22T02:00', '2026-11-22 02:00:00', '2026-11-22T02:00:00Z', '2026-11-22T03:00:00+01:00'])
        expect([startAt, timingOf({ cron: ['@daily'], startAt }).startAt]).toEqual([startAt, '2026-11-22T02:00:00.000Z']);
      expect(timingOf({ cron: ['@daily'], startAt: '2026-11-22' }).startAt).toBe('2026-11-22T00:00:00.000Z');
    } finally {
      if (zone === undefined) delete process.env.TZ;
      else process.env.TZ = zone;
    }
  });

  it('changes only what is named, and all times where one is', () => {
    const before = timingOf({ cron: ['0 2 * * *'], timezone: 'Europe/Berlin', catchup: '2h' });
    expect(timingOf({ overlap: 'allow-all' }, before)).toEqual({ ...before, overlap: 'allow-all' });
    expect(timingOf({ every: '12h' }, before)).toMatchObject({
      cron: [],
      every: [{ every: 43_200, offset: 0 }],
      timezone: 'Europe/Berlin',
      catchup: 7200,
    });
  });
});

describe('the effect over time', () => {
  it('is drawn to one scale, with 0 and the margin, and says what decided', () => {
    const text = seriesText(nights([0.006, 0.012, 0.055, 0.06]));
    const lines = text.split('\n');
    expect(lines[0]).toBe('nightly  adopt mlp, decided at look 3 (e3)');
    const drawn = lines.filter((line) => line.includes('●'));
    expect(drawn).toHaveLength(3);
    const zero = new Set(drawn.map((line) => line.search(/[│┼]/)));
    expect(zero.size).toBe(1);
    const places = drawn.map((line) => line.indexOf('●'));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(drawn[2]).toMatch(/adopt \(series: adopt\)$/);
    // The deciding interval lies wholly right of the 0.
    expect(drawn[2]?.indexOf('├')).toBeGreaterThan([...zero][0] ?? 0);
  });

  it('says so where there is none yet', () => {
    expect(seriesText(seriesOf())).toMatch(/^nightly {2}no run yet\naccuracy of mlp minus logistic; superiority\n/);
  });

  it('shows why a look decides nothing, and when the verdict turned', () => {
    const held = measured({ difference: 0.09, standardError: 0.01, outcome: 'inconclusive' });
    const text = seriesText(after(nights([0.06], 'inconclusive'), held));
    expect(text).toContain('look 2: It is inconclusive.');
    expect(seriesText(nights([0.001, 0.021]))).toContain('The verdict turned from inconclusive (look 1, e1) to adopt');
  });
});

describe('the command', () => {
  let at: Desk;
  beforeEach(() => {
    at = desk();
    at.write('data.csv', 'id,label,x\n1,a,1\n2,b,2\n');
    at.write('experiment.yaml', experiment());
  });
  afterEach(() => at.remove());

  it.each([
    [['create', 'nightly', 'absent.yaml', '--every', '1h'], /absent\.yaml: cannot be read/],
    [['create', 'Nightly!', 'experiment.yaml', '--every', '1h'], /Nightly!: expected a name of lower-case letters/],
    [['create', 'nightly', 'experiment.yaml'], /no time: give --cron/],
    [['create', 'nightly', 'experiment.yaml', '--every', '1h', '--alpha', '0.2'], /--alpha 0\.2: expected above 0 and at most 0\.05/],
    [['create', 'nightly', 'experiment.yaml', '--every', '1h', '--set', 'trainig.seeds=[1]'], /trainig.*training/s],
    [['create', 'nightly', 'experiment.yaml', '--every', '1h', '--max-runs', '0'], /--max-runs 0: expected at least 1/],
    [
      ['create', 'nightly', 'experiment.yaml', '--every', '1h', '--ledger', 'new-units', '--set', 'analysis.primary=f1_macro'],
      /f1_macro is no mean over rows/,
    ],
    [['create', 'nightly', 'experiment.yaml', '--every', '1h', '--ledger', 'new-units'], /write analysis\.question: artifact/],
    [['create', 'nightly', 'experiment.yaml', '--every', '1h', '--overlap', 'maybe'], /skip, buffer-one/],
    [['pause', 'nightly'], /no series "nightly" in .*; known: none yet/],
    [['backfill', 'nightly', '--from', '2026-11-08', '--to', '2026-11-01'], /expected a time after --from/],
    [['show', 'nightly'], /no series "nightly"/],
  ])('schedule %j is refused before anything is started', async (args, message) => {
    const { code, out, err } = await at.run(['schedule', ...args]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(message);
    expect(err).not.toContain('starting the embedded stack');
  });

  it('refuses to let a series ask another question, or be decided by another rule', async () => {
    const record: SeriesRecord = {
      ...nights([0.01]),
      question: { ...seriesOf().question, question: 'algorithm', control: 'a', candidates: ['b'] },
    };
    await openStore(`file://${join(at.folder, 'home', 'store')}`).refs.set(refNames.series('nightly'), record, null);
    const apply = (...args: string[]) => at.run(['schedule', 'apply', 'nightly', 'experiment.yaml', ...args]);
    expect(await at.run(['schedule', 'create', 'nightly', 'experiment.yaml', '--every', '1h'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('`assay schedule apply nightly experiment.yaml` changes it'),
    });
    expect(await apply('--set', 'analysis.primary=log_loss')).toMatchObject({
      code: 2,
      err: expect.stringContaining('primary: "accuracy" before, "log_loss" now'),
    });
    expect(await apply('--set', 'analysis.margin=0.01')).toMatchObject({
      code: 2,
      err: expect.stringContaining('margin: 0 before, 0.01 now'),
    });
    expect(await apply('--alpha', '0.01')).toMatchObject({
      code: 2,
      err: expect.stringContaining('fixed before the first look (alpha: 0.05 before, 0.01 now)'),
    });
  });

  it('lists and shows series without a server, as text and as one JSON document', async () => {
    expect(await at.run(['schedule', 'ls'])).toMatchObject({ code: 0, out: expect.stringContaining('no series in') });
    const record = nights([0.001, 0.002]);
    await openStore(`file://${join(at.folder, 'home', 'store')}`).refs.set(refNames.series('nightly'), record, null);
    expect((await at.run(['schedule', 'ls'])).out).toBe('nightly  running      next -  last inconclusive\n');
    expect((await at.run(['show', 'series/nightly'])).out).toBe(`${seriesText(record)}\n`);
    expect(await at.json(['show', 'series/nightly'])).toEqual(record);
    const path = (await at.run(['report', 'series/nightly'])).out.trim();
    expect(readFileSync(path, 'utf8')).toContain('The effect over time');
    expect((await at.run(['report', 'series/nightly', '--format', 'md'])).out).toBe(`\`\`\`text\n${seriesText(record)}\n\`\`\`\n`);
    expect(await at.json(['schedule', 'show', 'nightly'])).toMatchObject({ series: { runs: 2, plan: { alpha: 0.05 } }, schedule: null });
    expect((await at.run(['schedule', 'show', 'nightly'])).out).toContain(
      'fires   cron 0 2 * * * · UTC · overlap skip · made up for within 1h',
    );
    expect(await at.run(['show', 'series/weekly'])).toMatchObject({ code: 2, err: expect.stringContaining('known: nightly') });
  });
});

const experiment = (): string =>
  JSON.stringify({
    name: 'tiny',
    data: { source: 'data.csv', label: 'label', id: 'id' },
    training: { command: ['python', 'train.py'], seeds: [1, 2, 3, 4, 5], budget: { steps: 1 } },
    variants: [
      { name: 'a', control: true, params: { h: 1 } },
      { name: 'b', params: { h: 2 } },
    ],
    varies: ['h'],
    evaluation: { metrics: ['accuracy', 'f1_macro', 'log_loss'] },
  });

function after(record: SeriesRecord, result: Result): SeriesRecord {
  const n = record.looks.length + 1;
  const seen = { experimentId: `e${n}`, when: `2026-11-0${n}T02:00:00.000Z`, result, inputs: String(n), sequence: null };
  const { look, ledger } = lookAt(record, seen);
  const alerts = look.alert === null ? [] : [{ look: n, when: look.when, sentence: look.alert }];
  const over = look.decision === 'adopt' || look.decision === 'keep';
  return {
    ...record,
    looks: [...record.looks, look],
    ledger,
    alerts: [...record.alerts, ...alerts],
    runs: n,
    state: over ? 'decided' : record.state,
  };
}

/** A night a difference, until it is decided. */
function nights(differences: number[], outcome?: 'inconclusive'): SeriesRecord {
  let record = seriesOf();
  for (const difference of differences)
    if (record.state === 'running') record = after(record, measured({ difference, standardError: 0.01, ...(outcome ? { outcome } : {}) }));
  return record;
}
