/** Latency of alike arms: requests with a lognormal tail, in blocks by turns (ABBA) on a host that is never quite the same. */
import { error, mistake } from './measures.mjs';
import { stats } from './stats.mjs';

/**
 * Milliseconds a request in blocks of both arms. The host's speed at each turn is autocorrelated noise (5 %) times, where asked for, a linear
 * drift over the whole phase, a warm-up that fades over the first turns, and throttling of single turns by half. Pairs with a turn that is
 * marked as throttled are dropped, as the analysis does.
 */
function measured(
  random,
  { blocks, requests = 40, memory = 0.5, drift = 0, warmup = 0, throttled = 0, marked = false, interleaved = true },
) {
  const turns = 2 * blocks;
  let state = random.normal();
  const a = [];
  const b = [];
  for (let turn = 0; turn < turns; turn++) {
    if (turn > 0) state = memory * state + Math.sqrt(1 - memory * memory) * random.normal();
    const hot = random.uniform() < throttled ? 1.5 : 1;
    const host = Math.exp(0.05 * state + (drift * turn) / (turns - 1) + warmup * Math.exp(-turn / 2)) * hot;
    const block = Float64Array.from({ length: requests }, () => 5 * host * Math.exp(0.3 * random.normal()));
    const pair = turn >> 1;
    // Even pairs go A B, odd ones B A.
    const first = interleaved ? turn % 2 === pair % 2 : turn < blocks;
    (first ? a : b).push({ block, hot: hot > 1 });
  }
  const kept = a.map((_, i) => !marked || !(a[i].hot || b[i].hot));
  const blocksOf = (arm) => arm.filter((_, i) => kept[i]).map(({ block }) => block);
  return { a: blocksOf(a), b: blocksOf(b) };
}

const options = ({ seed, resamples }) => ({ seed, resamples });
const quantileOf = (p) => (data, context) => stats.quantileDifferenceByBlocks(data, p, options(context));
const throughput = (data, context) => stats.meanRateByBlocks(data, 32, options(context));
const metrics = () => [
  error('bootstrap of paired blocks', 'latency_p50', quantileOf(0.5)),
  error('bootstrap of paired blocks', 'latency_p95', quantileOf(0.95)),
  error('bootstrap of paired blocks', 'throughput', throughput),
];

/** A mistake: all requests as if independent. */
const requestsAlone = ({ a, b }) => {
  const flat = (blocks) =>
    Float64Array.from(
      blocks.flatMap((block) => [...block]),
      Math.log,
    );
  const [x, y] = [flat(a), flat(b)];
  const { pValue } = stats.welchTTest(x, y);
  return { pValue };
};

const hosts = {
  'steady host': { memory: 0 },
  'autocorrelated host': {},
  'drift of 30 %': { drift: 0.3 },
  'warm-up tail': { warmup: 0.3 },
  'marked throttling of every tenth turn': { throttled: 0.1, marked: true },
  'unmarked throttling of every tenth turn': { throttled: 0.1 },
};

export const latencySituations = [
  ...Object.entries(hosts).map(([host, options]) => ({
    name: `10 blocks, ${host}`,
    make: (random) => measured(random, { blocks: 10, ...options }),
    rows: metrics(),
  })),
  ...[5, 20, 40].map((blocks) => ({
    name: `${blocks} blocks, autocorrelated host, drift of 30 %`,
    make: (random) => measured(random, { blocks, drift: 0.3 }),
    rows: metrics(),
  })),
  {
    name: '10 blocks, arms not interleaved, drift of 30 %',
    make: (random) => measured(random, { blocks: 10, drift: 0.3, interleaved: false }),
    rows: [
      mistake('one arm after the other', 'latency_p50', quantileOf(0.5)),
      mistake('requests as independent', 'mean log latency', requestsAlone),
    ],
  },
];
