import { analyse, latencyBlocks, type Analysis, type LatencyInput } from '../../src/analysis';
import { experiment, normal, uniform } from './simulate';

/** `blocks` of 6 requests each: 10 give 60 an arm, 12 give 72. */
const lines = (variant: string, seed: number, blocks: number, factor = 1): LatencyInput => {
  const random = uniform(seed);
  const measured = Array.from({ length: blocks * 6 }, (_, i) => ({
    block: Math.floor(i / 6),
    step: i % 6,
    batch: 32,
    ms: factor * (4 + Math.abs(normal(random))),
    warmup: false,
  }));
  return latencyBlocks(variant, measured);
};

const analysed = (latency: LatencyInput[]): Analysis =>
  analyse({ ...experiment({ seed: 9, plan: { metrics: ['latency_p50', 'latency_p95', 'throughput'] } }), latency });
const of = ({ comparisons }: Analysis, metric: string) => comparisons.find((entry) => entry.metric === metric);

describe('the fewest requests of a latency claim', () => {
  test('below 72 requests an arm p95 is a number without interval, and says why; median and rate have theirs', () => {
    const found = analysed([lines('mlp', 1, 10), lines('cnn', 2, 10, 2)]);
    const p95 = of(found, 'latency_p95');
    expect(p95).toMatchObject({ low: null, high: null, pValue: null, n: 120 });
    expect(p95?.difference).toBeGreaterThan(1);
    expect(p95?.notes.join(' ')).toContain('120 requests are too few');
    expect(of(found, 'latency_p50')?.low).toBeGreaterThan(0);
    expect(of(found, 'throughput')?.high).toBeLessThan(0);
    expect(found.variants[0]?.metrics['latency_p95']).toMatchObject({ low: null, high: null });
    expect(found.variants[0]?.metrics['latency_p95']?.estimate).toBeGreaterThan(4);
  });

  test('with 72 an arm p95 is claimed', () => {
    const found = analysed([lines('mlp', 1, 12), lines('cnn', 2, 12, 2)]);
    expect(of(found, 'latency_p95')?.low).toBeGreaterThan(0);
    expect(found.variants[0]?.metrics['latency_p95']?.low).toBeGreaterThan(4);
  });
});

test('a common drift over the blocks is no difference of the arms', () => {
  const drifting = (input: LatencyInput): LatencyInput => ({
    ...input,
    blocks: input.blocks.map((block, i) => block.map((ms) => ms * (1 + i / 12))),
  });
  const found = analysed([drifting(lines('mlp', 3, 12)), drifting(lines('cnn', 4, 12))]);
  for (const metric of ['latency_p50', 'latency_p95', 'throughput']) {
    expect(of(found, metric)?.low).toBeLessThan(0);
    expect(of(found, metric)?.high).toBeGreaterThan(0);
  }
});
