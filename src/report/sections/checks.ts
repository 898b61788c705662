import type { Check, Result } from '../../contract';
import { formatNumber, formatPValue } from '../formatters';
import { type Html, html } from '../html';
import { section, table } from './parts';

export const checkWords: Record<Check['status'], { symbol: string; word: string }> = {
  pass: { symbol: '✓', word: 'pass' },
  warn: { symbol: '!', word: 'warn' },
  fail: { symbol: '✕', word: 'fail' },
};

const order = { fail: 0, warn: 1, pass: 2 };

/** What was checked before the numbers were believed; failures first. */
export function checksSection(result: Result): Html {
  if (result.checks.length === 0) return section('checks', 'Checks', html`<p>No check was run.</p>`);
  const sorted = [...result.checks].sort((a, b) => order[a.status] - order[b.status]);
  return section(
    'checks',
    'Checks',
    table(
      'check-table',
      html`Is the comparison fair? <span class="muted">A failed gate makes the verdict invalid; other failures are findings.</span>`,
      [
        { head: 'Check' },
        { head: 'Status' },
        { head: 'Statistic', number: true },
        { head: 'p', number: true },
        { head: 'Finding' },
        { head: 'What to do' },
      ],
      sorted.map((check) => [
        html`${check.name}${check.gate ? html` <span class="role">gate</span>` : null}`,
        html`<span class="status ${check.status}">${checkWords[check.status].symbol} ${checkWords[check.status].word}</span>`,
        check.statistic === null ? '–' : formatNumber(check.statistic),
        check.pValue === null ? '–' : formatPValue(check.pValue),
        check.detail,
        whatToDo(check),
      ]),
      'wide',
    ),
  );
}

const remedies: readonly (readonly [RegExp, string])[] = [
  [
    /^remedies$/,
    'Give every variant the same: lower training.batchSize or raise the memory, or declare training.outOfMemory.unequal before the run.',
  ],
  [/^clocks$|^latency-blocks$/, 'Cool the device or lower its load, then measure again; metrics of predictions are not touched.'],
  [/^devices$/, 'Run all variants on one model of device before reading times, energy or memory.'],
  [/^restarts$/, 'Read the logs of the attempts named; a trainer that dies here will die elsewhere.'],
  [/^leftovers$/, 'Look at the host for what the finding names; the next run starts from what this one left.'],
  [/overlap|duplicate|leak/, 'Take the shared rows out of the source, or split by the unit they belong to.'],
  [/sample.?ratio|srm/, 'Find where rows were lost or doubled before reading any number.'],
  [/drift|previous/, 'Compare the two snapshots; where the change is real, train the control again on the new data.'],
  [/covariate|balance|class/, 'Look at the columns named; split by unit, or enlarge the smaller split.'],
  [/pair|prediction/, 'Make every variant predict each test id exactly once.'],
  [/param|declared|varies/, 'Name the parameter in varies, or make it equal for all variants.'],
  [/source|snapshot|changed/, 'Keep the data source still while the experiment runs, and run it again.'],
  [/run|fail|attempt/, 'Read the log of the run named, mend its cause, run again.'],
];

/** One sentence of advice by the subject of the check; nothing for a pass. */
export function whatToDo(check: Check): string {
  if (check.status === 'pass') return 'Nothing.';
  if (check.mend !== undefined) return check.mend;
  const found = remedies.find(([subject]) => subject.test(check.name.toLowerCase()));
  return (
    found?.[1] ?? (check.gate ? 'Mend what the finding names and run again.' : 'Read the finding; decide whether it touches your question.')
  );
}
