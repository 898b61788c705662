// Proves: the data of an experiment are compared with those before, or with a snapshot that the spec names, column by column and together.
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createAnalysisActivities, dataChecks } from '../../src/activities/analysis';
import { type AnalysisActivities, type Check, type DriftFinding, refNames } from '../../src/contract';
import { snapshotData } from '../../src/data';
import { type Room, room } from '../data/helpers';
import { removeTemporaryFolders } from '../store/helpers';

afterAll(removeTemporaryFolders);

/** 800 rows whose x and y lie evenly between 0 and 1 each; `turned` makes y follow x, which neither column shows. */
function csv({ turned = false, shift = 0 } = {}): string {
  const lines = Array.from({ length: 800 }, (_, i) => {
    const x = (i * 0.618034) % 1;
    const y = turned ? x : (i * 0.754878) % 1;
    const day = new Date(Date.UTC(2025, 0, 1 + Math.floor(i / 8))).toISOString().slice(0, 10);
    return `r${i},${i % 2 === 0 ? 'a' : 'b'},${day},${(x + (i >= 300 ? shift : 0)).toFixed(5)},${y.toFixed(5)}`;
  });
  return `id,label,day,x,y\n${lines.join('\n')}\n`;
}

/** The drift check of `now`, with `before` as the data of the experiment before. */
async function drift(
  at: Room,
  before: string,
  now: string,
  checks: Record<string, unknown>,
  data: Record<string, unknown> = {},
): Promise<Check> {
  at.write('data.csv', before);
  await at.store.refs.set(refNames.latestSnapshot('test'), (await at.snapshot(data)).ref, null);
  at.write('data.csv', now);
  return await check(at, checks, data);
}

async function check(at: Room, checks: Record<string, unknown>, data: Record<string, unknown> = {}): Promise<Check> {
  const more = { checks: { drift: checks } };
  const { snapshot } = await at.snapshot(data, more);
  const found = await dataChecks({ store: at.store, workDir: join(at.root, 'rows') }, at.spec(data, more), snapshot);
  const only = found.find(({ name }) => name === 'drift');
  if (only === undefined) throw new Error('no check of drift');
  return only;
}

const alarms = ({ findings }: Check): DriftFinding[] => (findings ?? []).filter(({ alarm }) => alarm);

describe('against the experiment before', () => {
  test.each(['classifier', 'mmd'])('what only all columns together show is found by `multivariate: %s`', async (multivariate) => {
    const found = await drift(room(), csv(), csv({ turned: true }), { multivariate });
    expect(found).toMatchObject({ status: 'warn', gate: false });
    expect(alarms(found)).toMatchObject([
      { column: 'all columns together', what: 'multivariate', test: multivariate, adjustedPValue: expect.any(Number) as number },
    ]);
    expect(alarms(found)[0]?.adjustedPValue).toBeLessThan(0.01);
    // One test among those of the columns.
    expect((found.findings ?? []).length).toBeGreaterThan(2);
  });

  test('it is not looked for where `multivariate` is none, and the columns alone pass', async () => {
    const found = await drift(room(), csv(), csv({ turned: true }), { multivariate: 'none' });
    expect(found.status).toBe('pass');
    expect((found.findings ?? []).map(({ column }) => column)).not.toContain('all columns together');
  });

  test('equal data pass, together too', async () => {
    expect(await drift(room(), csv(), csv(), { multivariate: 'classifier' })).toMatchObject({ status: 'pass' });
  });

  test('a column that moved is told with rows by their ids, and since when where the split names a time', async () => {
    const split = { time: 'day', before: '2025-04-01' };
    const found = await drift(room(), csv(), csv({ shift: 0.5 }), {}, { split });
    const [x] = alarms(found).filter(({ column }) => column === 'x');
    expect(x?.where?.segment).toMatch(/^from 0\.\d+ on$/);
    const rows = new Map(
      csv({ shift: 0.5 })
        .split('\n')
        .map((line) => line.split(','))
        .map((cells) => [cells[0], Number(cells[3])]),
    );
    const named = x?.where?.rows ?? [];
    expect(named.length).toBeGreaterThan(2);
    for (const id of named) expect(rows.get(id)).toBeGreaterThan(0.85);
    // The rows from 300 on begin on day 37 after the first.
    const began = Date.parse(x?.since ?? '');
    expect(began).toBeGreaterThan(Date.UTC(2025, 0, 20));
    expect(began).toBeLessThanOrEqual(Date.UTC(2025, 1, 10));
  });

  test('the first experiment of a name says that there is nothing to compare with', async () => {
    const at = room();
    at.write('data.csv', csv());
    const found = await check(at, { multivariate: 'classifier' });
    expect(found).toMatchObject({ status: 'pass' });
    expect(found.detail).toBe('There is no earlier snapshot of this experiment to compare with.');
  });
});

describe('against a snapshot that the spec names', () => {
  const take = async (at: Room, content: string | null): Promise<void> => {
    at.write('reference/data.csv', content ?? 'a\n');
    if (content === null) at.write('reference/more.bin', Buffer.from([0]));
    const source = content === null ? 'reference' : 'reference/data.csv';
    await snapshotData({ source, root: at.root, store: at.store, workDir: join(at.root, 'work'), name: 'production' });
  };

  test('all its rows are compared, column by column and together', async () => {
    const at = room();
    at.write('data.csv', csv());
    await take(at, csv({ turned: true }));
    const together = await check(at, { against: 'snapshot:production', multivariate: 'classifier' });
    expect(alarms(together)).toMatchObject([{ column: 'all columns together' }]);
    await take(at, csv({ shift: 0.5 }));
    const moved = await check(at, { against: 'snapshot:production' });
    expect(alarms(moved).map(({ column }) => column)).toEqual(['x']);
    expect(moved.detail).toContain('snapshot:production');
  });

  test('that holds no table is refused, and so is one that is not there', async () => {
    const at = room();
    at.write('data.csv', csv());
    await take(at, null);
    await expect(check(at, { against: 'snapshot:production' })).rejects.toMatchObject({
      type: 'DataInvalid',
      message: expect.stringMatching(/^checks\.drift\.against: .* holds no table/) as string,
    });
    await expect(check(at, { against: 'snapshot:absent' })).rejects.toMatchObject({
      type: 'NotFound',
      message: expect.stringContaining('has no snapshot "absent". Its names are production') as string,
    });
  });
});

test('the activity stores the findings, and the history gets the checks alone', async () => {
  const at = room();
  at.write('data.csv', csv());
  await at.store.refs.set(refNames.latestSnapshot('test'), (await at.snapshot()).ref, null);
  at.write('data.csv', csv({ shift: 0.5 }));
  const { ref: snapshot } = await at.snapshot();
  const deps = { store: at.store, home: at.root, python: null, runtimeDir: at.root, uiUrl: null };
  const spec = await at.store.putJson(at.spec());
  const input = { experimentId: 'test-1', spec, snapshot };
  type Told = Awaited<ReturnType<AnalysisActivities['checkData']>>;
  const { checks, findings } = (await new MockActivityEnvironment().run(createAnalysisActivities(deps).checkData, input)) as Told;
  expect(checks.find(({ name }) => name === 'drift')).toMatchObject({ status: 'warn' });
  for (const each of checks) expect(each).not.toHaveProperty('findings');
  if (!findings) throw new Error('no findings');
  const stored = await at.store.getJson<Record<string, DriftFinding[]>>(findings);
  expect(stored.drift?.some(({ column, alarm }) => column === 'x' && alarm)).toBe(true);
});
