import { judge } from './measures.mjs';
import { situations } from './situations.mjs';

/** One entry a row of the table, in the order of the situations. */
export function judged(chosen, counts, trials) {
  return chosen.flatMap(({ situation, rows }) =>
    counts.get(situation).map((count, i) => {
      const { kind, method, metric, claim } = situations[situation].rows[rows[i]];
      return {
        situation: situations[situation].name,
        method,
        metric,
        kind,
        claim,
        ...count,
        ...judge({ kind, claim }, { ...count, trials }),
      };
    }),
  );
}

const percent = (share) => (100 * share).toFixed(1);
const claims = { error: (claim) => `at most ${percent(claim)}`, power: (claim) => `at least ${percent(claim)}`, mistake: () => '(5.0)' };
const bands = {
  error: ({ most }) => `up to ${percent(most)}`,
  power: ({ least }) => `from ${percent(least)}`,
  mistake: ({ most }) => `beyond ${percent(most)}`,
};

/** The parts of the table: what errs, what sees, and what is done wrong. */
export function markdown(rows) {
  const part = (title, kind) => {
    const lines = rows
      .filter((row) => row.kind === kind)
      .map((row) => {
        const seen = percent(row.seen) + (row.silent > 0 ? ` (no claim in ${percent(row.silent / row.trials)})` : '');
        return `| ${[row.method, row.metric, row.situation, claims[kind](row.claim), seen, bands[kind](row), row.verdict].join(' | ')} |`;
      });
    if (lines.length === 0) return '';
    return `### ${title}\n\n| method | metric | situation | claim, % | seen, % | band | verdict |\n| --- | --- | --- | --- | --- | --- | --- |\n${lines.join('\n')}\n`;
  };
  return [
    part('Errors: the interval leaves out the truth, or p is at most 0.05 where there is no difference', 'error'),
    part('Power', 'power'),
    part('Common mistakes, which have to err', 'mistake'),
  ]
    .filter(Boolean)
    .join('\n');
}
