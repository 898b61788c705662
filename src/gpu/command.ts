import { spawn } from 'node:child_process';

/** How a command ended; `failure` says that it could not be started or did not answer in time. */
export interface Answer {
  code: number | null;
  stdout: string;
  stderr: string;
  failure: string | null;
}

/** Runs a command to its end; it never rejects. */
export function ask(command: readonly string[], args: readonly string[], options: { timeoutMs: number }): Promise<Answer> {
  const [program = '', ...first] = command;
  return new Promise((resolve) => {
    const child = spawn(program, [...first, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C' } });
    let stdout = '';
    let stderr = '';
    const end = (code: number | null, failure: string | null) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr, failure });
    };
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      // A process that hangs in the driver cannot be killed: nobody waits for it.
      child.unref();
      child.stdout.destroy();
      child.stderr.destroy();
      end(null, `${program} did not answer within ${options.timeoutMs / 1000} s: a device or its driver hangs, restart the host`);
    }, options.timeoutMs);
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', (error: NodeJS.ErrnoException) => end(null, notStarted(program, error)));
    child.on('close', (code) => end(code, null));
  });
}

/** nvidia-smi prints its errors to stdout. */
export const linesOf = (answer: Answer): string[] => `${answer.stdout}\n${answer.stderr}`.split('\n').filter((line) => line.trim() !== '');

export function notStarted(program: string, error: NodeJS.ErrnoException): string {
  return error.code === 'ENOENT'
    ? `${program} is not installed here: install the NVIDIA driver, or name the program in ASSAY_NVIDIA_SMI`
    : `${program} could not be started (${error.code ?? error.message}): mend its permissions`;
}
