import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inRoot } from '../lib/root.mjs';

/** A spec of the digits in the home, as JSON, which is YAML. */
export function digits(home, name, more = {}) {
  const file = join(home, `${name}.yaml`);
  const variants = [
    { name: 'logistic', control: true, params: { model: 'logistic' } },
    { name: 'mlp', params: { model: 'mlp', hidden: 64 } },
  ];
  const spec = {
    ...{ name, owner: 'vision-team', hypothesis: 'A small neural network beats logistic regression on handwritten digits.' },
    data: { source: 'builtin:digits', label: 'label', id: 'id', split: { test: 0.3, validation: 0.1, seed: 7 } },
    variants,
    varies: ['model', 'hidden'],
    evaluation: { metrics: ['accuracy', 'log_loss'] },
    analysis: { primary: 'accuracy' },
    ...more,
    training: {
      ...{
        command: ['python', inRoot('examples/digits/train.py')],
        seeds: [1],
        batchSize: 128,
        budget: { epochs: 20 },
        checkpointEvery: '1s',
      },
      ...more.training,
    },
  };
  writeFileSync(file, JSON.stringify(spec));
  return file;
}

/** The id of a new experiment. */
export async function start(file) {
  return JSON.parse(await assay('run', file, '--detach', '--json')).experiment;
}

export function ended(id) {
  return until(async () => (await json('show', id)).status !== 'running');
}

export async function json(...args) {
  return JSON.parse(await assay(...args, '--json'));
}

/** What a workflow says of itself now. */
export async function details(client, workflowId) {
  const metadata = await client.workflow.getHandle(workflowId).query('__temporal_workflow_metadata');
  return metadata.currentDetails ?? '';
}

export function assay(...args) {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [inRoot('bin/assay'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.on('data', (text) => (out += text));
    child.stderr.on('data', (text) => (err += text));
    child.on('error', fail);
    child.on('close', (code) => (code === 0 ? done(out) : fail(new Error(`assay ${args.join(' ')} ended with ${code}: ${err}`))));
  });
}

/** The first answer that is neither false nor null, asked every second for at most four minutes. */
export async function until(ask) {
  for (let tries = 0; tries < 240; tries++) {
    const answer = await Promise.resolve()
      .then(ask)
      .catch(() => null);
    if (answer) return answer;
    await sleep(1000);
  }
  throw new Error(`not within four minutes: ${ask}`);
}
