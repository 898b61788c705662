import { type Lease, leaseTerms } from '../../src/contract';
import { payloadProblem, poolStateLimitBytes } from '../../src/contract/payload';
import {
  type PlacementState,
  closed,
  drain,
  emptyState,
  expire,
  holders,
  type PackedState,
  pack,
  place,
  placementTerms,
  quota,
  release,
  report,
  request,
  unpack,
  view,
  weight,
} from '../../src/placement';
import { GiB, ask, device, hostReport, minute, second } from './world';

const start = 1_700_000_000_000;
const four = (name: string, change = {}) => [0, 1, 2, 3].map((i) => device(`${name}${i}`, change));

describe('leases', () => {
  test('a run gets the device that its memory fits best, behind a hard limit', () => {
    const pool = poolOf(hostReport('a', [device('large', { sharing: 'mps' }), device('small', { sharing: 'mps', memoryBytes: 24 * GiB })]));
    const [lease] = pool.ask('r', { gpuMemoryBytes: 20 * GiB });
    expect(lease?.devices).toEqual([{ uuid: 'small', memoryBytes: 20 * GiB, sharing: 'mps' }]);
  });

  test('runs share a device with a hard limit until its memory is given out', () => {
    const pool = poolOf(hostReport('a', [device('a0', { sharing: 'partition' })]));
    expect(pool.ask('one', { gpuMemoryBytes: 30 * GiB })).toHaveLength(1);
    expect(pool.ask('two', { gpuMemoryBytes: 30 * GiB })).toHaveLength(1);
    expect(pool.ask('three', { gpuMemoryBytes: 30 * GiB })).toEqual([]);
    expect(pool.ask('four', { gpuMemoryBytes: 20 * GiB })).toHaveLength(1);
  });

  test('a device without a hard limit is leased whole, however little is asked', () => {
    const pool = poolOf(hostReport('a', [device('a0')]));
    expect(pool.ask('one', { gpuMemoryBytes: GiB })[0]?.devices).toEqual([{ uuid: 'a0', memoryBytes: null, sharing: 'whole' }]);
    expect(pool.ask('two', { gpuMemoryBytes: GiB })).toEqual([]);
  });

  test('a MIG instance is a small whole device, and the device it is cut from is not leased', () => {
    const instance = device('m', { parent: 'a0', model: 'H100 MIG 1g.10gb', memoryBytes: 10 * GiB, sharing: 'mps' });
    const pool = poolOf(hostReport('a', [device('a0'), instance]));
    expect(pool.ask('one', { gpuMemoryBytes: GiB })[0]?.devices).toEqual([{ uuid: 'm', memoryBytes: null, sharing: 'mig' }]);
    expect(pool.ask('two')).toEqual([]);
  });

  test('all devices of a lease are on one host and of one model', () => {
    const pool = poolOf(hostReport('a', [device('a0')]), hostReport('b', [device('b0'), device('b1', { model: 'A100' })]));
    expect(pool.ask('pair', { gpus: 2 })).toEqual([]);
    expect(pool.why('pair')).toBe('no host reports 2 healthy devices of one model');
  });

  test('work on the CPU keeps off the hosts with devices and takes a place there only when the others are full', () => {
    const pool = poolOf(hostReport('a', four('a')), hostReport('b', [], { places: 1 }));
    expect(pool.ask('one', { gpus: 0 })[0]).toMatchObject({ host: 'b', model: 'cpu', devices: [] });
    expect(pool.ask('two', { gpus: 0 })[0]?.host).toBe('a');
  });

  test('an exclusive lease needs an empty host, and nothing joins it', () => {
    const pool = poolOf(hostReport('a', four('a')));
    const [first] = pool.ask('one');
    expect(pool.ask('alone', { exclusiveHost: true, experimentId: 'other' })).toEqual([]);
    expect(pool.why('alone')).toBe('waits for an empty host: a has 1 lease');
    expect(pool.release(first!).map(({ requestId }) => requestId)).toEqual(['alone']);
    expect(pool.ask('two')).toEqual([]);
  });

  test('runs of one experiment stay on one device model, remembered for an hour after the last', () => {
    const pool = poolOf(
      hostReport('a', [device('a0')]),
      hostReport('b', [device('b0', { model: 'A100' }), device('b1', { model: 'A100' })]),
    );
    const [first] = pool.ask('one');
    expect(first?.model).toBe('A100');
    pool.ask('two');
    expect(pool.ask('three')).toEqual([]);
    expect(pool.why('three')).toBe('waits for 1 free device of A100: b has 0 free of 2');
    for (const lease of pool.leases()) pool.release(lease);
    for (const lease of pool.leases()) pool.release(lease);
    pool.ask('elsewhere', { experimentId: 'x' });
    pool.ask('elsewhere too', { experimentId: 'x' });
    pool.pass(59 * minute);
    expect(pool.ask('four')).toEqual([]);
    pool.release({ requestId: 'four', leaseId: '' });
    pool.pass(61 * minute);
    expect(pool.ask('five')[0]?.model).toBe('H100');
  });

  test('what failed a run before is avoided while anything else of its model could serve it', () => {
    const avoid = { hosts: ['a'], devices: [] };
    const both = poolOf(hostReport('a', [device('a0')]), hostReport('b', [device('b0')]));
    both.ask('other', { experimentId: 'other', avoid });
    expect(both.ask('r', { avoid })).toEqual([]);
    const alone = poolOf(hostReport('a', [device('a0')]));
    expect(alone.ask('r', { avoid })).toHaveLength(1);
  });

  test('an ill device is not given, and one that failed a run only after it was well for a while', () => {
    const ill = device('a0', { health: { state: 'faulty', reasons: ['XID 79: the device has fallen off the bus'] } });
    const pool = poolOf(hostReport('a', [ill]));
    expect(pool.ask('r')).toEqual([]);
    expect(pool.why('r')).toBe('every device that a host reports is unhealthy or set aside');
    const [lease] = pool.report(hostReport('a', [device('a0')]));
    expect(lease?.requestId).toBe('r');
    pool.release(lease!, ['a0']);
    expect(pool.view().hosts[0]?.devices[0]?.health.state).toBe('suspect');
    expect(pool.ask('again')).toEqual([]);
    pool.pass((leaseTerms.faultySeconds - 20) * second);
    expect(pool.leases()).toEqual([]);
    pool.pass(40 * second);
    expect(pool.leases().map(({ requestId }) => requestId)).toEqual(['again']);
  });

  test('a drained host keeps its leases and gets no new one', () => {
    const pool = poolOf(hostReport('a', four('a')));
    pool.ask('one');
    pool.change((state, now) => drain(state, { host: 'a', drain: true }, now).state);
    expect(pool.ask('two')).toEqual([]);
    expect(pool.why('two')).toBe('every host that reports is drained');
    expect(pool.leases()).toHaveLength(1);
    expect(pool.change((state, now) => drain(state, { host: 'a', drain: false }, now).state)).toHaveLength(1);
  });

  test('a host that is drained by yielding asks each lease there once, of whatever class, and no other', () => {
    const pool = poolOf(hostReport('a', four('a')), hostReport('b', []));
    pool.ask('one', { qos: 'guaranteed' });
    pool.ask('two', { qos: 'besteffort' });
    pool.ask('elsewhere', { gpus: 0 });
    const leaving = drain(pool.state, { host: 'a', drain: true, yield: true }, pool.now);
    expect(leaving.yields.map(({ holder, message: { reason } }) => [holder, reason])).toEqual([
      ['holder-one', 'a is being drained'],
      ['holder-two', 'a is being drained'],
    ]);
    expect(drain(leaving.state, { host: 'a', drain: true, yield: true }, pool.now).yields).toEqual([]);
    expect(drain(pool.state, { host: 'a', drain: true }, pool.now).yields).toEqual([]);
    expect(drain(pool.state, { host: 'a', drain: false, yield: true }, pool.now).yields).toEqual([]);
  });

  test('an experiment holds no more devices than it may, and an owner no more than the quota', () => {
    const pool = poolOf(hostReport('a', four('a')));
    pool.change((state, now) => quota(state, { owner: 'vision-team', limit: 3 }, now));
    pool.ask('one', { owner: 'vision-team', gpus: 2, experimentGpus: 2 });
    expect(pool.ask('two', { owner: 'vision-team', experimentGpus: 2 })).toEqual([]);
    expect(pool.why('two')).toBe('its experiment may hold 2 devices at once and holds 2');
    expect(pool.ask('three', { owner: 'vision-team', gpus: 2, experimentId: 'b' })).toEqual([]);
    expect(pool.why('three')).toBe('quota of vision-team leaves 1 of 3, and it needs 2');
    expect(pool.ask('four', { owner: 'vision-team', experimentId: 'c' })).toHaveLength(1);
    expect(pool.ask('five', { owner: 'vision-team', experimentId: 'c' })).toEqual([]);
    expect(pool.why('five')).toBe('quota of vision-team reached (3 of 3)');
    expect(pool.view().quotas).toEqual([{ owner: 'vision-team', limit: 3, used: 3 }]);
    expect(pool.change((state, now) => quota(state, { owner: 'vision-team', limit: null }, now))).toHaveLength(1);
  });
});

describe('order', () => {
  test('guaranteed goes before standard before besteffort, and in a class who came first', () => {
    const pool = poolOf(hostReport('a', [device('a0')]));
    let [lease] = pool.ask('running', { qos: 'guaranteed' });
    pool.ask('b', { qos: 'besteffort' });
    pool.ask('s1');
    pool.ask('s2');
    pool.ask('g', { qos: 'guaranteed' });
    expect(pool.view().waiting.map(({ request: { requestId } }) => requestId)).toEqual(['g', 's1', 's2', 'b']);
    const order: string[] = [];
    while (lease) {
      [lease] = pool.release(lease);
      if (lease) order.push(lease.requestId);
    }
    expect(order).toEqual(['g', 's1', 's2', 'b']);
  });

  test('in a class owners take turns by what they hold, and who came first goes first only among its own', () => {
    const pool = poolOf(hostReport('a', four('a')));
    const [one] = pool.ask('many1', { owner: 'many' });
    for (const i of [2, 3, 4]) pool.ask(`many${i}`, { owner: 'many' });
    for (const i of [5, 6, 7]) pool.ask(`many${i}`, { owner: 'many' });
    pool.ask('few1', { owner: 'few' });
    pool.ask('few2', { owner: 'few' });
    pool.ask('nobody');
    pool.ask('urgent', { owner: 'many', qos: 'guaranteed' });
    expect(pool.release(one!).map(({ requestId }) => requestId)).toEqual(['urgent']);
    expect(ends(pool, ['many2', 'many3', 'many4', 'urgent'])).toEqual(['few1', 'nobody', 'many5', 'many6']);
  });

  test('an owner of twice the weight holds twice as much where both would have more', () => {
    const six = Array.from({ length: 6 }, (_, i) => device(`a${i}`));
    const pool = poolOf(hostReport('a', six));
    pool.change((state, now) => weight(state, { owner: 'heavy', weight: 2 }, now));
    const [running] = pool.ask('all', { gpus: 6, owner: 'other' });
    for (let i = 0; i < 6; i++) for (const owner of ['light', 'heavy']) pool.ask(`${owner}${i}`, { owner });
    const granted = pool.release(running!).map(({ requestId }) => requestId.slice(0, 5));
    expect(granted.filter((owner) => owner === 'heavy')).toHaveLength(4);
    expect(granted.filter((owner) => owner === 'light')).toHaveLength(2);
    expect(pool.view().weights).toEqual([{ owner: 'heavy', weight: 2 }]);
    pool.change((state, now) => weight(state, { owner: 'heavy', weight: null }, now));
    expect(pool.view().weights).toEqual([]);
  });

  test('a state of an earlier version is served by arrival until its run of the workflow ends', () => {
    const pool = poolOf(hostReport('a', [device('a0')]));
    const { weights: _weights, turns: _turns, ...packed } = pack(pool.state);
    pool.state = unpack(packed);
    const [one] = pool.ask('many1', { owner: 'many' });
    pool.ask('many2', { owner: 'many' });
    pool.ask('few', { owner: 'few' });
    const [two] = pool.release(one!);
    expect(two?.requestId).toBe('many2');
    pool.state = { ...pool.state, turns: true };
    pool.ask('many3', { owner: 'many' });
    expect(pool.release(two!).map(({ requestId }) => requestId)).toEqual(['few']);
  });

  test('a waiter rises one class in ten minutes', () => {
    const pool = poolOf(hostReport('a', [device('a0')]));
    pool.ask('running', { qos: 'guaranteed' });
    pool.ask('b', { qos: 'besteffort' });
    pool.pass(placementTerms.ageing * second);
    pool.ask('s');
    pool.ask('g', { qos: 'guaranteed' });
    expect(pool.view().waiting.map(({ request: { requestId } }) => requestId)).toEqual(['g', 'b', 's']);
  });

  test('smaller runs pass a large one until it has waited for the bound; then the room it needs is kept for it', () => {
    const pool = poolOf(hostReport('a', four('a')));
    const [first] = pool.ask('first');
    pool.ask('large', { gpus: 4, experimentId: 'large' });
    const [second_] = pool.ask('passes');
    expect(second_?.requestId).toBe('passes');
    pool.pass((placementTerms.bound + 1) * second);
    expect(pool.ask('must wait', { qos: 'guaranteed' })).toEqual([]);
    expect(pool.why('must wait')).toContain('kept for an older request; behind 1 request');
    expect(pool.release(first!)).toEqual([]);
    expect(pool.release(second_!).map(({ requestId }) => requestId)).toEqual(['large']);
  });

  test('the pool gives nothing away in front of a waiter whose quota is what it waits for beyond the bound', () => {
    const pool = poolOf(hostReport('a', four('a')));
    pool.change((state, now) => quota(state, { owner: 'team', limit: 2 }, now));
    const [first] = pool.ask('first', { owner: 'team' });
    pool.ask('pair', { owner: 'team', gpus: 2 });
    pool.pass((placementTerms.bound + 1) * second);
    expect(pool.ask('younger', { owner: 'team' })).toEqual([]);
    expect(pool.ask('stranger', { owner: 'other' })).toHaveLength(1);
    expect(pool.release(first!).map(({ requestId }) => requestId)).toEqual(['pair']);
  });
});

describe('yielding', () => {
  test('besteffort is asked once to make room, the youngest first, and no more than is needed', () => {
    const pool = poolOf(hostReport('a', four('a')));
    for (const id of ['b1', 'b2', 'b3', 'b4']) pool.ask(id, { qos: 'besteffort' });
    pool.ask('pair', { gpus: 2 });
    expect(pool.yields).toEqual(['b4', 'b3']);
    expect(pool.why('pair')).toBe('waits for b3 on a, b4 on a to checkpoint and yield');
    pool.pass(minute);
    expect(pool.yields).toHaveLength(2);
    expect(pool.view().leases.filter(({ yielding }) => yielding)).toHaveLength(2);
  });

  test('the room that one leaves is kept for the waiter it was asked for', () => {
    const pool = poolOf(hostReport('a', [device('a0')]));
    const [lease] = pool.ask('b', { qos: 'besteffort' });
    pool.ask('s');
    pool.ask('g', { qos: 'guaranteed' });
    expect(pool.yields).toEqual(['b']);
    expect(pool.release(lease!).map(({ requestId }) => requestId)).toEqual(['s']);
  });

  test('two waiters ask two leases', () => {
    const pool = poolOf(hostReport('a', four('a')));
    for (const id of ['b1', 'b2', 'b3', 'b4']) pool.ask(id, { qos: 'besteffort' });
    pool.ask('s1');
    pool.ask('s2');
    expect(pool.yields).toEqual(['b4', 'b3']);
  });

  test('nobody is asked to yield where that would not help, nor by another besteffort', () => {
    const pool = poolOf(hostReport('a', four('a')));
    pool.ask('s', { gpus: 2 });
    pool.ask('b1', { qos: 'besteffort', gpus: 2 });
    pool.ask('all', { gpus: 4 });
    pool.ask('b2', { qos: 'besteffort' });
    expect(pool.yields).toEqual([]);
  });
});

describe('hosts', () => {
  test('a host with a new session loses the leases that it does not name', () => {
    const pool = poolOf(hostReport('a', four('a')));
    const [kept] = pool.ask('kept');
    pool.ask('gone');
    const kept_ = { lease: kept!, request: ask('kept') };
    pool.pass(minute);
    pool.report(hostReport('a', four('a'), { session: 'a-2', leases: [kept_] }));
    expect(pool.leases().map(({ requestId }) => requestId)).toEqual(['kept']);
  });

  test('a pool without memory takes over what hosts report, and asks what collides to yield, once', () => {
    const before = poolOf(hostReport('a', [device('a0')]));
    const [lease] = before.ask('old');
    const named = hostReport('a', [device('a0')], { leases: [{ lease: lease!, request: ask('old') }] });
    const taken = poolOf(named);
    expect(taken.leases()).toEqual([lease]);

    const other = poolOf(hostReport('a', [device('a0')]));
    other.ask('new');
    other.report(named);
    other.report(named);
    expect(other.leases().map(({ requestId }) => requestId)).toEqual(['new']);
    expect(other.yields).toEqual(['old']);
  });

  test('a released lease does not come back by a late report', () => {
    const pool = poolOf(hostReport('a', [device('a0')]));
    const [lease] = pool.ask('r');
    pool.release(lease!);
    pool.report(hostReport('a', [device('a0')], { leases: [{ lease: lease!, request: ask('r') }] }));
    expect(pool.leases()).toEqual([]);
    expect(pool.ask('r')).toEqual([]);
    expect(pool.view().waiting).toEqual([]);
  });

  test('a lease that its host does not name ends a term after its holder has asked anew', () => {
    const pool = poolOf(hostReport('a', four('a')));
    pool.ask('lost', { holder: 'run' });
    pool.pass(5 * minute);
    expect(pool.leases()).toHaveLength(1);
    pool.ask('next', { holder: 'run' });
    expect(pool.leases().map(({ requestId }) => requestId)).toEqual(['next']);
  });

  test('one that came back with its host does so too, though its holder had asked elsewhere before', () => {
    const pool = poolOf(hostReport('a', [device('a0')]), hostReport('b', [device('b0')]));
    const [lost] = pool.ask('lost', { holder: 'run' });
    expect(lost?.host).toBe('a');
    pool.silence(placementTerms.expiry * second + second);
    pool.report(hostReport('b', [device('b0')]));
    const [next] = pool.ask('next', { holder: 'run' });
    expect(next?.host).toBe('b');
    const there = hostReport('b', [device('b0')], { leases: [{ lease: next!, request: ask('next', { holder: 'run' }) }] });
    pool.report(there);
    pool.report(hostReport('a', [device('a0')], { leases: [{ lease: lost!, request: ask('lost', { holder: 'run' }) }] }));
    expect(pool.leases().map(({ requestId }) => requestId)).toEqual(['next', 'lost']);
    for (let passed = 0; passed <= placementTerms.expiry; passed += 10) {
      pool.now += 10 * second;
      pool.report(there);
      pool.report(hostReport('a', [device('a0')]));
    }
    expect(pool.leases().map(({ requestId }) => requestId)).toEqual(['next']);
  });

  test('a pool that was down gives silent hosts a full new term before it ends their leases', () => {
    const pool = poolOf(hostReport('a', four('a')));
    pool.ask('r');
    pool.sleep(10 * minute);
    expect(pool.leases()).toHaveLength(1);
    pool.silence(placementTerms.expiry * second);
    expect(pool.leases()).toHaveLength(1);
    pool.silence(second);
    expect(pool.leases()).toEqual([]);
    expect(pool.view().hosts[0]?.reporting).toBe(false);
  });

  test('what an ended holder asked for goes, and its lease as soon as its host does not name it', () => {
    const pool = poolOf(hostReport('a', [device('a0')]));
    const [lease] = pool.ask('r', { holder: 'dead' });
    const naming = hostReport('a', [device('a0')], { leases: [{ lease: lease!, request: ask('r', { holder: 'dead' }) }] });
    pool.report(naming);
    pool.ask('waits', { holder: 'dead too' });
    expect(holders(pool.state)).toEqual(['dead', 'dead too']);
    const now = pool.now;
    pool.change((state) => closed(state, ['dead', 'dead too'], now, now));
    expect(pool.view().waiting).toEqual([]);
    expect(pool.leases()).toHaveLength(1);
    pool.pass(2 * minute);
    expect(pool.leases()).toEqual([]);
  });
});

describe('waiting', () => {
  test.each<[string, Partial<Parameters<typeof ask>[1]>, string]>([
    ['memory that no device has', { gpuMemoryBytes: 96 * GiB }, 'no host reports a device with 96 GiB'],
    ['more devices than a host has', { gpus: 5 }, 'no host reports 5 healthy devices of one model'],
    ['a device in use', {}, 'waits for 1 free device of H100: a has 0 free of 1'],
  ])('%s is named', (_what, wish, why) => {
    const pool = poolOf(hostReport('a', [device('a0')]));
    pool.ask('running');
    pool.ask('r', { ...wish, experimentId: 'other' });
    expect(pool.why('r')).toBe(why);
  });

  test('without any host it says so', () => {
    const pool = poolOf();
    pool.ask('r', { gpus: 0 });
    expect(pool.why('r')).toBe('no host has reported yet');
  });
});

test('what 128 runs hold and 8,000 wait for fits into the input of the next run of the workflow', () => {
  const pool = poolOf(
    ...Array.from({ length: 16 }, (_, i) =>
      hostReport(
        `host-${i}`,
        Array.from({ length: 8 }, (_, j) => device(uuid(i * 8 + j))),
      ),
    ),
  );
  for (let i = 0; i < 8128; i++) {
    const experimentId = `digits-cnn-vs-mlp-20250101-120000-ab${i % 20}`;
    const holder = `assay/${experimentId}/convolutional/seed-${i}`;
    const requestId = `${holder}/01890a5d-ac96-774b-bcce-b302099a8057/epoch-1`;
    pool.state = request(pool.state, ask(requestId, { holder, experimentId, label: `convolutional seed ${i}` }), pool.now).state;
  }
  pool.change((state) => state);
  expect([pool.state.leases.length, pool.state.waiting.length]).toEqual([128, 8000]);
  for (let i = 0; i < 1000; i++) pool.state = release(pool.state, { requestId: `ended ${i}`, leaseId: '', faulty: [] }, pool.now);
  const carried = pack(pool.state);
  expect(payloadProblem('the state', [{ state: carried }], poolStateLimitBytes)).toBe(null);
  expect(unpack(JSON.parse(JSON.stringify(carried)) as PackedState)).toEqual(pool.state);
});

/** Gives these leases back, one after the other; the requests that are served meanwhile. */
function ends(pool: ReturnType<typeof poolOf>, requestIds: string[]): string[] {
  return requestIds.flatMap((requestId) => {
    const lease = pool.leases().find((held) => held.requestId === requestId);
    return pool.release(lease!).map((granted) => granted.requestId);
  });
}

const uuid = (i: number): string => `GPU-${String(i).padStart(8, '0')}-1111-2222-3333-444444444444`;

/** A pool as the workflow runs it, with a clock that the test moves; hosts go on reporting unless it says otherwise. */
function poolOf(...hosts: ReturnType<typeof hostReport>[]) {
  const pool = {
    now: start,
    state: emptyState(start) as PlacementState,
    /** Request ids of the leases asked to yield. */
    yields: [] as string[],
    change(transition: (state: PlacementState, now: number) => PlacementState): Lease[] {
      pool.state = expire(transition(pool.state, pool.now), pool.now).state;
      const placed = place(pool.state, pool.now);
      const named = [...hosts.flatMap((host) => host.leases.map(({ lease }) => lease)), ...placed.state.leases.map(({ lease }) => lease)];
      pool.yields.push(...placed.yields.map(({ message }) => named.find(({ leaseId }) => leaseId === message.leaseId)?.requestId ?? '?'));
      pool.state = placed.state;
      return placed.grants;
    },
    ask: (id: string, wish: Parameters<typeof ask>[1] = {}) => pool.change((state, now) => request(state, ask(id, wish), now).state),
    release: (lease: { requestId: string; leaseId: string }, faulty: string[] = []) =>
      pool.change((state, now) => release(state, { ...lease, faulty }, now)),
    report(message: ReturnType<typeof hostReport>): Lease[] {
      hosts = [...hosts.filter(({ host }) => host !== message.host), { ...message, leases: [] }];
      return pool.change((state, now) => {
        const result = report(state, message, now);
        pool.yields.push(
          ...result.yields.map(
            (asked) => message.leases.find(({ lease }) => lease.leaseId === asked.message.leaseId)?.request.requestId ?? '?',
          ),
        );
        return result.state;
      });
    },
    /** Time passes while the hosts report. */
    pass(ms: number): void {
      for (let left = ms; left > 0; left -= 10 * second) {
        pool.now += Math.min(left, 10 * second);
        pool.change((state, now) => hosts.reduce((next, host) => report(next, host, now).state, state));
      }
    },
    /** Time passes while no host reports. */
    silence(ms: number): void {
      for (let left = ms; left > 0; left -= 10 * second) {
        pool.now += Math.min(left, 10 * second);
        pool.change((state) => state);
      }
    },
    /** Time passes while the pool is down. */
    sleep(ms: number): void {
      pool.now += ms;
      pool.change((state) => state);
    },
    leases: (): Lease[] => pool.state.leases.map(({ lease }) => lease),
    view: () => view(pool.state, pool.now),
    why: (id: string): string | undefined => pool.view().waiting.find((waiter) => waiter.request.requestId === id)?.why,
  };
  pool.change((state, now) => hosts.reduce((next, host) => report(next, host, now).state, state));
  return pool;
}
