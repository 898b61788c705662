import { confounded, summarise } from '../../src/gpu';
import { sampleAt } from './helpers';

test('energy is power over time by the trapezoidal rule', () => {
  const samples = [sampleAt(0, { powerWatts: 100 }), sampleAt(1, { powerWatts: 300 }), sampleAt(3, { powerWatts: 300 })];
  expect(summarise(samples)).toMatchObject({ samples: 3, seconds: 3, energyJoules: 200 + 600, gpuHours: 3 / 3600 });
});

test('a gap of over five seconds is neither time nor energy of the run', () => {
  const samples = [0, 1, 100, 101].map((at) => sampleAt(at, { powerWatts: 200 }));
  expect(summarise(samples)).toMatchObject({ seconds: 2, energyJoules: 400 });
});

test('two devices at once are one time and twice the device time', () => {
  const samples = [0, 1, 2].flatMap((at) => [sampleAt(at), sampleAt(at, { uuid: 'GPU-b' })]);
  const summary = summarise(samples);
  expect(summary).toMatchObject({ seconds: 2, energyJoules: 2000 });
  expect(summary.gpuHours).toBeCloseTo(4 / 3600, 12);
});

test('the order of the samples does not matter', () => {
  const samples = [0, 1, 2, 3].map((at) => sampleAt(at, { powerWatts: 100 * at }));
  expect(summarise(samples.toReversed())).toEqual(summarise(samples));
});

test('the clock is the median of the busy samples, and peaks are the largest', () => {
  const samples = [
    sampleAt(0, { utilization: 0.05, smClockMhz: 345, memoryBytes: 1 }),
    sampleAt(1, { smClockMhz: 1900, memoryBytes: 7, temperatureCelsius: 71 }),
    sampleAt(2, { smClockMhz: 1980, memoryBytes: 5 }),
  ];
  expect(summarise(samples)).toMatchObject({ smClockMhz: 1940, peakMemoryBytes: 7, maxTemperatureCelsius: 71 });
  expect(summarise(samples).utilization).toBeCloseTo((0.05 + 0.9 + 0.9) / 3, 12);
});

test('a power cap is counted as a reason and is no throttling', () => {
  const samples = [sampleAt(0, { throttled: ['sw_power_cap'] }), sampleAt(1, { throttled: ['sw_power_cap', 'sw_thermal_slowdown'] })];
  expect(summarise(samples)).toMatchObject({ throttledShare: 0.5, throttleReasons: { sw_power_cap: 2, sw_thermal_slowdown: 1 } });
});

test('what is not reported is null, and no samples are a summary too', () => {
  const bare = { utilization: null, memoryBytes: null, smClockMhz: null, powerWatts: null, temperatureCelsius: null };
  const nothing = { utilization: null, peakMemoryBytes: null, smClockMhz: null, energyJoules: null, maxTemperatureCelsius: null };
  expect(summarise([sampleAt(0, bare), sampleAt(1, bare)])).toMatchObject({ ...nothing, seconds: 1 });
  expect(summarise([])).toMatchObject({ ...nothing, samples: 0, seconds: 0, throttledShare: 0, gpuHours: 0 });
});

test('the samples of an hour and more are summarised', () => {
  const samples = Array.from({ length: 200_000 }, (_, at) => sampleAt(at, { powerWatts: 1 }));
  expect(summarise(samples)).toMatchObject({ seconds: 199_999, peakMemoryBytes: 1e9 });
});

const run = (smClockMhz: number, throttled: string[] = []) => summarise([0, 1, 2, 3].map((at) => sampleAt(at, { smClockMhz, throttled })));

test('a pair with clocks that differ by more than a tenth for heat is confounded', () => {
  const sentence = confounded(run(1980), run(1600, ['hw_thermal_slowdown', 'hw_slowdown']));
  expect(sentence).toBe(
    "the SM clocks were 1980 and 1600 MHz, a ratio of 0.81, with hw_thermal_slowdown, hw_slowdown (100 % of the slower run's samples): " +
      'the times are of the cooling or the power, not of the variants',
  );
});

test.each([
  ['clocks within a tenth', run(1980), run(1790, ['sw_thermal_slowdown'])],
  ['other clocks without a harmful reason', run(1980), run(1500, ['sw_power_cap'])],
  ['clocks that are not reported', run(1980), summarise([sampleAt(0, { smClockMhz: null, throttled: ['hw_slowdown'] })])],
])('%s confound nothing', (_, a, b) => {
  expect(confounded(a, b)).toBeNull();
  expect(confounded(b, a)).toBeNull();
});
