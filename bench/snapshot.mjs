/**
 * CPU, clock and peak memory of a first and an unchanged second snapshot of 1 GiB, in one file and in 10,000, beside hashing alone,
 * `dvc add` and `restic backup`. Every number is one whole command; the data are random and in the page cache.
 *   npm run build && node bench/snapshot.mjs [ROUNDS=3] [MEGABYTES=1024] [FILES=10000]
 * DVC is installed by pip into the cache of this user, unless DVC names one; restic is taken from RESTIC or the PATH, and left out where
 * there is none. Needs GNU time. DVC and assay keep a copy of the bytes; restic encrypts and compresses besides.
 */
import { existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { filesOf, isThere, must, timed, writeFiles } from './lib/commands.mjs';
import { compiled, median, root, spread, table } from './lib/harness.mjs';

const self = fileURLToPath(import.meta.url);
if (process.argv[2] === '--hash') await hash(readFileSync(process.argv[3], 'utf8').split('\n'));
else compare(...[3, 1024, 10_000].map((otherwise, i) => Number(process.argv[2 + i] ?? otherwise)));

function compare(rounds, megabytes, count) {
  const base = mkdtempSync(join(tmpdir(), 'assay-bench-'));
  try {
    const rows = [];
    for (const [name, files] of [
      ['one file', 1],
      [`${count.toLocaleString('en')} files`, count],
    ]) {
      const data = join(base, 'data');
      writeFiles(data, megabytes, files);
      rows.push(...measureAll(name, data, join(base, 'round'), rounds));
      rmSync(data, { recursive: true });
    }
    table(['data', 'step', 'tool', 'CPU, s', 'times assay', 'clock, s', 'peak MB'], rows);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

/** As a snapshot hashes: small files in place, larger ones by the thread pool. Prints the CPU seconds of that alone. */
async function hash(paths) {
  const { hashFile } = compiled('store');
  const { readSmall } = compiled('store/packs/readSmall');
  const limit = 256 * 1024;
  const buffer = Buffer.allocUnsafeSlow(limit);
  const before = process.cpuUsage();
  for (const path of paths) if (readSmall(path, buffer, 0, limit) === null) await hashFile(path);
  const { user, system } = process.cpuUsage(before);
  console.log((user + system) / 1e6);
}

/** The tools take turns, and begin with another one each round. */
function measureAll(name, data, dir, rounds) {
  const tools = [hashing('sha256sum'), hashing('openssl', 'dgst', '-sha256'), assayHashing, assay, dvc(), restic()].filter(Boolean);
  const found = new Map();
  for (let round = 0; round < rounds; round++)
    for (const tool of tools.map((_, i) => tools[(i + round) % tools.length])) {
      mkdirSync(dir);
      for (const [step, label, used] of tool(data, dir)) {
        const key = JSON.stringify([step, label]);
        found.set(key, [...(found.get(key) ?? []), used]);
      }
      rmSync(dir, { recursive: true });
    }
  const steps = ['hashing alone', 'first', 'unchanged second'];
  return steps.flatMap((step) =>
    [...found]
      .map(([key, uses]) => [...JSON.parse(key), uses])
      .filter(([of]) => of === step)
      .sort((a, b) => median(a[2].map(cpu)) - median(b[2].map(cpu)))
      .map(([, label, uses]) => {
        const own = found.get(JSON.stringify([step, 'assay']));
        const times = median(uses.map(cpu)) / median(own.map(cpu));
        return [
          ...[name, step, label, spread(uses.map(cpu)), times.toFixed(times < 10 ? 2 : 0)],
          ...[spread(uses.map(({ wall }) => wall)), median(uses.map(({ peak }) => peak / 1e6)).toFixed(0)],
        ];
      }),
  );
}

function hashing(...command) {
  return (data, dir) => [['hashing alone', command.join(' '), timed(dir, 'xargs', ['-a', listOf(data, dir), ...command])]];
}

function assayHashing(data, dir) {
  const used = timed(dir, process.execPath, [self, '--hash', listOf(data, dir)]);
  return [
    ['hashing alone', 'assay', used],
    ['hashing alone', 'assay, without the start of Node', { ...used, cpu: Number(used.stdout) }],
  ];
}

function listOf(data, dir) {
  const list = join(dir, 'list');
  writeFileSync(list, filesOf(data).join('\n'));
  return list;
}

function assay(data, dir) {
  const env = { ASSAY_HOME: join(dir, 'home'), ASSAY_STORE: pathToFileURL(join(dir, 'store')).href };
  const run = () => timed(dir, process.execPath, [join(root, 'bin', 'assay'), 'snapshot', 'create', data], { env });
  return [
    ['first', 'assay', run()],
    ['unchanged second', 'assay', run()],
  ];
}

function dvc() {
  const command = process.env.DVC ?? installDvc();
  return (data, dir) => {
    const cwd = join(dir, 'repository');
    mkdirSync(cwd);
    // Its folder has to have the data inside: the same bytes under another name.
    for (const path of filesOf(data)) {
      const there = join(cwd, 'data', path.slice(data.length));
      mkdirSync(dirname(there), { recursive: true });
      linkSync(path, there);
    }
    const env = { DVC_NO_ANALYTICS: '1' };
    timed(dir, command, ['init', '--no-scm', '--quiet'], { cwd, env });
    const run = () => timed(dir, command, ['add', '--quiet', 'data'], { cwd, env });
    return [
      ['first', 'dvc add', run()],
      ['unchanged second', 'dvc add', run()],
    ];
  };
}

function installDvc() {
  const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'assay', 'bench-dvc');
  const command = join(folder, 'bin', 'dvc');
  if (existsSync(command)) return command;
  must('python3', ['-m', 'venv', folder]);
  must(join(folder, 'bin', 'pip'), ['install', '--quiet', 'dvc']);
  return command;
}

function restic() {
  const command = process.env.RESTIC ?? 'restic';
  if (!isThere(command, 'version')) {
    console.error('restic is not there: its rows are left out. Install it, or name it by RESTIC.');
    return undefined;
  }
  return (data, dir) => {
    const env = { RESTIC_REPOSITORY: join(dir, 'repository'), RESTIC_PASSWORD: 'bench', RESTIC_CACHE_DIR: join(dir, 'cache') };
    timed(dir, command, ['init', '--quiet'], { env });
    const run = () => timed(dir, command, ['backup', '--quiet', data], { env });
    return [
      ['first', 'restic backup', run()],
      ['unchanged second', 'restic backup', run()],
    ];
  };
}

function cpu(use) {
  return use.cpu;
}
