import { analyse, latencyBlocks, type Analysis, type AnalysisInput, type RunConduct } from '../../src/analysis';
import { type Check, noRemedy, type RegisteredPlan, type Remedy, type TelemetrySummary, remedyText } from '../../src/contract';
import { experiment, run } from './simulate';

const arms = [{ name: 'mlp' }, { name: 'cnn', skill: 1.5 }];
const half: Remedy = { ...noRemedy, level: 1, microBatchDivisor: 2 };
const all: Remedy = { level: 4, microBatchDivisor: 4, gradientCheckpointing: true, precision: 'bf16' };

describe('remedies against a lack of memory', () => {
  test('that differ between variants make the comparison invalid', () => {
    const { verdict, checks } = analyse(conducted({ cnn: { remedy: half } }));
    expect(verdict).toMatchObject({
      outcome: 'invalid',
      variant: null,
      sentence:
        'The comparison is invalid: Variants were trained with different remedies: mlp without; cnn was trained with micro-batches of half the batch.',
    });
    expect(check(checks, 'remedies')).toMatchObject({ status: 'fail', gate: true });
  });

  test('that the spec declared beforehand are a deviation, said before every other reason', () => {
    const { verdict, checks } = analyse({ ...conducted({ cnn: { remedy: all } }), unequalRemedies: true });
    expect(verdict).toMatchObject({ outcome: 'adopt', variant: 'cnn' });
    expect(verdict.reasons[0]).toBe(
      'Declared beforehand: mlp without; cnn was trained with micro-batches of a quarter of the batch, gradient checkpointing and bf16.',
    );
    expect(check(checks, 'remedies')).toMatchObject({ status: 'warn', gate: false });
  });

  test('that differ between the seeds of one variant are named by seed', () => {
    const input = conducted({});
    Object.assign(input.variants[1]?.runs[2]?.conduct as RunConduct, { remedy: half });
    expect(check(analyse(input).checks, 'remedies').detail).toBe(
      'Variants were trained with different remedies: mlp without; cnn seed 1, 2, 4, 5 without; cnn seed 3 was trained with micro-batches of half the batch.',
    );
  });

  test('that all variants share are as fair as none', () => {
    expect(check(analyse(conducted({ mlp: { remedy: half }, cnn: { remedy: half } })).checks, 'remedies')).toMatchObject({
      status: 'pass',
      detail: 'Every run was trained with micro-batches of half the batch.',
    });
    expect(check(analyse(conducted({})).checks, 'remedies').detail).toBe('Every run was trained as the spec says.');
  });

  test('are no matter of a variant that was trained elsewhere', () => {
    const input = conducted({ cnn: { remedy: half } });
    const [control, candidate] = input.variants as [AnalysisInput['variants'][number], AnalysisInput['variants'][number]];
    const old = { ...control, pretrained: true, runs: control.runs.slice(0, 1) };
    expect(check(analyse({ ...input, variants: [old, candidate] }).checks, 'remedies').status).toBe('pass');
  });

  test('have words for every level of the ladder', () => {
    expect([noRemedy, half, { ...half, gradientCheckpointing: true }, { ...noRemedy, precision: 'bf16' as const }].map(remedyText)).toEqual(
      ['', 'micro-batches of half the batch', 'micro-batches of half the batch and gradient checkpointing', 'bf16'],
    );
  });
});

describe('clocks', () => {
  const hot = { smClockMhz: 1410, throttledShare: 0.4, throttleReasons: { hw_thermal_slowdown: 12 } };
  const guardrails = [{ metric: 'training_seconds', limit: 0.5, relative: true }];
  const timed = (cnn: Partial<TelemetrySummary>, plan: Partial<RegisteredPlan>) =>
    analyse(conducted({ mlp: { telemetry: telemetry({}) }, cnn: { telemetry: telemetry(cnn) } }, plan));

  test('more than 10 % apart for heat leave a guardrail on time undecided, though its numbers would pass', () => {
    expect(timed({}, { guardrails }).verdict.outcome).toBe('adopt');
    const { verdict, checks, comparisons } = timed(hot, { guardrails });
    expect(verdict.outcome).toBe('inconclusive');
    expect(verdict.sentence).toMatch(/but the guardrail on training time is open; inconclusive$/);
    expect(verdict.reasons.join(' ')).toContain(
      'is open: it is confounded by cnn seed 1 at 1410 MHz against mlp seed 1 at 1755 MHz (ratio 0.80; hw_thermal_slowdown)',
    );
    expect(check(checks, 'clocks')).toMatchObject({ status: 'fail', gate: false });
    const seconds = comparisons.find(({ metric }) => metric === 'training_seconds');
    expect(seconds?.notes.join(' ')).toContain('Confounded: cnn seed 1 at 1410 MHz');
    expect(seconds).not.toHaveProperty('confounded');
    expect(comparisons.find(({ metric }) => metric === 'accuracy')?.notes.join(' ')).not.toContain('Confounded');
  });

  test('leave a broken guardrail on time undecided too', () => {
    const tight = [{ metric: 'training_seconds', limit: 0.5, relative: true }];
    const slow = [{ name: 'mlp' }, { name: 'cnn', skill: 1.5, seconds: 30 }];
    const of = (cnn: Partial<TelemetrySummary>) =>
      analyse(conducted({ mlp: { telemetry: telemetry({}) }, cnn: { telemetry: telemetry(cnn) } }, { guardrails: tight }, slow)).verdict;
    expect(of({})).toMatchObject({ outcome: 'keep', harm: true });
    expect(of(hot)).toMatchObject({ outcome: 'inconclusive', harm: false });
  });

  test('decide nothing where the primary is a time', () => {
    const { verdict } = timed(hot, { primary: 'training_seconds', metrics: ['training_seconds'] });
    expect(verdict.outcome).toBe('inconclusive');
    expect(verdict.sentence).toMatch(/^training time is confounded, so it decides nothing\./);
  });

  test('are a warning where no time decides, and the verdict stands', () => {
    const { verdict, checks } = timed(hot, { metrics: ['accuracy', 'gpu_hours'] });
    expect(verdict.outcome).toBe('adopt');
    expect(check(checks, 'clocks').status).toBe('warn');
  });

  test.each<[string, Partial<TelemetrySummary>]>([
    ['less than 10 % apart', { ...hot, smClockMhz: 1600 }],
    ['apart without a thermal or hardware reason', { smClockMhz: 1410 }],
    ['that the device does not report', { ...hot, smClockMhz: null }],
  ])('%s confound nothing', (_, of) => {
    const { verdict, checks } = timed(of, { guardrails });
    expect(verdict.outcome).toBe('adopt');
    expect(check(checks, 'clocks').status).toBe('pass');
  });

  test('are no subject without telemetry', () => {
    expect(analyse(conducted({})).checks.map(({ name }) => name)).not.toContain('clocks');
  });
});

describe('findings', () => {
  test('name runs on different models of device', () => {
    const { checks, verdict } = analyse(conducted({ mlp: { deviceModel: 'NVIDIA A100' }, cnn: { deviceModel: 'NVIDIA H100' } }));
    expect(check(checks, 'devices')).toMatchObject({
      status: 'warn',
      gate: false,
      statistic: 2,
      detail: 'Runs were trained on different devices: NVIDIA A100: mlp seed 1, 2, 3, 4, 5; NVIDIA H100: cnn seed 1, 2, 3, 4, 5.',
    });
    expect(verdict.outcome).toBe('adopt');
    expect(check(analyse(conducted({})).checks, 'devices').detail).toBe('Every run was trained on cpu.');
  });

  test('tell crashes of a trainer from restarts that were no fault of it', () => {
    const failures = { crash: 0, infrastructure: 1, preemption: 2, outOfMemory: 0 };
    expect(check(analyse(conducted({ cnn: { failures } })).checks, 'restarts')).toMatchObject({
      status: 'pass',
      statistic: 15,
      detail: 'Trainers were started again, and through no fault of theirs: cnn in 5 runs (5 host or engine, 10 yielded).',
    });
    expect(check(analyse(conducted({ cnn: { failures: { ...failures, crash: 1 } } })).checks, 'restarts')).toMatchObject({
      status: 'warn',
      gate: false,
      detail: 'Trainers ended by themselves before they were done: cnn in 5 runs (5 crashed, 5 host or engine, 10 yielded).',
    });
    expect(check(analyse(conducted({})).checks, 'restarts')).toMatchObject({ status: 'pass', statistic: 0 });
  });

  test('count the crashes of a run that never finished', () => {
    const input = conducted({});
    const lost = input.variants[1]?.runs[0] as AnalysisInput['variants'][number]['runs'][number];
    Object.assign(lost, run(1, null), {
      conduct: { ...conduct({}), failures: { crash: 5, infrastructure: 0, preemption: 0, outOfMemory: 0 } },
    });
    expect(check(analyse(input).checks, 'restarts').detail).toBe(
      'Trainers ended by themselves before they were done: cnn in 1 run (5 crashed).',
    );
  });

  test('name what a run left behind', () => {
    const input = conducted({});
    Object.assign(input.variants[0]?.runs[1]?.conduct as RunConduct, { leaks: ['process 4711 still holds 812 MiB of GPU-1'] });
    const { checks, verdict } = analyse(input);
    expect(check(checks, 'leftovers')).toMatchObject({
      status: 'warn',
      gate: false,
      detail: 'Runs left something behind: mlp seed 2: process 4711 still holds 812 MiB of GPU-1.',
    });
    expect(verdict.outcome).toBe('adopt');
  });

  test('are none where predictions are all that is known', () => {
    const names = analyse(experiment({ seed: 1 })).checks.map(({ name }) => name);
    expect(names).toEqual(['pairs-complete', 'runs-complete']);
  });
});

describe('what a device says of a run', () => {
  const metrics = ['accuracy', 'gpu_utilization', 'gpu_hours', 'energy', 'data_stall'];

  test('becomes metrics with differences, paired by seed', () => {
    const input = conducted(
      { mlp: { telemetry: telemetry({}), dataStall: 0.02 }, cnn: { telemetry: telemetry({}), dataStall: 0.05 } },
      { metrics },
    );
    for (const [index, run] of (input.variants[1]?.runs ?? []).entries()) {
      Object.assign(run.conduct as RunConduct, {
        telemetry: telemetry({ gpuHours: 0.3 + index / 100, energyJoules: 3000, utilization: 0.5 }),
      });
    }
    const { comparisons, variants } = analyse(input);
    const of = (metric: string) => comparisons.find((comparison) => comparison.metric === metric);
    expect(of('gpu_hours')?.difference).toBeCloseTo(0.12, 10);
    expect(of('gpu_hours')).toMatchObject({ method: 'paired-t', n: 5 });
    expect(of('energy')?.difference).toBeCloseTo(1000, 8);
    expect(of('gpu_utilization')?.difference).toBeCloseTo(-0.4, 10);
    expect(of('data_stall')?.difference).toBeCloseTo(0.03, 10);
    expect(variants[0]?.runs[0]?.metrics).toMatchObject({ gpu_utilization: 0.9, gpu_hours: 0.2, energy: 2000, data_stall: 0.02 });
  });

  test('is undefined, never NaN and never 0, where it says nothing', () => {
    const silent = telemetry({ utilization: null, energyJoules: null });
    const analysis = analyse(conducted({ mlp: { telemetry: silent }, cnn: { telemetry: silent } }, { metrics, primary: 'energy' }));
    expect(analysis.comparisons.find(({ metric }) => metric === 'energy')).toMatchObject({ difference: null, low: null });
    expect(analysis.variants[0]?.runs[0]?.metrics).toMatchObject({ gpu_utilization: null, energy: null, data_stall: null });
    expect(analysis.verdict.outcome).toBe('inconclusive');
    expect(JSON.stringify(analysis)).not.toMatch(/NaN/);
  });
});

describe('latency blocks of a throttled device', () => {
  const lines = (variant: string, factor: number, throttled: readonly number[]) =>
    latencyBlocks(
      variant,
      Array.from({ length: 200 }, (_, i) => {
        const block = Math.floor(i / 20);
        const hot = throttled.includes(block) && i % 20 > 10;
        return {
          block,
          step: i,
          batch: 32,
          ms: factor * (4 + (i % 7) / 10) * (hot ? 3 : 1),
          warmup: false,
          ...(hot ? { throttled: true } : {}),
        };
      }),
    );
  const plan = { metrics: ['latency_p95'], guardrails: [{ metric: 'latency_p95', limit: 0.2, relative: true }] };
  const of = (mlp: number[], cnn: number[]) => analyse({ ...conducted({}, plan), latency: [lines('mlp', 1, mlp), lines('cnn', 1, cnn)] });

  test('are dropped whole and counted, and the other arm loses the block they are paired with', () => {
    const { variants, comparisons, checks, verdict } = of([], [2, 5]);
    expect(variants[1]?.latency).toMatchObject({ dropped: 2, blocks: 8, count: 160 });
    expect(variants[1]?.latency?.max).toBeLessThan(5);
    const p95 = comparisons.find(({ metric }) => metric === 'latency_p95');
    expect(p95).toMatchObject({ n: 320, difference: 0 });
    expect(check(checks, 'latency-blocks')).toMatchObject({
      status: 'warn',
      detail: 'Latency blocks were dropped, since the device was throttled: cnn 2 of 10.',
    });
    expect(verdict.outcome).toBe('adopt');
  });

  test('leave no number where they are all there is, and the guardrail open', () => {
    const all = Array.from({ length: 10 }, (_, block) => block);
    const analysis = of(all, all);
    expect(analysis.variants[0]?.latency).toBeNull();
    expect(analysis.comparisons.find(({ metric }) => metric === 'latency_p95')).toMatchObject({
      difference: null,
      notes: [expect.stringContaining('20 blocks were dropped, since the device was throttled.')],
    });
    expect(analysis.verdict.outcome).toBe('inconclusive');
    expect(JSON.stringify(analysis)).not.toMatch(/NaN/);
  });
});

function conducted(
  of: Record<string, Partial<RunConduct>>,
  plan: Partial<RegisteredPlan> = {},
  these: Parameters<typeof experiment>[0]['arms'] = arms,
): AnalysisInput {
  const input = experiment({ seed: 4, plan, arms: these ?? arms });
  for (const variant of input.variants) for (const each of variant.runs) each.conduct = conduct(of[variant.name] ?? {});
  return input;
}

function conduct(changes: Partial<RunConduct>): RunConduct {
  const failures = { crash: 0, infrastructure: 0, preemption: 0, outOfMemory: 0 };
  return { remedy: noRemedy, failures, leaks: [], deviceModel: 'cpu', telemetry: null, dataStall: null, ...changes };
}

function telemetry(changes: Partial<TelemetrySummary>): TelemetrySummary {
  return {
    samples: 720,
    seconds: 720,
    utilization: 0.9,
    peakMemoryBytes: 2e9,
    smClockMhz: 1755,
    energyJoules: 2000,
    maxTemperatureCelsius: 60,
    throttledShare: 0,
    throttleReasons: {},
    gpuHours: 0.2,
    ...changes,
  };
}

function check(checks: Analysis['checks'], name: string): Check {
  const found = checks.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no check ${name}`);
  return found;
}
