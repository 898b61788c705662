// Proves: a run's use over time is the mean of its samples, part by part, and its restarts name step, time and cause.
import { restartsOf } from '../../src/activities/restarts';
import { usageOf } from '../../src/activities/usage';
import { noRemedy, type TelemetrySample } from '../../src/contract';
import { sampleAt, seeded } from '../gpu/helpers';

const linesOf = (samples: readonly TelemetrySample[]): Buffer =>
  Buffer.from(samples.map((sample) => `${JSON.stringify(sample)}\n`).join(''));

describe('use over time', () => {
  test('few samples stand as they are', () => {
    const held = sampleAt(2, { throttled: ['hw_slowdown'], smClockMhz: 900, powerWatts: null });
    expect(usageOf(linesOf([sampleAt(0), sampleAt(1, { utilization: 0.5 }), held]))).toEqual({
      seconds: [0, 1, 2],
      memoryBytes: [1e9, 1e9, 1e9],
      utilization: [0.9, 0.5, 0.9],
      smClockMhz: [1980, 1980, 900],
      temperatureCelsius: [60, 60, 60],
      powerWatts: [500, 500, null],
      throttled: [0, 0, 1],
    });
  });

  test('many are thinned to means of equal parts of the time, as a count by hand has them', () => {
    const random = seeded(3);
    const samples = Array.from({ length: 5000 }, (_, i) =>
      sampleAt(i, { utilization: random(), temperatureCelsius: i % 7 === 0 ? null : 50 + 10 * random() }),
    );
    const series = usageOf(linesOf(samples));
    expect(series?.seconds).toHaveLength(120);
    for (let part = 0; part < 120; part++) {
      const own = samples.filter((_, i) => Math.min(119, Math.floor((i / 4999) * 120)) === part);
      const known = own.flatMap(({ temperatureCelsius }) => temperatureCelsius ?? []);
      expect(series?.utilization[part]).toBeCloseTo(own.reduce((sum, { utilization }) => sum + (utilization ?? 0), 0) / own.length, 2);
      expect(series?.temperatureCelsius[part]).toBeCloseTo(known.reduce((sum, value) => sum + value, 0) / known.length, 0);
    }
  });

  test('of several devices the memory is summed and the rest is meant', () => {
    const both = [0, 1, 2].flatMap((at) => [sampleAt(at), sampleAt(at, { uuid: 'GPU-b', utilization: 0.1, memoryBytes: 3e9 })]);
    expect(usageOf(linesOf(both))).toMatchObject({ seconds: [0, 1, 2], memoryBytes: [4e9, 4e9, 4e9], utilization: [0.5, 0.5, 0.5] });
  });

  test('a device whose samples lie beside those of the other counts in every part', () => {
    const turns = Array.from({ length: 240 }, (_, i) => sampleAt(i / 4, i % 2 === 0 ? {} : { uuid: 'GPU-b', memoryBytes: 3e9 }));
    const memory = usageOf(linesOf(turns))?.memoryBytes ?? [];
    expect(memory.length).toBeGreaterThan(100);
    expect(new Set(memory.slice(1))).toEqual(new Set([4e9]));
  });

  test('the time between two trainers is none of the run', () => {
    expect(usageOf(linesOf([sampleAt(0), sampleAt(1), sampleAt(86_400), sampleAt(86_401)]))).toMatchObject({ seconds: [0, 1, 2] });
  });

  test('lines that cannot be read are left out, and nothing readable is null', () => {
    const cut = Buffer.concat([
      linesOf([sampleAt(0)]),
      Buffer.from('\nnull\n{"timestamp":"never","throttled":[]}\n[1]\n{"timestamp":"2026-'),
    ]);
    expect(usageOf(cut)).toMatchObject({ seconds: [0], utilization: [0.9] });
    expect(usageOf(Buffer.from('no sample\n'))).toBeNull();
    expect(usageOf(Buffer.alloc(0))).toBeNull();
  });

  test('what a device never reports is null throughout', () => {
    expect(usageOf(linesOf([sampleAt(0, { memoryBytes: null }), sampleAt(1, { memoryBytes: null })]))?.memoryBytes).toEqual([null, null]);
  });
});

describe('restarts', () => {
  const start = (epoch: number, step: number, seconds = 0, remedy = 0) => ({ epoch, step, seconds, remedy });

  test('each has the step and the time it went on from, and what had ended the trainer before', () => {
    const starts = [start(1, 0), start(2, 40, 8.5), start(3, 90, 17)];
    const ends = [
      { epoch: 1, cause: 'TrainerCrashed: exit code 1' },
      { epoch: 2, cause: 'paused' },
    ];
    expect(restartsOf({ starts }, { ends, remedy: noRemedy })).toEqual([
      { step: 40, seconds: 8.5, cause: 'TrainerCrashed: exit code 1' },
      { step: 90, seconds: 17, cause: 'paused' },
    ]);
  });

  test('an epoch that never started a trainer is no restart of its own', () => {
    const ends = [
      { epoch: 1, cause: 'HostLost: gone' },
      { epoch: 2, cause: 'ExecutorUnavailable: no engine' },
    ];
    expect(restartsOf({ starts: [start(1, 0), start(3, 10, 2)] }, { ends, remedy: noRemedy })).toEqual([
      { step: 10, seconds: 2, cause: 'HostLost: gone' },
    ]);
  });

  test('under another remedy it began anew', () => {
    const remedy = { ...noRemedy, level: 1, microBatchDivisor: 2 };
    expect(restartsOf({ starts: [start(1, 0), start(2, 0, 0, 1)] }, { ends: [], remedy })).toEqual([
      { step: 0, seconds: 0, cause: 'a run was out of memory: trained again with micro-batches of half the batch' },
    ]);
  });

  test('one start is no restart, and a record of an earlier version tells none', () => {
    expect(restartsOf({ starts: [start(1, 0)] }, { remedy: noRemedy })).toEqual([]);
    expect(restartsOf({}, { remedy: noRemedy })).toBeUndefined();
    expect(restartsOf({ starts: [start(1, 0), start(2, 5, 1)] }, { remedy: noRemedy })).toEqual([
      { step: 5, seconds: 1, cause: 'unknown' },
    ]);
  });
});
