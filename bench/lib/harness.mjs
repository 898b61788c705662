// What the benchmarks share: a stack of their own in a temporary home, experiments by the real command, tables.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const require = createRequire(import.meta.url);
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const compiled = (path) => require(join(root, 'dist', 'src', path));
const { ensureStack, stopStack, trainerPython } = compiled('stack');
export const { stackStatus } = compiled('stack');

/** Runs `work(home)` with an empty home, and stops and removes what it started. */
export async function withHome(work) {
  const home = mkdtempSync(join(tmpdir(), 'assay-bench-'));
  // The benchmark measures the embedded stack, whatever server the caller works with.
  for (const name of Object.keys(process.env)) if (/^(TEMPORAL_|ASSAY_STORE$|ASSAY_HOST$)/.test(name)) delete process.env[name];
  process.env.ASSAY_HOME = home;
  process.env.ASSAY_PYTHON = await trainerPython();
  try {
    return await work(home);
  } finally {
    await stopStack(home);
    rmSync(home, { recursive: true, force: true });
  }
}

export const startStack = (home) => ensureStack({ home });

/** One experiment by `bin/assay run --json`. Times are milliseconds since 1970; steps are read from the stored events. */
export async function runExperiment(home, file, flags = []) {
  const begun = Date.now();
  const { code, stdout, stderr } = await collect(process.execPath, [join(root, 'bin', 'assay'), 'run', file, '--json', ...flags]);
  const ended = Date.now();
  if (code !== 0) throw new Error(`assay run ${file} ended with ${code}:\n${stderr}`);
  const result = JSON.parse(stdout);
  const store = storeOf(home);
  const runs = [];
  for (const { name, runs: of } of result.variants) {
    for (const run of of) {
      if (!run.artifacts.events) throw new Error(`${name} seed ${run.seed} did not finish: ${run.failure?.message}`);
      const steps = stepTimes((await store.get(run.artifacts.events)).toString('utf8'));
      runs.push({ variant: name, first: steps[0], last: steps.at(-1), trainer: await store.getJson(run.artifacts.result) });
    }
  }
  const report = statSync(join(home, 'reports', `${result.experiment}.html`)).mtimeMs;
  const first = Math.min(...runs.map((run) => run.first));
  const last = Math.max(...runs.map((run) => run.last));
  return { result, runs, begun, first, last, report, ended };
}

export const storeOf = (home) => compiled('store').openStore(pathToFileURL(join(home, 'store')).href);

export const stepTimes = (events) =>
  events
    .split('\n')
    .filter((line) => line.includes('"type": "step"'))
    .map((line) => Date.parse(JSON.parse(line).timestamp));

/** A spec of trainings on the built-in digits; `training`, `variants` and the rest replace what is here. */
export function writeSpec(home, spec) {
  const folder = join(home, 'specs');
  const file = join(folder, `${spec.name}.yaml`);
  mkdirSync(folder, { recursive: true });
  // JSON is YAML.
  writeFileSync(
    file,
    JSON.stringify({
      data: { source: 'builtin:digits', label: 'label', id: 'id', split: { test: 0.2, validation: 0.1, seed: 7 } },
      evaluation: { metrics: ['accuracy', 'training_seconds'] },
      analysis: { primary: 'accuracy' },
      ...spec,
    }),
  );
  return file;
}

/** The same trainer with the same `run.json`, started by hand: the base that supervision is compared with. */
export async function directRun(home, file, variant, number) {
  const { spec } = await compiled('cli/run').readSpec(file, {});
  const store = storeOf(home);
  const { value: snapshotRef } = await store.refs.get(compiled('contract').refNames.latestSnapshot(spec.name));
  const data = await compiled('data').materialise({ snapshotRef, store, dir: join(home, 'cache', 'snapshots') });
  const dir = join(home, 'direct', String(number), 'epoch-1');
  const key = { experimentId: `${spec.name}-direct`, variant, seed: 1 };
  const { runFile, command, cwd, env } = compiled('activities/runFile').runFileFor({
    ...{ spec, snapshot: data.snapshot, data, key, dir, mode: 'train', epoch: 1, resume: null, warmStart: null, usedSeconds: 0 },
    ...{ remedy: compiled('contract').noRemedy, lease: noDevices },
    ...{ python: process.env.ASSAY_PYTHON, runtimeDir: join(root, 'runtime') },
  });
  for (const folder of [runFile.out, runFile.checkpoints]) mkdirSync(folder, { recursive: true });
  writeFileSync(join(dir, 'run.json'), JSON.stringify(runFile));
  const environment = compiled('executor/process/environment').trainerEnvironment(env, join(dir, 'run.json'), spec.runtime.cpus);
  const begun = Date.now();
  const { code, stderr } = await collect(command[0], command.slice(1), { cwd, env: environment });
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}:\n${stderr}`);
  const steps = stepTimes(readFileSync(join(runFile.out, 'events.jsonl'), 'utf8'));
  return { begun, first: steps[0], last: steps.at(-1), trainer: JSON.parse(readFileSync(join(runFile.out, 'result.json'), 'utf8')) };
}

const noDevices = { leaseId: 'bench', requestId: 'bench', holder: 'bench', host: 'bench', devices: [], model: 'cpu', exclusiveHost: false };

/** CPU seconds so far and peak resident bytes of the stack's processes: {temporal, control, gpu, analysis}. */
export async function stackUsage(home) {
  const { children } = await stackStatus(home);
  return Object.fromEntries(children.map(({ name, pid }) => [name, usageOf(pid)]));
}

/** Ticks of Linux are 1/100 s on every common platform. */
export function usageOf(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const peak = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return { cpu: (Number(fields[11]) + Number(fields[12])) / 100, peak: Number(peak?.[1] ?? 0) * 1024 };
}

export function collect(command, args, options = {}) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    child.on('error', fail);
    child.on('close', (code) => done({ code, stdout, stderr }));
  });
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Median and, where there are several, the range. */
export function spread(values, digits = 2) {
  const [low, middle, high] = [Math.min(...values), median(values), Math.max(...values)].map((value) => value.toFixed(digits));
  return values.length > 1 ? `${middle} (${low} to ${high})` : middle;
}

export function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  console.log([line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n'));
}
