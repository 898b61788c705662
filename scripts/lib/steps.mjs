import { spawn } from 'node:child_process';
import { root } from './root.mjs';

/** An expected failure: its message is all a user needs. */
export class StepFailed extends Error {}

/** Prints one line for a step: what was done and its time, or that it was ready. `work` returns false when there was nothing to do. */
export async function step(name, work) {
  const start = performance.now();
  const did = await work();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.error(did === false ? `✓ ${name} ready` : `✓ ${name} ${seconds} s`);
}

export const say = (line) => console.error(`  ${line}`);

/** Runs a command quietly; on failure its last lines are the message. */
export async function run(command, args, options = {}) {
  const { code, output } = await collect(command, args, options);
  if (code !== 0) {
    const lines = output.trimEnd().split('\n').slice(-40).join('\n');
    throw new StepFailed(`\`${[command, ...args].join(' ')}\` ended with ${code}:\n${lines}`);
  }
  return output;
}

/** Runs a command in this terminal; returns its exit code. */
export function show(command, args, options = {}) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options });
    child.on('error', fail);
    child.on('exit', (code, signal) => done(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}

/** Runs a script's main function; an expected failure ends it with one clear message. */
export async function main(work) {
  try {
    process.exitCode = (await work()) ?? 0;
  } catch (error) {
    const expected = error instanceof StepFailed || error?.constructor?.name === 'AssayError';
    console.error(`✗ ${expected ? error.message : error.stack}`);
    process.exitCode = 1;
  }
}

function collect(command, args, options) {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        output += text;
      });
    }
    child.on('error', (error) => done({ code: error.code, output: error.message }));
    child.on('close', (code, signal) => done({ code: code ?? signal, output }));
  });
}
