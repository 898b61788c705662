// Owns one trainer: starts it in a session of its own, bounds its logs, samples its memory, writes exit.json.
// A plain script, so that it starts in milliseconds from a build and from the sources alike. Argument: the epoch's folder.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { basename, dirname, join } from 'node:path';

const dir = process.argv[2];
const at = (name) => join(dir, name);
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) process.on(signal, () => {});

const started = JSON.parse(fs.readFileSync(at('started.json'), 'utf8'));
let peakMemoryBytes = null;

// A newer epoch reaps what it can see; what it could not see yet looks here before it starts a writer.
if (newerEpoch()) end({ error: 'superseded' });
else run();

function run() {
  const logs = ['stdout.log', 'stderr.log'].map((name) => ({ path: at(name), fd: fs.openSync(at(name), 'a') }));
  const [command, ...args] = started.command;
  // Straight into files: a trainer outlives its shim without a broken pipe.
  const child = spawn(command, args, { cwd: started.cwd, env: started.env, detached: true, stdio: ['ignore', logs[0].fd, logs[1].fd] });
  child.on('error', (error) => {
    if (child.pid === undefined) end({ error: error.message });
  });
  if (child.pid === undefined) return;
  const { pid } = child;
  const bootId = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  write('trainer.json', {
    bootId,
    pid,
    startTime: stat(pid)[19],
    shimPid: process.pid,
    shimStartTime: stat(process.pid)[19],
    startedAt: new Date().toISOString(),
  });

  const boundLogs = () => logs.forEach(({ path }) => bound(path));
  const logTimer = setInterval(boundLogs, 250);
  let members = [pid];
  let samples = 0;
  let sampler = setTimeout(sample, 10);
  function sample() {
    // Finding children means reading all of /proc: every fifth second is enough.
    if (samples % 5 === 0) members = sessionOf(pid);
    samples += 1;
    peakMemoryBytes = Math.max(peakMemoryBytes ?? 0, memoryOf(members)) || null;
    sampler = setTimeout(sample, Math.min(1000, 10 * 3 ** samples));
  }

  child.on('exit', (code, signal) => {
    clearInterval(logTimer);
    clearTimeout(sampler);
    // What it left behind must not write beside a successor.
    for (let left = sessionOf(pid), tries = 0; left.length > 0 && tries < 100; left = sessionOf(pid), tries++) left.forEach(kill);
    boundLogs();
    end({ code, signal });
  });
}

function end({ code = null, signal = null, error = null }) {
  const endedAt = new Date().toISOString();
  write('exit.json', { code, signal, endedAt, error, peakMemoryBytes, lost: false, outOfMemory: false, outside: null });
  process.exit(0);
}

function newerEpoch() {
  const epoch = (name) => Number(/^epoch-(\d+)$/.exec(name)?.[1] ?? -1);
  const runDir = dirname(dir);
  const own = epoch(basename(dir));
  return fs.readdirSync(runDir).some((name) => epoch(name) > own && fs.existsSync(join(runDir, name, 'started.json')));
}

/** Drops the older part in place: the trainer's descriptor appends, so it goes on at the new end. */
function bound(path) {
  const { size } = fs.statSync(path);
  if (size <= started.logBytes) return;
  const kept = Buffer.alloc(Math.floor(started.logBytes / 2));
  const fd = fs.openSync(path, 'r+');
  const n = fs.readSync(fd, kept, 0, kept.length, size - kept.length);
  fs.ftruncateSync(fd, 0);
  fs.closeSync(fd);
  fs.writeFileSync(`${path}.1`, Buffer.concat([Buffer.from(`[older lines dropped]\n`), kept.subarray(0, n)]));
}

function memoryOf(pids) {
  let resident = 0;
  let highest = 0;
  for (const pid of pids) {
    const status = read(`/proc/${pid}/status`);
    resident += kilobytes(status, 'VmRSS');
    highest = Math.max(highest, kilobytes(status, 'VmHWM'));
  }
  return Math.max(resident, highest) * 1024;
}

function kilobytes(status, key) {
  return Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
}

/** Living processes of the trainer's session. */
function sessionOf(session) {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const fields = stat(pid);
      return Number(fields[3]) === session && fields[0] !== 'Z' && fields[0] !== 'X';
    });
}

/** Fields of /proc/<pid>/stat from the third (state) on; the name before them may hold anything. */
function stat(pid) {
  const text = read(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

function read(path) {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function write(name, value) {
  const draft = at(`${name}.new`);
  const fd = fs.openSync(draft, 'w');
  fs.writeSync(fd, JSON.stringify(value));
  fs.fsyncSync(fd);
  fs.closeSync(fd);
  fs.renameSync(draft, at(name));
}
