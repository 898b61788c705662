import { randomBytes } from 'node:crypto';
import { AssayError, type NotifyEvent, type NotifyTarget } from '../../contract';
import { deliverOnce, newSecret, NotTaken, targetProblem, webhookSettings } from '../../publish';

export function secret(): void {
  process.stdout.write(`${newSecret()}\n`);
}

interface TestOptions {
  secretEnv?: string;
  format: NotifyTarget['format'];
  json?: boolean;
}

/** One try of an example event from this machine, under the rules of its environment. Returns the exit code. */
export async function test(url: string, { secretEnv, format, json }: TestOptions): Promise<number> {
  const target: NotifyTarget = { webhook: url, format, on: ['experiment.done'], secret: secretName(secretEnv) };
  const settings = webhookSettings();
  const problem = targetProblem(target, settings);
  // The pool's words, about the environment that counts here.
  if (problem !== null)
    throw new AssayError(
      'SpecInvalid',
      problem.replace(/the environment of the control pool(, which sends)?/, 'the environment of this command'),
    );
  const id = `example-${randomBytes(8).toString('hex')}`;
  const started = performance.now();
  let answer: { status: number | null; kind: string; message: string };
  try {
    const { status } = await deliverOnce({ id, target, event: exampleEvent() }, settings);
    answer = { status, kind: 'taken', message: `${new URL(url).host} took it with ${status}` };
  } catch (error) {
    if (!(error instanceof NotTaken)) throw error;
    answer = { status: error.status, kind: error.kind, message: error.message };
  }
  const milliseconds = Math.round(performance.now() - started);
  if (json) process.stdout.write(`${JSON.stringify({ id, taken: answer.kind === 'taken', ...answer, milliseconds }, null, 2)}\n`);
  else process.stdout.write(`${answer.message} (${milliseconds} ms, webhook-id ${id})${whatThen[answer.kind as NotTaken['kind']] ?? ''}\n`);
  return answer.kind === 'taken' ? 0 : 3;
}

const whatThen: Record<NotTaken['kind'], string> = {
  away: '\nA message of an experiment would be tried again for up to three days.',
  refused: '\nA message of an experiment would be tried again for a day, in which somebody may mend it.',
  gone: '\nA message of an experiment would not be tried again: 410 says that the receiver wants no more.',
};

/** The part of the variable's name that the experiment file would give. */
function secretName(variable: string | undefined): string | null {
  if (variable === undefined || variable === 'ASSAY_WEBHOOK_SECRET') return null;
  const name = /^ASSAY_WEBHOOK_SECRET_([A-Z][A-Z0-9_]*)$/.exec(variable)?.[1];
  if (name === undefined)
    throw new AssayError('SpecInvalid', `--secret-env ${variable}: expected ASSAY_WEBHOOK_SECRET or ASSAY_WEBHOOK_SECRET_NAME`);
  return name;
}

const exampleEvent = (): NotifyEvent => ({
  ...{ schema: 'assay.event/1', type: 'experiment.done', at: new Date().toISOString() },
  ...{ experiment: 'example-20260101-000000-0000', name: 'example', owner: null, series: null },
  sentence: 'This is a test of the receiver: no experiment ran, and nothing was decided.',
  ...{ outcome: 'inconclusive', harm: false, effect: 0 },
  links: { report: null, workflow: null },
});
