import type { WriteStream } from 'node:tty';
import { pc } from './colours';
import type { Progress, TrainProgress } from '../contract';

export interface LiveView {
  show(progress: Progress, details: Map<string, TrainProgress>): void;
  note(message: string): void;
  close(): void;
}

/** On a terminal a table that redraws itself; elsewhere a line for each change. */
export function liveView(out: WriteStream): LiveView {
  return out.isTTY && !process.env.CI ? terminalView(out) : plainView(out);
}

function plainView(out: WriteStream): LiveView {
  const seen = new Map<string, string>();
  const tell = (key: string, line: string): void => {
    if (seen.get(key) === line) return;
    seen.set(key, line);
    out.write(`${line}\n`);
  };
  return {
    show(progress) {
      tell('stage', `stage ${progress.stage}${progress.waitingFor ? `: ${progress.waitingFor}` : ''}`);
      for (const run of progress.runs) {
        if (run.epoch === 0) continue;
        const message = run.message ? `: ${ends(run.message)}` : '';
        tell(
          `${run.variant}/${run.seed}`,
          `  ${run.variant} seed ${run.seed} ${run.state}${run.host ? ` on ${run.host}` : ''}${epochNote(run.epoch)}${message}`,
        );
      }
    },
    note: (message) => tell('note', `  (${firstLine(message)})`),
    close: () => undefined,
  };
}

function terminalView(out: WriteStream): LiveView {
  let drawn = 0;
  const draw = (lines: string[]): void => {
    const width = out.columns || 80;
    const height = Math.max(5, (out.rows || 24) - 2);
    const visible = lines.length > height ? [...lines.slice(0, height - 1), pc.dim(`  … ${lines.length - height + 1} more`)] : lines;
    out.write((drawn > 0 ? `\u001b[${drawn}A` : '') + visible.map((line) => `\u001b[2K${clip(line, width)}\n`).join('') + '\u001b[0J');
    drawn = visible.length;
  };
  return {
    show: (progress, details) => draw(table(progress, details)),
    note: (message) => draw([pc.dim(firstLine(message))]),
    close: () => undefined,
  };
}

/** Running rows first, since a small terminal cuts the end. */
function table(progress: Progress, details: Map<string, TrainProgress>): string[] {
  const done = progress.runs.filter((run) => run.state === 'done').length;
  const head = `${pc.bold(progress.stage)}  ${done}/${progress.runs.length} runs done${progress.waitingFor ? pc.dim(`  ${progress.waitingFor}`) : ''}`;
  const rank = { training: 0, starting: 0, failed: 1, done: 2, cancelled: 3, waiting: 4 };
  const rows = [...progress.runs]
    .sort((a, b) => rank[a.state] - rank[b.state])
    .map((run) => {
      const now = details.get(`${run.variant}/${run.seed}`);
      const state = run.state === 'done' ? pc.green('done    ') : run.state === 'failed' ? pc.red('failed  ') : run.state.padEnd(8);
      const numbers = now ? numbersOf(now) : pc.dim(run.message ? ends(run.message) : '');
      return `  ${run.variant.padEnd(14)} seed ${String(run.seed).padEnd(4)} ${state} ${run.host ? pc.dim(run.host) : ''}${epochNote(run.epoch)}  ${numbers}`;
    });
  return [head, ...rows];
}

function numbersOf({ phase, message, step, totalSteps, secondsLeft, loss, throughput, checkpointStep }: TrainProgress): string {
  const parts = [
    ...(phase === 'training' ? [] : [phase]),
    ...(step === 0 ? [] : [`step ${step}${totalSteps === null ? '' : ` of ${totalSteps}`}`]),
    ...(loss === null ? [] : [`loss ${loss.toPrecision(3)}`]),
    ...(throughput === null ? [] : [`${Math.round(throughput)}/s`]),
    ...(secondsLeft === null || secondsLeft < 1 ? [] : [`${spanOf(secondsLeft)} left`]),
    ...(checkpointStep === null ? [] : [pc.dim(`checkpoint ${checkpointStep}`)]),
    ...(message === '' ? [] : [pc.yellow(message)]),
  ];
  return parts.join('  ');
}

const spanOf = (seconds: number): string =>
  seconds < 90 ? `${Math.round(seconds)} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;

const epochNote = (epoch: number): string => (epoch > 1 ? ` (start ${epoch})` : '');
const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';

/** What happened, and the last line of the log after it, which is most often why. */
function ends(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.length < 2 ? firstLine(text) : `${lines[0]}; last line: ${lines.at(-1)}`;
}

/** Cuts to the terminal's width without counting colour codes. */
function clip(line: string, width: number): string {
  let seen = 0;
  return line.replace(codeOrCharacter, (char, code: string | undefined) => (code !== undefined || ++seen < width ? char : ''));
}

// Built from text, since a control character in a pattern looks like a mistake.
const codeOrCharacter = new RegExp(`(${String.fromCharCode(27)}\\[[0-9;]*m)|.`, 'gu');
