// Proves, with pools in two network namespaces with addresses of their own: work spreads over both hosts; the one that is cut off has its
// trainer stopped by its guard before its run goes on at the other, and nothing runs twice.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isolatedNetwork } from './chaos/network';
import { watchWriters } from './chaos/writers';
import { Cluster, stepsOf, until } from './cluster';
import { writeTable } from './table';

/** Longer than the term of a lease, so that the guard comes while it trains. */
const steps = 160;
const script = 'spread.py';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-hosts-'));
  writeTable(join(folder, 'data.csv'));
  const trainer = readFileSync(join(__dirname, '..', 'workflows', 'trainer', 'train.py'), 'utf8');
  const slow = 'time.sleep(self.pause)';
  expect(trainer).toContain(slow);
  // Slow only until it moves: what is left then need not take a minute.
  writeFileSync(join(folder, script), trainer.replace(slow, 'time.sleep(self.pause if self.run.epoch == 1 else 0.02)'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('two hosts share the work; one is cut off, and its run goes on at the other after its guard has stopped the trainer', async () => {
  const nets = [await isolatedNetwork(0), await isolatedNetwork(1)] as const;
  const cluster = await Cluster.start({ hosts: [], slots: 1 });
  const watch = watchWriters(script);
  try {
    for (const [i, host] of ['host-a', 'host-b'].entries()) {
      const net = nets[i as 0 | 1];
      const address = await net.relayTo(cluster.frontend);
      cluster.startWorker('gpu', host, 1, { inside: net.inside, env: { TEMPORAL_ADDRESS: address } });
    }
    await until(async () => (await cluster.pool()).hosts.length === 2, 30_000);
    const id = await cluster.submit(spec, folder);
    const first = await Promise.all(['a', 'b'].map((variant) => cluster.reaches(id, variant, 1, 5)));
    expect(new Set(first.map(({ host }) => host))).toEqual(new Set(['host-a', 'host-b']));

    nets[0].cut();
    const [stays, moves] = first[0]?.host === 'host-a' ? ['b', 'a'] : ['a', 'b'];
    const { result } = await cluster.result(id);
    watch.stop();

    const run = (variant: string | undefined) => result.variants.find(({ name }) => name === variant)?.runs[0];
    expect(run(stays)).toMatchObject({ status: 'done', host: 'host-b', attempts: 1, steps });
    expect(run(moves)).toMatchObject({ status: 'done', host: 'host-b', attempts: 2, steps, failures: { crash: 0, infrastructure: 1 } });
    expect(run(moves)?.resumedFromStep).toBeGreaterThan(0);
    for (const variant of ['a', 'b'])
      expect(await stepsOf(cluster.store, result, variant, 1)).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
    expect(watch.looks()).toBeGreaterThan(100);
    expect(watch.doubled).toEqual([]);
    expect(readFileSync(join(cluster.dir, 'host-a', 'guard.log'), 'utf8')).toMatch(/stopp/);
    expect((await cluster.pool()).leases).toEqual([]);
  } finally {
    watch.stop();
    await cluster.stop();
    for (const net of nets) await net.remove();
  }
}, 300_000);

const spec = `
name: spread
data: {source: data.csv, label: label, id: id}
training: {command: [python, ${script}], seeds: [1], batchSize: 32, budget: {steps: ${steps}}, checkpointEvery: 2s, params: {pause: 0.5}}
variants:
  - {name: a, control: true, params: {rate: 0.1}}
  - {name: b, params: {rate: 0.5}}
varies: [rate]
evaluation: {metrics: [accuracy]}
analysis: {resamples: 1000}
`;
