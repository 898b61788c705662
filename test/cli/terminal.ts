import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Terminal } from '@xterm/headless';
import { until } from '../e2e/cluster';

const onTerminal = join(__dirname, '..', '..', 'scripts', 'lib', 'onTerminal.py');

interface Options {
  columns: number;
  rows: number;
  env: NodeJS.ProcessEnv;
  cwd: string;
}

/** A command on a terminal, read as a person reads it: what stands on the screen, not what was sent. */
export class PersonsTerminal {
  readonly #screen: Terminal;
  readonly #pty: ChildProcessWithoutNullStreams;
  readonly #exit: Promise<number>;
  #sent = '';

  constructor(command: readonly string[], { columns, rows, env, cwd }: Options) {
    const python = process.env.ASSAY_PYTHON;
    if (python === undefined) throw new Error('ASSAY_PYTHON is not set: run the tests with npm test');
    this.#screen = new Terminal({ cols: columns, rows, scrollback: 500, allowProposedApi: true });
    this.#pty = spawn(python, [onTerminal, String(columns), String(rows), ...command], { env, cwd });
    this.#pty.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#sent += text;
      this.#screen.write(text);
    });
    this.#pty.stderr.on('data', (text: Buffer) => this.#screen.write(text));
    this.#exit = once(this.#pty, 'close').then(([code]) => code as number);
  }

  /** Every byte that it was sent. */
  get sent(): string {
    return this.#sent;
  }

  /** Whether it shows a page of its own, above what was there before. */
  get paged(): boolean {
    return this.#screen.buffer.active.type === 'alternate';
  }

  /** Lines on the screen, and with `past` those that one can scroll back to. */
  lines({ past = false } = {}): string[] {
    const { active } = this.#screen.buffer;
    const from = past ? 0 : active.baseY;
    return Array.from({ length: active.length - from }, (_, i) => active.getLine(from + i)?.translateToString(true) ?? '');
  }

  get text(): string {
    return this.lines({ past: true }).join('\n');
  }

  async shows(what: string | RegExp, timeoutMs = 60_000): Promise<void> {
    const has = async (): Promise<boolean> => (typeof what === 'string' ? this.text.includes(what) : what.test(this.text));
    const over = this.ended().then(async () => {
      if (!(await has())) throw new Error('it has ended');
    });
    await Promise.race([until(has, timeoutMs), over]).catch((error: unknown) => {
      throw new Error(`the terminal does not show ${String(what)} but\n${this.text}`, { cause: error });
    });
  }

  /** As a person pulls the window's corner: first the terminal's own lines change, then the command is told. */
  resize(columns: number, rows: number): void {
    this.#screen.resize(columns, rows);
    this.#pty.stdin.write(`s ${columns} ${rows}\n`);
  }

  type(keys: string): void {
    this.#pty.stdin.write(`k ${Buffer.from(keys).toString('hex')}\n`);
  }

  /** To the command. */
  kill(signal: NodeJS.Signals): void {
    this.#pty.kill(signal);
  }

  /** The exit code, when all that was sent stands on the screen. */
  async ended(): Promise<number> {
    const code = await this.#exit;
    await new Promise<void>((done) => this.#screen.write('', done));
    return code;
  }
}
