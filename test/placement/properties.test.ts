// Proves, over random arrivals, ends, deaths, time-outs, drains and reports: nothing is given out twice, nothing is lost, limits and
// models are kept, nobody is overtaken beyond the bound, and the same events give the same leases.
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { type Device, type Lease, type LeaseRequest, leaseTerms } from '../../src/contract';
import {
  type PlacementState,
  closed,
  drain,
  emptyState,
  expire,
  pack,
  place,
  placementTerms,
  quota,
  release,
  report,
  request,
  unpack,
  weight,
} from '../../src/placement';
import { GiB, ask, device, hostReport, minute, oversubscribed, second } from './world';

const fleet: { host: string; places: number; devices: Device[] }[] = [
  { host: 'a', places: 6, devices: [device('a0'), device('a1'), device('a2', { sharing: 'mps' }), device('a3', { sharing: 'mps' })] },
  { host: 'b', places: 4, devices: [device('b0', { model: 'A100', memoryBytes: 40 * GiB, sharing: 'partition' }), device('b1')] },
  {
    host: 'c',
    places: 5,
    devices: [
      device('c0'),
      ...['c0m0', 'c0m1', 'c0m2'].map((uuid) =>
        device(uuid, { model: 'H100 MIG 1g.10gb', memoryBytes: 10 * GiB, parent: 'c0', sharing: 'mps' }),
      ),
      device('c1', { model: 'A100', memoryBytes: 40 * GiB }),
    ],
  },
  { host: 'd', places: 3, devices: [] },
];

type Event =
  | { kind: 'ask'; request: Omit<LeaseRequest, 'requestId' | 'holder' | 'label' | 'experimentGpus'> }
  | { kind: 'again' | 'cancel' | 'end' | 'fault' | 'die'; index: number }
  | { kind: 'silence' | 'restart' | 'drain' | 'undrain' | 'ill' | 'well'; host: number }
  | { kind: 'quota'; owner: string; limit: number | null }
  | { kind: 'pause'; seconds: number }
  | { kind: 'amnesia' };

const index = fc.nat({ max: 1000 });
const host = fc.nat({ max: fleet.length - 1 });
const events: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('ask' as const),
      request: fc.record({
        experimentId: fc.constantFrom('one', 'two', 'three'),
        owner: fc.constantFrom(null, 'vision', 'speech'),
        qos: fc.constantFrom('guaranteed' as const, 'standard' as const, 'besteffort' as const),
        gpus: fc.constantFrom(0, 1, 1, 1, 2, 3),
        gpuMemoryBytes: fc.constantFrom(null, 8 * GiB, 30 * GiB, 60 * GiB),
        exclusiveHost: fc.constantFrom(false, false, false, false, true),
        avoid: fc.record({ hosts: fc.subarray(['a', 'b', 'c']), devices: fc.subarray(['a0', 'b0', 'c1']) }),
      }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('again' as const, 'cancel' as const, 'fault' as const, 'die' as const), index }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('end' as const), index }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('silence' as const, 'restart' as const, 'drain' as const, 'undrain' as const, 'ill' as const, 'well' as const),
      host,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('quota' as const),
      owner: fc.constantFrom('vision', 'speech'),
      limit: fc.constantFrom(null, 1, 3),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('pause' as const), seconds: fc.constantFrom(5, 10, 25, 70, 400) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'amnesia' as const }) },
);

/** Plays events against the pool and hosts that behave as hosts do; checks what must always hold after each. */
class World {
  now = 1_700_000_000_000;
  state: PlacementState = emptyState(this.now);
  readonly log: string[] = [];
  private count = 0;
  private readonly requests = new Map<string, LeaseRequest>();
  private readonly ended = new Set<string>();
  /** What the hosts know to run on them. */
  private readonly runs = new Map<string, { lease: Lease; request: LeaseRequest }>();
  private readonly silent = new Set<string>();
  private readonly ill = new Set<string>();
  private readonly sessions = new Map(fleet.map(({ host }) => [host, 1]));
  private readonly yielded = new Set<string>();
  private readonly models = new Map<string, { model: string; at: number }>();

  constructor() {
    this.tick(0);
  }

  play(event: Event): void {
    const held = [...this.runs.values()];
    const one = 'index' in event ? held[event.index % Math.max(1, held.length)] : undefined;
    switch (event.kind) {
      case 'ask': {
        const id = `r${++this.count}`;
        const experimentGpus = event.request.experimentId === 'three' ? 3 : null;
        const asked = { ...ask(id), ...event.request, experimentGpus };
        this.requests.set(id, asked);
        this.state = request(this.state, asked, this.now).state;
        break;
      }
      case 'again': {
        const known = [...this.requests.values()][event.index % Math.max(1, this.requests.size)];
        if (!known) break;
        const before = this.state;
        const { state, grants } = request(before, known, this.now);
        expect(state.waiting.length - before.waiting.length).toBe(
          this.places(known.requestId, before) === 'nowhere' && !this.ended.has(known.requestId) ? 1 : 0,
        );
        expect(grants).toHaveLength(this.places(known.requestId, before) === 'leased' ? 1 : 0);
        this.state = state;
        break;
      }
      case 'cancel': {
        const waiter = this.state.waiting[event.index % Math.max(1, this.state.waiting.length)];
        if (waiter) this.end({ requestId: waiter.request.requestId, leaseId: '' }, []);
        break;
      }
      case 'end':
        if (one) this.end(one.lease, []);
        break;
      case 'fault':
        if (one)
          this.end(
            one.lease,
            one.lease.devices.slice(0, 1).map(({ uuid }) => uuid),
          );
        break;
      case 'die':
        if (!one) break;
        // The host stops what a closed workflow left, and names it no more.
        for (const { request: of } of held.filter((run) => run.request.holder === one.request.holder)) this.ended.add(of.requestId);
        this.runs.delete(one.lease.leaseId);
        this.state = closed(this.state, [one.request.holder], this.now, this.now);
        break;
      case 'silence':
        this.silent.add(this.name(event.host));
        break;
      case 'restart': {
        const name = this.name(event.host);
        this.silent.delete(name);
        this.sessions.set(name, (this.sessions.get(name) ?? 0) + 1);
        for (const [leaseId, { lease }] of this.runs) if (lease.host === name) this.runs.delete(leaseId);
        break;
      }
      case 'drain':
      case 'undrain':
        this.state = drain(this.state, { host: this.name(event.host), drain: event.kind === 'drain' }, this.now).state;
        break;
      case 'ill':
        this.ill.add(fleet[event.host]?.devices[0]?.uuid ?? '');
        break;
      case 'well':
        this.ill.clear();
        break;
      case 'quota':
        this.state = quota(this.state, event, this.now);
        break;
      case 'pause':
        for (let left = event.seconds; left > 0; left -= 15) this.tick(Math.min(15, left));
        return;
      case 'amnesia':
        // Whoever waits asks again in time.
        this.state = [...this.requests.values()]
          .filter(({ requestId }) => this.places(requestId, this.state) === 'waiting')
          .reduce((state, asked) => request(state, asked, this.now).state, { ...emptyState(this.now), quotas: this.state.quotas });
        this.yielded.clear();
        // It cannot know what has ended; nobody asks for that again.
        for (const id of this.ended) this.requests.delete(id);
        break;
    }
    this.tick(0);
  }

  private tick(seconds: number): void {
    this.now += seconds * second;
    for (const { host: name, places, devices } of fleet) {
      if (this.silent.has(name)) continue;
      const here = [...this.runs.values()].filter(({ lease }) => lease.host === name);
      const healthy = devices.map((one) =>
        this.ill.has(one.uuid) ? { ...one, health: { state: 'faulty' as const, reasons: ['XID 79'] } } : one,
      );
      const session = `${name}-${this.sessions.get(name)}`;
      const reported = report(this.state, hostReport(name, healthy, { places, leases: here, session }), this.now);
      this.state = reported.state;
      // Who is refused yields.
      for (const { message } of reported.yields) this.runs.delete(message.leaseId);
    }
    const before = this.state;
    this.state = expire(this.state, this.now).state;
    for (const { lease } of before.leases) {
      if (this.state.leases.some((held) => held.lease.leaseId === lease.leaseId)) continue;
      // The host's guard was earlier.
      expect(this.silent.has(lease.host) || this.ended.has(lease.requestId) || !this.runs.has(lease.leaseId)).toBe(true);
      this.runs.delete(lease.leaseId);
    }
    for (const [leaseId, { lease }] of this.runs) {
      if (this.silent.has(lease.host) && !this.state.leases.some((held) => held.lease.leaseId === leaseId)) this.runs.delete(leaseId);
    }
    // The state survives being carried over at any moment.
    const carried = unpack(JSON.parse(JSON.stringify(pack(this.state))) as ReturnType<typeof pack>);
    const { state, grants, yields } = place(carried, this.now);
    expect(isDeepStrictEqual(plain(place(this.state, this.now)), plain({ state, grants, yields }))).toBe(true);
    this.state = state;
    for (const lease of grants) this.granted(lease);
    for (const { message } of yields) {
      expect(this.yielded.has(message.leaseId)).toBe(false);
      this.yielded.add(message.leaseId);
      expect(state.leases.find(({ lease }) => lease.leaseId === message.leaseId)?.request.qos).toBe('besteffort');
    }
    expect(oversubscribed(state)).toEqual([]);
    expect(state.waiting.filter((waiter) => this.ended.has(waiter.request.requestId))).toEqual([]);
  }

  private granted(lease: Lease): void {
    const asked = this.requests.get(lease.requestId) as LeaseRequest;
    this.log.push(`${this.now} ${lease.leaseId} ${lease.host} ${lease.devices.map(({ uuid }) => uuid).join('+')}`);
    this.runs.set(lease.leaseId, { lease, request: asked });
    expect(
      this.silent.has(lease.host) &&
        this.now - (this.state.hosts.find((one) => one.host === lease.host)?.lastReport ?? 0) > placementTerms.fresh * 1000,
    ).toBe(false);
    expect(this.state.drained).not.toContain(lease.host);
    expect(lease.devices).toHaveLength(asked.gpus);
    expect(new Set(lease.devices.map(({ uuid }) => uuid)).size).toBe(asked.gpus);
    const set = new Set(this.state.setAside.map(({ uuid }) => uuid));
    const here = this.state.hosts.find((one) => one.host === lease.host)?.devices ?? [];
    for (const { uuid, memoryBytes } of lease.devices) {
      const real = here.find((one) => one.uuid === uuid);
      expect(real).toMatchObject({ model: lease.model, health: { state: 'healthy' } });
      expect(set.has(uuid)).toBe(false);
      expect(memoryBytes ?? real?.memoryBytes).toBeGreaterThanOrEqual(asked.gpuMemoryBytes ?? 0);
    }
    if (asked.gpus > 0) {
      const used = this.models.get(asked.experimentId);
      const active = used && this.state.leases.some((held) => held.request.experimentId === asked.experimentId && held.request.gpus > 0);
      if (active && this.state.leases.some((held) => held.lease.model === used.model)) {
        const models = this.state.leases
          .filter((held) => held.request.experimentId === asked.experimentId && held.request.gpus > 0)
          .map((held) => held.lease.model);
        expect(new Set(models).size).toBe(1);
      }
      this.models.set(asked.experimentId, { model: lease.model, at: this.now });
      const devices = this.state.leases.filter((held) => held.request.experimentId === asked.experimentId);
      const total = devices.reduce((sum, held) => sum + held.lease.devices.length, 0);
      if (asked.experimentGpus !== null) expect(total).toBeLessThanOrEqual(asked.experimentGpus);
    }
    const limit = this.state.quotas.find(({ owner }) => owner === asked.owner)?.limit;
    const mine = this.state.leases.filter((held) => held.request.owner === asked.owner);
    if (limit !== undefined) expect(mine.reduce((sum, held) => sum + Math.max(1, held.request.gpus), 0)).toBeLessThanOrEqual(limit);
  }

  private end({ requestId, leaseId }: { requestId: string; leaseId: string }, faulty: string[]): void {
    this.ended.add(requestId);
    this.runs.delete(leaseId);
    this.state = release(this.state, { requestId, leaseId, faulty }, this.now);
    expect(this.places(requestId, this.state)).toBe('nowhere');
  }

  /** Every request that has not ended either waits or has its lease, never both. */
  private places(requestId: string, state: PlacementState): 'waiting' | 'leased' | 'nowhere' {
    const waits = state.waiting.filter((waiter) => waiter.request.requestId === requestId).length;
    const leases = state.leases.filter((held) => held.lease.requestId === requestId).length;
    if (waits + leases > 1) throw new Error(`${requestId} has ${waits} places in the queue and ${leases} leases`);
    return waits > 0 ? 'waiting' : leases > 0 ? 'leased' : 'nowhere';
  }

  /** Requests that neither wait, hold, nor ended. */
  lost(): string[] {
    return [...this.requests.keys()].filter((id) => this.places(id, this.state) === 'nowhere' && !this.ended.has(id));
  }

  private name(at: number): string {
    return fleet[at]?.host ?? '';
  }
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;

const calm = new Set(['silence', 'restart', 'amnesia']);

test('nothing is given out twice, whatever arrives, ends, dies or falls silent', () => {
  fc.assert(
    fc.property(fc.array(events, { minLength: 10, maxLength: 60 }), (script) => {
      const world = new World();
      for (const event of script) world.play(event);
    }),
    { numRuns: 100 },
  );
});

test('no request and no lease is lost while its host lives', () => {
  fc.assert(
    fc.property(fc.array(events, { minLength: 10, maxLength: 60 }), (script) => {
      const world = new World();
      for (const event of script.filter(({ kind }) => !calm.has(kind))) {
        world.play(event);
        expect(world.lost()).toEqual([]);
      }
    }),
    { numRuns: 60 },
  );
});

test('the same events give the same leases', () => {
  fc.assert(
    fc.property(fc.array(events, { minLength: 10, maxLength: 40 }), (script) => {
      const [first, again] = [new World(), new World()];
      for (const event of script) first.play(event);
      for (const event of script) again.play(event);
      expect(again.log).toEqual(first.log);
      expect(again.state).toEqual(first.state);
    }),
    { numRuns: 10 },
  );
});

test('who has waited for the bound is served when what ran before has ended, whatever else arrives', () => {
  const longest = 10 * minute;
  const job = fc.record({
    gpus: fc.constantFrom(0, 1, 1, 1, 2, 4),
    exclusiveHost: fc.constantFrom(false, false, false, false, false, true),
    gpuMemoryBytes: fc.constantFrom(null, 40 * GiB),
    qos: fc.constantFrom('guaranteed' as const, 'standard' as const, 'besteffort' as const),
    seconds: fc.integer({ min: 30, max: longest / second }),
  });
  const hosts = ['a', 'b'].map((name) =>
    hostReport(
      name,
      [0, 1, 2, 3].map((i) => device(`${name}${i}`, { sharing: i < 2 ? 'mps' : 'none' })),
      { places: 6 },
    ),
  );
  let served = 0;
  fc.assert(
    fc.property(fc.array(job, { minLength: 60, maxLength: 160 }), (jobs) => {
      let now = 1_700_000_000_000;
      let state = emptyState(now);
      const ends = new Map<string, number>();
      /** When it came to wait for the bound, and how many older ones waited for it then. */
      const due = new Map<string, { at: number; ahead: number }>();
      for (let arrived = 0; arrived < jobs.length || state.waiting.length > 0; now += 15 * second) {
        for (let i = 0; i < 2 && arrived < jobs.length; i++, arrived++) {
          const { seconds, ...wish } = jobs[arrived]!;
          state = request(state, ask(`r${arrived}`, { ...wish, experimentId: `e${arrived}` }), now).state;
          ends.set(`r${arrived}`, -seconds * second);
        }
        for (const message of hosts) state = report(state, message, now).state;
        for (const { lease, yielding } of state.leases) {
          if (yielding || (ends.get(lease.requestId) ?? 0) <= now) state = release(state, { ...lease, faulty: [] }, now);
        }
        const late = state.waiting.filter(({ since }) => now - since >= placementTerms.bound * second);
        late.forEach(({ request: { requestId } }, ahead) => {
          if (!due.has(requestId)) due.set(requestId, { at: now, ahead });
        });
        const placed = place(expire(state, now).state, now);
        state = placed.state;
        for (const { requestId } of placed.grants) {
          ends.set(requestId, now - (ends.get(requestId) ?? 0));
          const bound = due.get(requestId);
          if (bound) served += 1;
          if (bound) expect(now - bound.at).toBeLessThanOrEqual((bound.ahead + 1) * (longest + 15 * second));
        }
        expect(oversubscribed(state)).toEqual([]);
      }
    }),
    { numRuns: 15 },
  );
  // The load was heavy enough for the bound to matter.
  expect(served).toBeGreaterThan(100);
});

test('no owner who waits has a device less than its share beside one who was served', () => {
  const owner = fc.constantFrom('vision', 'speech', 'search', null);
  const weights = fc.record({ vision: fc.constantFrom(1, 2, 3), speech: fc.constantFrom(0.5, 1), search: fc.constant(1) });
  fc.assert(
    fc.property(fc.array(owner, { minLength: 5, maxLength: 60 }), weights, fc.integer({ min: 1, max: 12 }), (owners, weightOf, devices) => {
      const now = 1_700_000_000_000;
      let state = report(
        emptyState(now),
        hostReport(
          'a',
          Array.from({ length: devices }, (_, i) => device(`a${i}`)),
          { places: 20 },
        ),
        now,
      ).state;
      for (const [name, value] of Object.entries(weightOf)) state = weight(state, { owner: name, weight: value }, now);
      for (const [i, name] of owners.entries()) state = request(state, ask(`r${i}`, { owner: name }), now).state;
      const placed = place(state, now).state;
      expect(placed.leases).toHaveLength(Math.min(devices, owners.length));
      const of = (name: string | null): number => (name === null ? 1 : weightOf[name as keyof typeof weightOf]);
      const held = (name: string | null): number => placed.leases.filter((lease) => lease.request.owner === name).length;
      for (const { request: waiting } of placed.waiting) {
        // The last device that an owner got was given when nobody who waited had less of its share.
        for (const other of new Set(owners)) {
          if (held(other) > 0) expect((held(other) - 1) / of(other)).toBeLessThanOrEqual(held(waiting.owner) / of(waiting.owner));
        }
      }
    }),
  );
});

test('a silent host keeps its leases for exactly the term, the grace and the margin', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 120 }), (silence) => {
      let now = 1_700_000_000_000;
      let state = report(emptyState(now), hostReport('a', [device('a0')]), now).state;
      state = place(request(state, ask('r'), now).state, now).state;
      expect(state.leases).toHaveLength(1);
      // The pool itself is awake all the while.
      for (let i = 0; i < silence; i++) state = expire(state, (now += second)).state;
      expect(state.leases).toHaveLength(silence > leaseTerms.term + leaseTerms.grace + leaseTerms.margin ? 0 : 1);
    }),
    { numRuns: 100 },
  );
});
