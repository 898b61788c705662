// Proves, with the real command on a real terminal that is resized meanwhile, against a real server with real trainers: what a person sees of an
// experiment from its start to its verdict, how the terminal is given back however the command ends, and that a pipe gets text alone.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster, until } from '../e2e/cluster';
import { PersonsTerminal } from './terminal';

const root = join(__dirname, '..', '..');
const escape = String.fromCharCode(27);
/** The contract trainer, which says how many steps it has and stops after the fifth until a file is there. */
const held = `import json, os, runpy, time
with open(os.environ["ASSAY_RUN"], encoding="utf-8") as file:
    run = json.load(file)
with open(os.path.join(run["out"], "events.jsonl"), "a", encoding="utf-8") as events:
    events.write(json.dumps({"type": "start", "total_steps": 20}) + "\\n")
real, made = time.sleep, 0
def sleep(seconds):
    global made
    made += 1
    while made >= 5 and not os.path.exists(run["params"]["after"]):
        real(0.05)
time.sleep = sleep
runpy.run_path(run["params"]["trainer"], run_name="__main__")
`;

let cluster: Cluster;
let folder: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  cluster = await Cluster.start({ hosts: ['host-a'], slots: 2 });
  folder = mkdtempSync(join(tmpdir(), 'assay-terminal-'));
  mkdirSync(join(folder, 'home'));
  const { PATH, ASSAY_PYTHON } = process.env;
  env = {
    ...{ PATH, ASSAY_PYTHON, HOME: folder, ASSAY_HOME: join(folder, 'home'), TERM: 'xterm-256color', LANG: 'C.UTF-8' },
    ...{ TEMPORAL_ADDRESS: `127.0.0.1:${cluster.frontend}`, TEMPORAL_NAMESPACE: 'default', ASSAY_STORE: cluster.store.url },
  };
  const rows = Array.from({ length: 120 }, (_, i) => `r${i},${i % 2 ? 'yes' : 'no'},${((i % 2) + ((i * 7919) % 1009) / 700).toFixed(3)},1`);
  writeFileSync(join(folder, 'data.csv'), `id,label,x,one\n${rows.join('\n')}\n`);
  writeFileSync(join(folder, 'held.py'), held);
  const params = { trainer: join(root, 'test', 'e2e', 'trainers', 'trainer.py'), after: join(folder, 'go') };
  const spec = {
    ...{ name: 'terminal', data: { source: './data.csv', label: 'label', id: 'id', split: { test: 0.4, validation: 0.1, seed: 1 } } },
    training: { command: ['python', 'held.py'], seeds: [1, 2], batchSize: 16, budget: { steps: 20 }, checkpointEvery: '1s' },
    variants: [
      { name: 'control', control: true, params: { ...params, noise: 1 } },
      { name: 'candidate', params: { ...params, noise: 0 } },
    ],
    ...{ varies: ['noise'], evaluation: { metrics: ['accuracy'] }, analysis: { primary: 'accuracy' } },
  };
  // JSON is YAML.
  writeFileSync(join(folder, 'experiment.yaml'), JSON.stringify(spec));
}, 60_000);

afterAll(async () => {
  for (const one of terminals) one.kill('SIGTERM');
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const terminals: PersonsTerminal[] = [];
const assay = [process.execPath, join(root, 'bin', 'assay')];
const terminal = (args: readonly string[], more: NodeJS.ProcessEnv = {}): PersonsTerminal => {
  const opened = new PersonsTerminal([...assay, ...args], { columns: 100, rows: 30, cwd: folder, env: { ...env, ...more } });
  terminals.push(opened);
  return opened;
};
const count = (lines: readonly string[], what: RegExp): number => lines.filter((line) => what.test(line)).length;

test('a person follows an experiment to its verdict on a terminal that grows and shrinks, and gets the terminal back', async () => {
  const person = terminal(['run', 'experiment.yaml']);
  await person.shows(/^▸ \S+\/\d +5\/20 +\d.* +host-a cpu/m);
  expect(person.paged).toBe(true);
  expect(person.text).toMatch(/^· \S+\/\d +waiting {2}a place: number 1 of 2 in line/m);
  expect(person.text).toMatch(/^✓ registering .*✓ snapshot .*✓ checks .*▸ training .*s/m);
  expect(person.text).toContain('0 of 4 runs done, 2 training, 2 waiting');
  const id = /terminal-\d{8}-\d{6}-\w+/.exec(person.text)?.[0] as string;

  for (const [columns, rows] of [
    [40, 12],
    [140, 40],
    [60, 20],
  ] as const) {
    person.resize(columns, rows);
    await until(async () => count(person.lines(), /^▸ \S+\/\d +5\/20/) === 2, 10_000);
    // One frame, and nothing of those before.
    expect(count(person.lines(), /▸ training|^training /)).toBe(1);
    expect(count(person.lines(), /^[▸·✓✗] \S+\/\d/)).toBe(4);
    expect(count(person.lines(), /0 of 4 runs done/)).toBe(1);
  }

  // Meanwhile others look, and each leaves it running.
  const plain = terminal(['watch', id], { NO_COLOR: '1' });
  const dumb = terminal(['watch', id], { TERM: 'dumb' });
  const suspended = terminal(['watch', id, '--no-color']);
  await plain.shows('5/20');
  plain.type('\u0003');
  expect(await plain.ended()).toBe(130);
  expect(plain.paged).toBe(false);
  expect(plain.sent).not.toMatch(new RegExp(`${escape}\\[[0-9;]*m`));
  expect(plain.sent.endsWith('\r\n')).toBe(true);
  expect(plain.sent.lastIndexOf(`${escape}[?25h`)).toBeGreaterThan(plain.sent.lastIndexOf(`${escape}[?25l`));
  expect(plain.text).toMatch(
    new RegExp(
      `^${id}  .*▸ training.*0 of 4 runs done, 2 training, 2 waiting\\n\\nThe experiment goes on\\. Come back with: assay watch ${id}`,
      's',
    ),
  );

  await dumb.shows(/control seed \d training on host-a/);
  dumb.kill('SIGTERM');
  expect(await dumb.ended()).toBe(130);
  expect(dumb.sent).not.toContain(escape);
  await suspended.shows('5/20');
  suspended.kill('SIGTERM');
  expect(await suspended.ended()).toBe(130);
  expect(suspended.paged).toBe(false);

  const piped = new Promise<{ code: number; out: string; err: string }>((done) =>
    execFile(assay[0] as string, [assay[1] as string, 'watch', id], { env, cwd: folder }, (error, out, err) =>
      done({ code: error === null ? 0 : Number(error.code), out, err }),
    ),
  );
  writeFileSync(join(folder, 'go'), '');
  expect(await person.ended()).toBe(0);
  expect(person.paged).toBe(false);
  const left = person.lines({ past: true });
  expect(left[0]).toMatch(new RegExp(`^experiment ${id}`));
  expect(count(left, /✓ training/)).toBe(1);
  expect(count(left, /▸/)).toBe(0);
  expect(left.join('\n')).toContain('4 of 4 runs done');
  expect(left.join('\n').replaceAll('\n', '')).toMatch(new RegExp(`report: .*${id}\\.html`));
  expect(person.sent.endsWith('\r\n')).toBe(true);

  const { code, out, err } = await piped;
  expect(code).toBe(0);
  expect(out + err).not.toContain(escape);
  expect([...(out + err)].filter((char) => char < ' ' && char !== '\n')).toEqual([]);
  expect(err).toMatch(/^stage training.*\n(?: {2}c\w+ seed \d (?:training|done) on host-a\n|stage .*\n)*stage done.*\n$/);
  expect(readFileSync(/report: (.*)/.exec(out)?.[1] as string, 'utf8')).toContain('<!doctype html>');
}, 120_000);
