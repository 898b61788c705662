import { diagnose } from '../../src/gpu';
import { sampleAt, seeded } from './helpers';

const looks = 1000;

describe('steps without a change', () => {
  test.each([
    ['nearly normal', 0.02, 0],
    ['strongly skewed', 0.4, 0],
    ['with long steps now and then', 0.05, 0.05],
  ])('%s give a false alarm in under 1 %% of the looks, against the past and against peers', (_, sigma, outliers) => {
    const random = seeded(7);
    const steps = (count: number) => Array.from({ length: count }, () => stepOf(random, 0.1, sigma, outliers));
    let alarms = 0;
    for (let look = 0; look < looks; look++) {
      const count = 40 + Math.floor(random() * 160);
      if (diagnose({ samples: [], stepSeconds: steps(count), peers: [steps(count), steps(count)] }).kind !== 'noise') alarms += 1;
    }
    expect(alarms / looks).toBeLessThan(0.01);
  });

  test('of few distinct values give none', () => {
    const random = seeded(9);
    const steps = () => Array.from({ length: 100 }, () => (random() < 0.5 ? 0.1 : 0.12));
    const alarms = Array.from({ length: 1000 }, () => diagnose({ samples: [], stepSeconds: steps() })).filter(
      ({ kind }) => kind !== 'noise',
    );
    expect(alarms.length).toBeLessThan(10);
  });
});

test('steps a quarter slower than before are found in over 95 % of the looks', () => {
  const random = seeded(11);
  let found = 0;
  for (let look = 0; look < 300; look++) {
    const steps = Array.from({ length: 200 }, (_, index) => stepOf(random, index < 150 ? 0.1 : 0.125, 0.1, 0));
    if (diagnose({ samples: [sampleAt(0)], stepSeconds: steps }).kind === 'straggler') found += 1;
  }
  expect(found / 300).toBeGreaterThan(0.95);
});

test('a run slower than its peers is a straggler, with the ratio', () => {
  const random = seeded(3);
  const steps = (seconds: number) => Array.from({ length: 100 }, () => stepOf(random, seconds, 0.02, 0));
  const { kind, sentence } = diagnose({ samples: [], stepSeconds: steps(0.15), peers: [steps(0.1), steps(0.1)] });
  expect(kind).toBe('straggler');
  expect(sentence).toMatch(/^its steps take 1\.(4|5)\d times as long as those of its peers, and no device was held down/);
});

test('a single long step is noise', () => {
  const steps = Array.from({ length: 100 }, (_, index) => (index === 90 ? 30 : 0.1 + (index % 7) / 1000));
  expect(diagnose({ samples: [], stepSeconds: steps })).toEqual({ kind: 'noise', sentence: 'the steps differ no more than by chance' });
});

test('clocks held down for heat are throttling, with the size of the slowdown where there is one', () => {
  const samples = Array.from({ length: 60 }, (_, at) =>
    sampleAt(at, at < 30 ? {} : { smClockMhz: 1200, throttled: ['sw_thermal_slowdown'] }),
  );
  const slow = Array.from({ length: 200 }, (_, index) => (index < 150 ? 0.1 : 0.16) + (index % 7) / 1000);
  const { kind, sentence } = diagnose({ samples, stepSeconds: slow });
  expect(kind).toBe('throttled');
  expect(sentence).toBe(
    'the SM clock was held down to 1200 of 1980 MHz in 50 % of the samples (sw_thermal_slowdown); the last 50 steps take 1.58 times as long as those before',
  );
  expect(diagnose({ samples, stepSeconds: [] }).kind).toBe('throttled');
});

test('a power cap, a moment of heat or heat without lower clocks are no throttling', () => {
  const kinds = [
    Array.from({ length: 60 }, (_, at) => sampleAt(at, { smClockMhz: 1500, throttled: ['sw_power_cap'] })),
    Array.from({ length: 60 }, (_, at) => sampleAt(at, at === 5 ? { smClockMhz: 1200, throttled: ['hw_slowdown'] } : {})),
    Array.from({ length: 60 }, (_, at) => sampleAt(at, { smClockMhz: 1900, throttled: ['sw_thermal_slowdown'] })),
  ].map((samples) => diagnose({ samples, stepSeconds: [] }).kind);
  expect(kinds).toEqual(['noise', 'noise', 'noise']);
});

test('a lost device goes before an XID, and that before throttling', () => {
  const samples = Array.from({ length: 60 }, (_, at) => sampleAt(at, { smClockMhz: 1200, throttled: ['hw_thermal_slowdown'] }));
  const xids = [{ code: 79, busId: '0000:02:00', at: null, text: 'GPU has fallen off the bus.' }];
  expect(diagnose({ samples, stepSeconds: [], xids, lost: 'the device is lost: restart the host' }).kind).toBe('lost');
  expect(diagnose({ samples, stepSeconds: [], xids })).toEqual({
    kind: 'xid',
    sentence: 'XID 79 (the device has fallen off the bus): GPU has fallen off the bus.',
  });
});

test('an XID of a program counts only where the run is slow too', () => {
  const xids = [{ code: 13, busId: '0000:02:00', at: null, text: '' }];
  expect(diagnose({ samples: [], stepSeconds: [], xids }).kind).toBe('noise');
  const slow = Array.from({ length: 200 }, (_, index) => (index < 150 ? 0.1 : 0.16) + (index % 7) / 1000);
  expect(diagnose({ samples: [], stepSeconds: slow, xids }).kind).toBe('xid');
});

/** A log-normal time around `seconds`, and ten times as long with the given chance. */
function stepOf(random: () => number, seconds: number, sigma: number, outliers: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return seconds * Math.exp(sigma * normal) * (random() < outliers ? 10 : 1);
}
