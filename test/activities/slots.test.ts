// Proves: a host hands out no more places than it has, in order, and neither a lost answer nor a dead claimant costs one.
import { Slots } from '../../src/activities';
import type { Claim } from '../../src/contract';

const never = new AbortController().signal;

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describe('places', () => {
  it('are given in the order of asking, as they become free', async () => {
    const slots = new Slots('host-a', 1);
    const first = await slots.claim('a', false, never);
    const given: string[] = [];
    const asked = ['b', 'c', 'd'].map((holder) => note(slots.claim(holder, false, never), holder, given));
    await settle();
    expect(given).toEqual([]);
    slots.release(first.claimId);
    await settle();
    expect(given).toEqual(['b']);
    slots.release((await (asked[0] as Promise<Claim>)).claimId);
    await settle();
    expect(given).toEqual(['b', 'c']);
    slots.release((await (asked[1] as Promise<Claim>)).claimId);
    await settle();
    expect(given).toEqual(['b', 'c', 'd']);
    expect(slots.used).toBe(1);
  });

  it('are not freed by a late attempt whose successor has taken over', async () => {
    const slots = new Slots('host-a', 1);
    const claim = await slots.claim('a', false, never);
    const late = slots.occupy(claim, 'a');
    const successor = slots.occupy(claim, 'a');
    slots.release(claim.claimId, late);
    expect(slots.used).toBe(1);
    slots.release(claim.claimId, successor);
    expect(slots.used).toBe(0);
  });

  it('name the host and are told apart', async () => {
    const slots = new Slots('host-a', 2);
    const [a, b] = [await slots.claim('a', false, never), await slots.claim('b', false, never)];
    expect([a.host, b.host]).toEqual(['host-a', 'host-a']);
    expect(a.claimId).not.toBe(b.claimId);
    expect(slots.used).toBe(2);
  });

  it('are not given to a claimant that was cancelled while it waited', async () => {
    const slots = new Slots('host-a', 1);
    const first = await slots.claim('a', false, never);
    const cancel = new AbortController();
    const waiting = slots.claim('b', false, cancel.signal);
    cancel.abort(new Error('cancelled'));
    await expect(waiting).rejects.toThrow('cancelled');
    slots.release(first.claimId);
    expect(slots.used).toBe(0);
  });
});

describe('an exclusive claim', () => {
  it('waits until nothing else is held', async () => {
    const slots = new Slots('host-a', 2);
    const [a, b] = [await slots.claim('a', false, never), await slots.claim('b', false, never)];
    const given: string[] = [];
    void note(slots.claim('latency', true, never), 'latency', given);
    slots.release(a.claimId);
    await settle();
    expect(given).toEqual([]);
    slots.release(b.claimId);
    await settle();
    expect(given).toEqual(['latency']);
  });

  it('keeps later ones out while it is held, and while its work goes on', async () => {
    const slots = new Slots('host-a', 4);
    const exclusive = await slots.claim('latency', true, never);
    const given: string[] = [];
    void note(slots.claim('a', false, never), 'a', given);
    await settle();
    slots.occupy(exclusive, 'experiment');
    await jest.advanceTimersByTimeAsync(3_600_000);
    expect(given).toEqual([]);
    slots.release(exclusive.claimId);
    await settle();
    expect(given).toEqual(['a']);
  });
});

describe('a claimant that asks again', () => {
  it('gets the place it has, since the answer was lost', async () => {
    const slots = new Slots('host-a', 1);
    const first = await slots.claim('a', false, never);
    expect(await slots.claim('a', false, never)).toEqual(first);
    expect(slots.used).toBe(1);
  });

  it('gets a place of its own when its former one is at work', async () => {
    const slots = new Slots('host-a', 2);
    const first = await slots.claim('a', false, never);
    slots.occupy(first, 'a');
    expect((await slots.claim('a', false, never)).claimId).not.toBe(first.claimId);
  });
});

describe('a place whose claimant never came', () => {
  it('is free again after a while, without anybody asking for it back', async () => {
    const slots = new Slots('host-a', 1);
    await slots.claim('a', false, never);
    const given: string[] = [];
    void note(slots.claim('b', false, never), 'b', given);
    await jest.advanceTimersByTimeAsync(80_000);
    expect(given).toEqual([]);
    await jest.advanceTimersByTimeAsync(15_000);
    expect(given).toEqual(['b']);
  });

  it('is kept for ever once the work has begun', async () => {
    const slots = new Slots('host-a', 1);
    slots.occupy(await slots.claim('a', false, never), 'a');
    const given: string[] = [];
    void note(slots.claim('b', false, never), 'b', given);
    await jest.advanceTimersByTimeAsync(6 * 3_600_000);
    expect(given).toEqual([]);
  });
});

describe('a trainer found running when the worker starts', () => {
  it('holds its place until it is adopted, and then still one', async () => {
    const slots = new Slots('host-a', 1);
    slots.expect('run');
    const given: string[] = [];
    void note(slots.claim('other', false, never), 'other', given);
    await settle();
    slots.occupy({ host: 'host-a', claimId: 'of-the-former-worker' }, 'run');
    expect(slots.used).toBe(1);
    await jest.advanceTimersByTimeAsync(3_600_000);
    expect(given).toEqual([]);
    slots.release('of-the-former-worker');
    await settle();
    expect(given).toEqual(['other']);
  });

  it('gives its place up when nobody adopts it', async () => {
    const slots = new Slots('host-a', 1);
    slots.expect('run');
    const given: string[] = [];
    void note(slots.claim('other', false, never), 'other', given);
    await jest.advanceTimersByTimeAsync(125_000);
    expect(given).toEqual(['other']);
  });

  it('is adopted over the number of places, since it is running already', () => {
    const slots = new Slots('host-a', 1);
    slots.occupy({ host: 'host-a', claimId: 'x' }, 'run-x');
    slots.occupy({ host: 'host-a', claimId: 'y' }, 'run-y');
    expect(slots.used).toBe(2);
  });
});

async function note(claim: Promise<Claim>, name: string, given: string[]): Promise<Claim> {
  const got = await claim;
  given.push(name);
  return got;
}

/** Lets what is ready run on, without a step of the clock. */
const settle = (): Promise<void> => jest.advanceTimersByTimeAsync(0);
