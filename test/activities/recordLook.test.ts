// Proves, on a real store: a series' looks and its ledger are written once each whatever is tried again, a series without a difference is
// decided no oftener than its alpha says, and a sequence counts each unit once.
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createLookActivities } from '../../src/activities/recordLook';
import { createSeriesActivities } from '../../src/activities/series';
import { addUnits, claimOf, lookAt, noUnits, type UnitDifference } from '../../src/analysis/series';
import { type LookActivities, refNames, type Result, type SeriesRecord, type UnitsSeen } from '../../src/contract';
import { tQuantile } from '../../src/stats';
import { openStore, type Refs, type Store } from '../../src/store';
import { freshStore, removeTemporaryFolders } from '../store/helpers';
import { experimentOn, measured, opened, type Row, seriesOf, uniforms } from './seriesFixture';

afterAll(removeTemporaryFolders);

type Recorded = Awaited<ReturnType<LookActivities['recordLook']>>;

async function look(store: Store, experimentId: string, result: Result): Promise<Recorded> {
  const env = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
  const input = { series: 'nightly', experimentId, when: '2026-11-02T02:00:00.000Z', result: await store.putJson(result) };
  return (await env.run(createLookActivities({ store }).recordLook, input)) as Recorded;
}

async function fail(store: Store, experimentId: string): Promise<void> {
  const env = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
  const deps = { store, tell: async () => undefined, pause: async () => undefined };
  const failure = {
    series: 'nightly',
    experimentId,
    when: '2026-11-02T02:00:00.000Z',
    status: 'failed' as const,
    message: 'TrainerFailed: it',
  };
  await env.run(createSeriesActivities(deps).recordSeriesFailure, failure);
}

async function recordOf(store: Store): Promise<SeriesRecord> {
  const found = await store.refs.get<SeriesRecord>(refNames.series('nightly'));
  if (found === null) throw new Error('no record');
  return found.value;
}

const night = (difference: number, i: number, standardError = 0.01): Result =>
  measured({ difference, standardError, snapshot: `sha256:${i}` });

describe('the ledger', () => {
  it('spends 6 alpha / (π² k²) at look k, and decides where the p value is at or below it', async () => {
    const { store } = freshStore();
    await opened(store, seriesOf());
    // p = 0.036 beats 5 %, but not the share of the first look; p = 0.0027 is above that of the third.
    for (const [i, difference] of [0.021, 0.01, 0.03, 0.05].entries()) await look(store, `e${i}`, night(difference, i));
    const { looks, ledger, state } = await recordOf(store);
    expect(looks.map(({ decision }) => decision)).toEqual(['continue', 'continue', 'adopt', 'closed']);
    for (const [i, entry] of ledger.looks.entries()) expect(entry.boundary).toBeCloseTo((6 * 0.05) / (Math.PI * (i + 1)) ** 2, 15);
    expect(looks.map(({ verdict }) => verdict)).toEqual(['adopt', 'inconclusive', 'adopt', 'adopt']);
    expect(looks[0]).toMatchObject({ confidence: 1 - (6 * 0.05) / Math.PI ** 2, information: 1000 });
    expect(looks[0]?.low).toBeLessThan(0);
    expect([state, ledger.looks.length]).toEqual(['decided', 3]);
  });

  it('ends a series as futile where the candidate is shown to be worse', async () => {
    const { store } = freshStore();
    await opened(store, seriesOf());
    expect(await look(store, 'e', night(-0.05, 1))).toMatchObject({ decision: 'keep', summary: { state: 'futile' } });
    expect((await recordOf(store)).state).toBe('futile');
  });

  it('takes nothing for the same inputs again, nor for an invalid or failed run', async () => {
    const { store } = freshStore();
    await opened(store, seriesOf());
    await look(store, 'a', night(0.01, 1));
    expect((await look(store, 'b', night(0.01, 1))).decision).toBe('nothing-new');
    expect((await look(store, 'c', { ...measured({ difference: 0.9, standardError: 0.01, outcome: 'invalid' }) })).decision).toBe(
      'undefined',
    );
    await fail(store, 'd');
    await look(store, 'e', night(0.01, 2));
    const { looks, ledger, failures, runs } = await recordOf(store);
    expect(looks.map(({ alphaSpent }) => alphaSpent > 0)).toEqual([true, false, false, true]);
    expect([ledger.looks.length, failures.length, runs]).toEqual([2, 1, 5]);
  });

  it('holds back an adoption that the experiment itself does not stand by, as with a guardrail open', async () => {
    const { store } = freshStore();
    await opened(store, seriesOf());
    const held = await look(store, 'a', { ...measured({ difference: 0.09, standardError: 0.01, outcome: 'inconclusive' }) });
    const { looks, ledger } = await recordOf(store);
    expect([held.decision, looks[0]?.note, ledger.looks[0]?.pValue]).toEqual(['continue', 'It is inconclusive.', 1]);
    expect(looks[0]?.pValue).toBeLessThan(1e-6);
  });

  it('ends with its budget of runs, failed ones counted, and of GPU-hours', async () => {
    const { store } = freshStore();
    await opened(store, seriesOf({ maxRuns: 3 }));
    await look(store, 'a', night(0.01, 1));
    await fail(store, 'b');
    await fail(store, 'b');
    expect((await recordOf(store)).state).toBe('running');
    await look(store, 'c', night(0.01, 2));
    expect(await recordOf(store)).toMatchObject({ state: 'budget-used', runs: 3 });

    const other = freshStore().store;
    await opened(other, seriesOf({ gpuHours: 1 }));
    const costly = night(0.01, 1);
    const device = { kind: 'cuda' as const, model: 'gpu', uuids: ['GPU-1', 'GPU-2'] };
    const runs = costly.variants[0]?.runs.map((run) => ({ ...run, seconds: 1800, device })) ?? [];
    await look(other, 'a', { ...costly, variants: [{ ...(costly.variants[0] as Result['variants'][number]), runs }] });
    expect(await recordOf(other)).toMatchObject({ state: 'budget-used', gpuHours: 1 });
  });

  it('says when the verdict turns, and only then', async () => {
    const { store } = freshStore();
    await opened(store, seriesOf());
    const [first, second, third] = [
      await look(store, 'a', night(0.001, 1)),
      await look(store, 'b', night(0.021, 2)),
      await look(store, 'c', night(0.022, 3)),
    ];
    expect([first.alert, third.alert]).toEqual([null, null]);
    expect(second.alert).toBe('The verdict turned from inconclusive (look 1, a) to adopt: It is adopt.');
    expect((await recordOf(store)).alerts).toEqual([{ look: 2, when: '2026-11-02T02:00:00.000Z', sentence: second.alert }]);
  });
});

describe('what one experiment claims', () => {
  it.each([
    ['superiority', 0, 0.03, 'adopt'],
    ['superiority', 0.01, 0.03, 'adopt'],
    ['superiority', 0.05, 0.03, 'keep'],
    ['non-inferiority', 0.02, -0.01, 'adopt'],
    ['non-inferiority', 0.02, -0.05, 'keep'],
    ['equivalence', 0.03, 0.01, 'equivalent'],
    ['equivalence', 0.03, 0.06, 'keep'],
  ] as const)(
    '%s with margin %d at a difference of %d points to %s, its p value at the share of alpha where the interval meets the margin',
    (test, margin, difference, points) => {
      const result = (standardError: number) => measured({ difference, standardError, test, margin });
      const claim = claimOf(result(0.01));
      expect(claim?.points).toBe(points);
      // The rule by intervals and the p value are one: at the p value's own confidence a bound of the interval lies on the margin.
      const pValue = claim?.pValue ?? 1;
      const { low, high } = claim?.at(test === 'equivalence' ? 1 - 2 * pValue : 1 - pValue) ?? {};
      const bounds = test === 'superiority' ? [margin] : test === 'non-inferiority' ? [-margin] : [margin, -margin];
      expect(Math.min(...bounds.flatMap((bound) => [Math.abs((low ?? 9) - bound), Math.abs((high ?? 9) - bound)]))).toBeLessThan(1e-9);
    },
  );

  it('widens an interval over five seeds by quantiles of t with four degrees of freedom', () => {
    const five = measured({ difference: 0.02, standardError: 0.01, question: 'algorithm' });
    const runs = [1, 2, 3, 4, 5].map((seed) => ({ ...(five.variants[0]?.runs[0] as Result['variants'][number]['runs'][number]), seed }));
    const result = { ...five, variants: five.variants.map((variant) => ({ ...variant, runs })) };
    const { low } = result.comparisons[0] as Result['comparisons'][number];
    const wide = claimOf(result)?.at(0.9995).low ?? 0;
    expect((0.02 - wide) / (0.02 - (low ?? 0))).toBeCloseTo(tQuantile(0.99975, 4) / tQuantile(0.975, 4), 10);
  });

  it('of several candidates is that of the one ahead, all paid for; and against all only where each is shown not to be ahead', () => {
    const base = measured({ difference: 0.03, standardError: 0.01 });
    const [first] = base.comparisons as [Result['comparisons'][number]];
    const behind = measured({ difference: -0.05, standardError: 0.01 }).comparisons.map((c) => ({ ...c, variant: 'boosting' }));
    expect(claimOf({ ...base, comparisons: [first, ...behind] })).toMatchObject({
      points: 'adopt',
      pValue: 2 * (first.pValue ?? 0),
      comparison: { variant: 'mlp' },
    });
    const undefinedOne = { ...first, difference: null, low: null, high: null, pValue: null };
    expect(
      claimOf({ ...base, verdict: { ...base.verdict, outcome: 'keep', variant: null }, comparisons: [undefinedOne, ...behind] }),
    ).toBeNull();
  });
});

describe('a series without a difference', () => {
  // Half of the rows of each night are those of the night before; what is compared is never better.
  it('is decided in at most 5 % of 2,000 series of 30 looks, where deciding at 95 % each night would be in over 30 %', () => {
    const uniform = uniforms(7);
    const normal = (): number => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    let [decided, naive] = [0, 0];
    for (let series = 0; series < 2000; series++) {
      let record = seriesOf();
      let last = normal();
      let fooled = false;
      for (let i = 0; i < 30 && record.state === 'running'; i++) {
        const fresh = normal();
        const result = measured({ difference: (0.01 * (last + fresh)) / Math.SQRT2, standardError: 0.01 });
        fooled ||= result.verdict.outcome !== 'inconclusive';
        const taken = lookAt(record, { experimentId: `e${i}`, when: '', result, inputs: String(i), sequence: null });
        const over = taken.look.decision === 'adopt' || taken.look.decision === 'keep';
        record = { ...record, looks: [...record.looks, taken.look], ledger: taken.ledger, state: over ? 'decided' : 'running' };
        last = fresh;
      }
      if (record.state === 'decided') decided += 1;
      if (fooled) naive += 1;
    }
    expect(decided / 2000).toBeLessThanOrEqual(0.05);
    expect(decided).toBeGreaterThan(20);
    expect(naive / 2000).toBeGreaterThan(0.3);
  });
});

describe('a sequence without a difference', () => {
  it.each(['accuracy', 'log_loss'] as const)(
    'of %s is decided in at most 5 % of 300 series of 30 looks at 40 new units each',
    (primary) => {
      const uniform = uniforms(11);
      const drawn = (unit: string): UnitDifference => {
        // A tenth of the pairs is discordant; log losses of either arm have heavy tails.
        const side = uniform() < 0.5 ? 'variant' : 'control';
        const alone = uniform() < 0.1 ? side : null;
        if (primary === 'accuracy') return { unit, alone, difference: alone === null ? 0 : alone === 'variant' ? 1 : -1 };
        return { unit, alone: null, difference: Math.log(uniform()) - Math.log(uniform()) };
      };
      let decided = 0;
      for (let series = 0; series < 300; series++) {
        let record = seriesOf({ scheme: 'new-units' }, { primary });
        let units = noUnits;
        for (let i = 0; i < 30 && record.state === 'running'; i++) {
          const differences = Array.from({ length: 40 }, (_, j) => drawn(`u${i}-${j}`));
          const sequence = addUnits(units, { differences, exact: primary === 'accuracy' });
          units = sequence.units ?? units;
          const seen = { experimentId: `e${i}`, when: '', result: night(0, i), inputs: String(i), sequence };
          const { look: taken, ledger } = lookAt(record, seen);
          const over = taken.decision === 'adopt' || taken.decision === 'keep';
          record = { ...record, looks: [...record.looks, taken], ledger, state: over ? 'decided' : 'running' };
        }
        if (record.state === 'decided') decided += 1;
      }
      expect(decided / 300).toBeLessThanOrEqual(0.05);
    },
  );
});

describe('new units', () => {
  const rows = (from: number, count: number, right: (i: number) => [boolean, boolean]): Row[] =>
    Array.from({ length: count }, (_, i) => {
      const [control, variant] = right(from + i);
      return { id: `r${String(from + i).padStart(6, '0')}`, label: (from + i) % 2 === 0 ? 0 : 1, control, variant };
    });

  it('are counted once, however often a look shows them', async () => {
    const { store } = freshStore();
    await opened(store, seriesOf({ scheme: 'new-units' }));
    const right = (i: number): [boolean, boolean] => [i % 10 !== 0, i % 12 !== 0];
    await look(store, 'a', await experimentOn(store, rows(0, 100, right)));
    expect((await look(store, 'b', await experimentOn(store, rows(0, 100, right)))).decision).toBe('nothing-new');
    await look(store, 'c', await experimentOn(store, rows(50, 100, right)));
    const { looks, units, ledger } = await recordOf(store);
    expect(looks.map(({ newUnits, information }) => [newUnits, information])).toEqual([
      [100, 100],
      [0, 1000],
      [50, 150],
    ]);
    expect([units !== null, ledger.looks.length]).toEqual([true, 2]);
    const seen = await store.getJson<UnitsSeen>(units as NonNullable<typeof units>);
    expect(new Set(seen.units).size).toBe(150);
    const all = rows(0, 150, right).map(({ control, variant }) => Number(variant) - Number(control));
    expect(seen.mean).toBeCloseTo(all.reduce((sum, d) => sum + d, 0) / 150, 12);
    expect(seen.squares).toBeCloseTo(
      all.reduce((sum, d) => sum + (d - seen.mean) ** 2, 0),
      10,
    );
    expect(seen.outcomes).toHaveLength(all.filter((d) => d !== 0).length);
  });

  it('show a true difference over many looks, each of which is too small alone', async () => {
    const { store } = freshStore();
    await opened(store, seriesOf({ scheme: 'new-units' }));
    const decisions: string[] = [];
    for (let i = 0; i < 8; i++) {
      const result = await experimentOn(
        store,
        rows(i * 60, 60, (row) => [row % 7 !== 0, row % 30 !== 0]),
      );
      decisions.push((await look(store, `e${i}`, result)).decision);
    }
    expect(decisions[0]).toBe('continue');
    expect(decisions).toContain('adopt');
    expect(decisions.slice(decisions.indexOf('adopt') + 1).every((decision) => decision === 'closed')).toBe(true);
    const { looks } = await recordOf(store);
    const at = looks.find(({ decision }) => decision === 'adopt');
    expect(at?.sequence?.e).toBeGreaterThanOrEqual(20);
  });

  it('are users where rows belong to users, and one user with many rows weighs no more than another', async () => {
    const { store } = freshStore();
    await opened(store, seriesOf({ scheme: 'new-units' }));
    const user = (i: number): string => `u${i < 50 ? 0 : i}`;
    const found = rows(0, 100, (i) => [i >= 50, true]).map((row, i) => ({ ...row, unit: user(i) }));
    await look(store, 'a', await experimentOn(store, found));
    const { looks } = await recordOf(store);
    expect(looks[0]).toMatchObject({ newUnits: 51, information: 51, decision: 'continue' });
    expect(looks[0]?.sequence?.difference).toBeCloseTo(1 / 51, 12);
  });
});

describe('a worker that dies', () => {
  it('after the record was written doubles nothing', async () => {
    const { store } = freshStore();
    await opened(store, seriesOf());
    const dying = withRefs(store, {
      set: async (...args) => {
        await store.refs.set(...args);
        throw new Error('killed');
      },
    });
    await expect(look(dying, 'a', night(0.01, 1))).rejects.toThrow('killed');
    expect(await look(store, 'a', night(0.01, 1))).toMatchObject({ look: 1, decision: 'continue' });
    expect(await recordOf(store)).toMatchObject({ runs: 1, looks: [{ experimentId: 'a' }], ledger: { looks: [{ look: 1 }] } });
  });

  it('before it was written loses nothing', async () => {
    const { store } = freshStore();
    await opened(store, seriesOf({ scheme: 'new-units' }));
    const dying = withRefs(store, { set: () => Promise.reject(new Error('killed')) });
    const result = await experimentOn(store, [{ id: 'a', label: 1, control: true, variant: false }]);
    await expect(look(dying, 'a', result)).rejects.toThrow('killed');
    expect(await recordOf(store)).toMatchObject({ runs: 0, units: null });
    expect(await look(store, 'a', result)).toMatchObject({ look: 1 });
    expect(await recordOf(store)).toMatchObject({ runs: 1, looks: [{ newUnits: 1 }] });
  });

  it('or two that record at once leave one look each', async () => {
    const { store, root } = freshStore();
    await opened(store, seriesOf());
    const others = Array.from({ length: 5 }, () => openStore(`file://${root}`));
    await Promise.all(others.map((each, i) => look(each, `e${i}`, night(0.001, i))));
    const { looks, ledger, runs } = await recordOf(store);
    expect([looks.map((each) => each.look), ledger.looks.map((each) => each.look), runs]).toEqual([[1, 2, 3, 4, 5], [1, 2, 3, 4, 5], 5]);
    expect(new Set(looks.map(({ experimentId }) => experimentId)).size).toBe(5);
  });
});

/** The store, but for some of its names' methods. */
function withRefs(store: Store, refs: Partial<Refs>): Store {
  const over = <T extends object>(base: T, changed: Partial<T>): T =>
    new Proxy(base, {
      get(target, key) {
        if (key in changed) return changed[key as keyof T];
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
      },
    });
  return over(store, { refs: over(store.refs, refs) } as Partial<Store>);
}
