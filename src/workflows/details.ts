import type { Progress, RunState } from '../contract';

/** The Markdown that the Temporal UI shows as an experiment's current details. */
export function progressDetails(progress: Progress): string {
  const head = `**${progress.stage}**${progress.waitingFor ? `: ${progress.waitingFor}` : ''}`;
  const verdict = progress.verdict ? `\n\n${progress.verdict.sentence}` : '';
  if (progress.runs.length === 0) return head + verdict;
  const variants = [...new Set(progress.runs.map((run) => run.variant))];
  const rows = variants.map((variant) => {
    const runs = progress.runs.filter((run) => run.variant === variant);
    const count = (state: RunState): number => runs.filter((run) => run.state === state).length;
    const hosts = [...new Set(runs.filter((run) => run.state === 'training').map((run) => run.host ?? ''))].join(', ');
    return `| ${variant} | ${count('done')} | ${count('training')}${hosts && ` (${hosts})`} | ${count('waiting')} | ${count('failed')} |`;
  });
  const problems = progress.runs.filter((run) => run.message).map((run) => `- ${run.variant} seed ${run.seed}: ${run.message}`);
  return [
    head + verdict,
    '',
    '| variant | done | training | waiting for a place | failed |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    ...(problems.length > 0 ? ['', ...problems.slice(0, 20)] : []),
  ].join('\n');
}
