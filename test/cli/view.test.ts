import { PassThrough } from 'node:stream';
import type { WriteStream } from 'node:tty';
import { liveView } from '../../src/cli/view';
import type { Progress } from '../../src/contract';

test('a run that failed says what happened and the last line of its log', () => {
  const out = new PassThrough();
  const message = 'the trainer refused its parameters or data (exit code 78)\nreading rows.csv\nrejected: column day is no number\n';
  const progress: Progress = {
    experimentId: 'e',
    stage: 'training',
    waitingFor: '',
    runs: [{ variant: 'a', seed: 1, state: 'failed', host: 'h', epoch: 1, message }],
    verdict: null,
  };
  liveView(out as unknown as WriteStream).show(progress, new Map());
  expect(String(out.read())).toContain(
    'a seed 1 failed on h: the trainer refused its parameters or data (exit code 78); last line: rejected: column day is no number\n',
  );
});
