import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

/** Runs a command to its end and gives its standard output; an error has the last lines of the other. */
export function command(
  file: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; input?: Readable } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env: options.env ?? process.env, stdio: [options.input ? 'pipe' : 'ignore', 'pipe', 'pipe'] });
    let out = '';
    let errors = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-8000);
    });
    if (child.stdin) {
      // The end of the command says more than a broken pipe.
      child.stdin.on('error', () => {});
      options.input?.pipe(child.stdin);
    }
    child.on('error', (error) => reject(cannotStart(file, error)));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(out);
      else reject(new Error(`\`${[file, ...args].join(' ')}\` ended with ${code ?? signal}:\n${errors || out}`));
    });
  });
}

/** The same with a producer in front: `file args | into intoArgs`. Fails when either fails. */
export async function piped(producer: readonly [string, ...string[]], consumer: readonly [string, ...string[]]): Promise<string> {
  const [file, ...args] = producer;
  const [into, ...intoArgs] = consumer;
  const source = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  source.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-8000);
  });
  const ended = new Promise<void>((resolve, reject) => {
    source.on('error', (error) => reject(cannotStart(file, error)));
    source.on('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`\`${producer.join(' ')}\` ended with ${code ?? signal}:\n${errors}`));
    });
  });
  const [out] = await Promise.all([command(into, intoArgs, { input: source.stdout }), ended]);
  return out;
}

const cannotStart = (file: string, cause: Error): Error =>
  new Error(`${file} cannot be started; npm test installs it as root on Debian, elsewhere install it by hand`, { cause });
