import { flushTraces } from '../observability/tracing';
import { atExit } from './atExit';
import { pcError } from './colours';

let leaving = false;

/** Waits for what is still on its way to a pipe. The first code counts. */
export function exit(code: number): void {
  if (leaving) return;
  leaving = true;
  process.exitCode = code;
  const end = (): void =>
    void process.stdout.write('', () => {
      if (process.stdout.errored !== null) outputLost(process.stdout.errored);
      process.stderr.write('', () => process.exit(code));
    });
  // Replicas that are slow have what they were sent, and so has the receiver of spans.
  Promise.all([atExit.settle(), flushTraces()]).then(end, end);
}

/** A reader that has gone has read what it wanted; a full disk behind `>` is told in one line. */
export function outputLost({ code, message }: NodeJS.ErrnoException): void {
  if (code === 'EPIPE') process.exit(0);
  process.stderr.write(`${pcError.red('error')} stdout: ${message}\n`);
  process.exit(3);
}
