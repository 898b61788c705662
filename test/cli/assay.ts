import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const assay = join(__dirname, '..', '..', 'bin', 'assay');

export interface Ended {
  code: number;
  out: string;
  err: string;
}

/** A folder of its own with the command in it. */
export interface Desk {
  folder: string;
  /** The command as a process in the folder, with a home there and nothing of this process's environment but what is named. */
  run: (args: readonly string[], env?: NodeJS.ProcessEnv) => Promise<Ended>;
  /** What it prints with --json; fails where it does not exit with `code` or prints anything else. */
  json: <T>(args: readonly string[], code?: number) => Promise<T>;
  write: (path: string, content: string | Buffer) => void;
  remove: () => void;
}

export function desk(): Desk {
  const folder = mkdtempSync(join(tmpdir(), 'assay-desk-'));
  const run: Desk['run'] = (args, more = {}) => {
    const env: NodeJS.ProcessEnv = { PATH: process.env.PATH, HOME: folder, ASSAY_HOME: join(folder, 'home'), NO_COLOR: '1', ...more };
    return new Promise((resolve, reject) => {
      execFile(process.execPath, [assay, ...args], { cwd: folder, env, timeout: 50_000, maxBuffer: 2 ** 24 }, (error, out, err) => {
        const code = error ? error.code : 0;
        if (typeof code === 'number') resolve({ code, out, err });
        else reject(error ?? new Error('no exit code'));
      });
    });
  };
  return {
    folder,
    run,
    async json<T>(args: readonly string[], code = 0): Promise<T> {
      const ended = await run([...args, '--json']);
      if (ended.code !== code || ended.err !== '') throw new Error(`assay ${args.join(' ')} ended with ${ended.code}: ${ended.err}`);
      return JSON.parse(ended.out) as T;
    },
    write(path, content) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Rows of two classes on 90 days, equal for equal arguments; from row `from` on `x` lies higher by `shift`. */
export function table({ rows = 600, shift = 0, from = 0, seed = 1 } = {}): string {
  let state = seed;
  const uniform = (): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  const normal = (): number => uniform() + uniform() + uniform() + uniform() + uniform() + uniform() - 3;
  const lines = Array.from({ length: rows }, (_, i) => {
    const day = new Date(Date.UTC(2025, 0, 1 + Math.floor((i * 90) / rows))).toISOString().slice(0, 10);
    const x = normal() + (i >= from ? shift : 0);
    return `r${i},${uniform() < 0.4 ? 'yes' : 'no'},${day},${x.toFixed(4)},${normal().toFixed(4)},${'abc'[Math.floor(uniform() * 3)]}`;
  });
  return `id,label,day,x,y,kind\n${lines.join('\n')}\n`;
}
