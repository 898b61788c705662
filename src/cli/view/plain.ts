import type { Progress } from '../../contract';
import { type Run, keyOf, messageOf, stageSeconds } from './state';
import { printable } from './text';
import { briefly } from './times';

/** Lines for a log: one a change, and nothing but text. `tell` is given each once. */
export function plainLines(tell: (line: string) => void): { progress(now: Progress): void; silence(message: string): void } {
  const seen = new Map<string, string>();
  const once = (key: string, line: string): void => {
    if (seen.get(key) === line) return;
    seen.set(key, line);
    tell(line);
  };
  return {
    progress(now) {
      seen.delete('silence');
      const waits = printable(now.waitingFor);
      once('stage', `stage ${now.stage}${waits === '' ? '' : `: ${waits}`}${tookBefore(now)}`);
      for (const run of now.runs) if (run.epoch > 0) once(keyOf(run), lineOfRun(run));
    },
    silence: (message) => once('silence', `  (${messageOf(message)})`),
  };
}

/** How long the stage before took, where the experiment says so. */
function tookBefore(progress: Progress): string {
  const [before] = progress.stages?.slice(-2) ?? [];
  if (before === undefined || before.stage === progress.stage) return '';
  const now = Date.parse(progress.stages?.at(-1)?.at ?? '');
  const took = stageSeconds({ experimentId: '', progress, trainers: new Map(), places: new Map(), silence: '', now });
  const seconds = took.find(({ stage }) => stage === before.stage)?.seconds;
  return seconds === undefined ? '' : ` (${before.stage} took ${briefly(seconds)})`;
}

function lineOfRun({ variant, seed, state, host, epoch, message }: Run): string {
  const where = host === null ? '' : ` on ${printable(host)}`;
  const start = epoch > 1 ? ` (start ${epoch})` : '';
  const why = message === null || messageOf(message) === '' ? '' : `: ${messageOf(message)}`;
  return `  ${printable(variant)} seed ${seed} ${state}${where}${start}${why}`;
}
