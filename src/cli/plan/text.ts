import type { Scenario } from '../../analysis';
import { formatAmount, formatConfidence, formatCount, formatNumber, formatSeconds } from '../../report/formatters';
import { metricInfo } from '../../report/metricInfo';
import type { PlanCost, PlanDocument } from './plan';

/** Columns that a terminal surely has. */
const width = 100;

/** What a person reads: the plan, what it would see, what it would take, and what speaks against it. */
export function planText(document: PlanDocument): string {
  const { plan, warnings, notes, noether } = document;
  const label = metricInfo(plan.primary).label;
  const lines = [
    `${document.name}: ${plan.test} on ${label}, ${plan.question} question, ${formatConfidence(document.confidence)} intervals`,
    ...sizeLines(document),
    wantedLine(document),
    '',
    ...(document.pilot === null ? gridLines(document) : pilotLines(document)),
    ...guardrailLines(document),
    ...latencyLines(document),
    ...costLines(document.cost),
  ];
  if (noether !== null) lines.push(`Seeds to see that the variant wins under 3 of 4 seeds: ${noether.seeds} (Noether, both errors 5 %).`);
  if (warnings.length > 0) lines.push('', ...warnings.map((warning) => `warning  ${warning}`));
  if (notes.length > 0) lines.push('', ...notes.map((note) => `- ${note}`));
  return lines.flatMap(wrapped).join('\n');
}

function sizeLines({ test, plan, rowsFrom, candidates }: PlanDocument): string[] {
  const seeds = `${plan.seeds.length} ${plan.seeds.length === 1 ? 'seed' : 'seeds'}`;
  const units =
    test.units === null
      ? ''
      : ` of ${formatCount(test.units)} units (${plan.unit}), worth ${formatCount(Math.round(test.effective))} independent rows at least`;
  return [
    `${formatCount(test.rows)} test rows (${rowsFrom})${units}, ${seeds}, ${candidates.length} ${candidates.length === 1 ? 'candidate' : 'candidates'}`,
  ];
}

function wantedLine({ plan, wanted, power }: PlanDocument): string {
  const amount = (value: number): string => formatAmount(plan.primary, value);
  const chance = formatConfidence(power);
  const given = wanted.defaulted ? ' (no --difference)' : '';
  const truth =
    wanted.difference === 0 ? 'no true difference' : `a true ${wanted.difference > 0 ? 'gain' : 'loss'} of ${amount(wanted.difference)}`;
  switch (plan.test) {
    case 'superiority':
      return `wanted: with ${chance} chance to see ${truth}${given}${wanted.margin > 0 ? ` to lie beyond the margin ${amount(wanted.margin)}` : ''}`;
    case 'non-inferiority':
      return `wanted: with ${chance} chance to show that the variant is at most ${amount(wanted.margin)} worse, with ${truth}${given}`;
    case 'equivalence':
      return `wanted: with ${chance} chance to show that the two are within ${amount(wanted.margin)} of each other, with ${truth}${given}`;
  }
}

/** Assumed noise: a line a discordance, or for the algorithm question discordance across and seed deviations down. */
function gridLines(document: PlanDocument): string[] {
  const { scenarios, plan, test } = document;
  const detectable = (scenario: Scenario): string =>
    scenario.detectable === null ? 'nothing' : formatAmount(plan.primary, scenario.detectable);
  if (plan.question === 'artifact')
    return [
      ...aligned([
        ['discordance', detectableHead(document), 'chance', `rows needed (${formatCount(test.rows)})`],
        ...scenarios.map((scenario) => [
          percent(scenario.discordance ?? 0),
          detectable(scenario),
          chanceText(scenario.chance),
          needed(scenario.rowsNeeded),
        ]),
      ]),
      '',
    ];
  const across = distinct(scenarios.map((scenario) => scenario.discordance));
  const down = distinct(scenarios.map((scenario) => scenario.seedDeviation));
  const at = (share: number | null, deviation: number | null): Scenario =>
    scenarios.find((scenario) => scenario.discordance === share && scenario.seedDeviation === deviation) as Scenario;
  const table = (title: string, cell: (scenario: Scenario) => string): string[] => [
    title,
    ...aligned([
      ['seed deviation \\ discordance', ...across.map((share) => percent(share ?? 0))],
      ...down.map((deviation) => [
        `${Number(((deviation ?? 0) * 100).toFixed(2))} pp`,
        ...across.map((share) => cell(at(share, deviation))),
      ]),
    ]),
    '',
  ];
  return [
    ...table(detectableTitle(document), detectable),
    ...table('chance of an answer at these rows and seeds', ({ chance }) => chanceText(chance)),
    ...table(
      `test rows needed at ${seedsText(document)} (now ${formatCount(test.rows)}; none: no number alone will do)`,
      ({ rowsNeeded }) => needed(rowsNeeded),
    ),
    ...table(`seeds needed at these rows (now ${plan.seeds.length}; none: no number alone will do)`, ({ seedsNeeded }) =>
      needed(seedsNeeded),
    ),
  ];
}

function pilotLines(document: PlanDocument): string[] {
  const { scenarios, plan, pilot, test } = document;
  const found = pilot?.variants ?? [];
  const lines = found.map(({ variant, rows, units, pairs, over, discordance, difference }) => {
    const facts = [
      over === 'rows' ? `${formatCount(rows)} rows` : null,
      over === 'rows' && units < rows ? `${formatCount(units)} units` : null,
      `${pairs} ${over === 'blocks' ? 'blocks' : pairs === 1 ? 'seed' : 'seeds'}`,
      discordance === null ? null : `discordance ${percent(discordance)}`,
      `seen ${difference < 0 ? 'worse' : 'better'} by ${formatAmount(plan.primary, difference)}`,
    ];
    return `pilot ${pilot?.name}, ${variant}: ${facts.filter((fact) => fact !== null).join(', ')}`;
  });
  const overRows = found.every(({ over }) => over === 'rows');
  const spread = plan.question === 'algorithm' && overRows;
  const rows = scenarios.map((scenario) => [
    scenario.label,
    scenario.detectable === null ? 'nothing' : formatAmount(plan.primary, scenario.detectable),
    chanceText(scenario.chance),
    ...(overRows ? [needed(scenario.rowsNeeded)] : []),
    ...(plan.question === 'algorithm' || !overRows ? [needed(scenario.seedsNeeded)] : []),
  ]);
  const heads = [
    'noise of',
    detectableHead(document),
    'chance',
    ...(overRows ? [`rows needed (${formatCount(test.rows)})`] : []),
    ...(plan.question === 'algorithm' || !overRows
      ? [found.some(({ over }) => over === 'blocks') ? 'blocks needed' : `seeds needed (${plan.seeds.length})`]
      : []),
  ];
  lines.push('', ...aligned([heads, ...rows]), '');
  if (spread) {
    const counts = scenarios[0]?.options.map(({ seeds }) => seeds) ?? [];
    lines.push(
      'test rows needed with other numbers of seeds',
      ...aligned([
        ['seeds', ...counts.map(String)],
        ...scenarios.map(({ label, options }) => [label, ...options.map((option) => needed(option.rows))]),
      ]),
      '',
    );
  }
  return lines;
}

function detectableTitle({ plan, power }: PlanDocument): string {
  const chance = formatConfidence(power);
  if (plan.test === 'superiority') return `smallest true difference that is seen with ${chance} chance`;
  return `smallest margin that is shown with ${chance} chance if there is no difference`;
}

const detectableHead = ({ plan }: PlanDocument): string => (plan.test === 'superiority' ? 'detectable' : 'least margin');

const seedsText = ({ plan }: PlanDocument): string => (plan.seeds.length === 1 ? 'this seed' : `these ${plan.seeds.length} seeds`);

function guardrailLines({ guardrails }: PlanDocument): string[] {
  return guardrails.map(({ note, chance }) =>
    chance === null ? `guardrail  ${note}` : `guardrail  ${note}: shown with ${chanceText(chance)} chance if there is no difference`,
  );
}

function latencyLines({ latency }: PlanDocument): string[] {
  if (latency === null) return [];
  const { blocks, requests, needed: least, widening, problems } = latency;
  return [
    `latency  ${formatCount(requests)} requests a variant in ${blocks} blocks; p95 is bounded from ${least.p95} on, p99 from ${least.p99}; ${blocks} blocks make intervals ${formatNumber(widening)} times as wide as many would`,
    ...problems.map((problem) => `latency  ${problem}`),
  ];
}

function costLines(cost: PlanCost): string[] {
  const runs = [`${cost.trained} trainings`, ...(cost.evaluated > 0 ? [`${cost.evaluated} evaluations of trained models`] : [])].join(', ');
  const hours = (all: number | null, devices: number | null): string | null =>
    all === null ? null : cost.gpus === 0 ? `${formatSeconds(all * 3600)} of training on the CPU` : `${formatNumber(devices)} GPU-hours`;
  const most = hours(cost.hoursAtMost, cost.gpuHoursAtMost);
  const expected = hours(cost.hoursExpected, cost.gpuHoursExpected);
  const parts = [runs];
  if (cost.trained > 0) parts.push(most === null ? 'no wall-clock budget bounds them' : `at most ${most}`);
  if (expected !== null) parts.push(`about ${expected} as the pilot’s runs went`);
  return [`cost  ${parts.join('; ')}`];
}

const needed = (count: number | null): string => (count === null ? 'none' : formatCount(count));

const chanceText = (chance: number): string => (chance < 0.005 ? '< 1 %' : chance > 0.995 ? '> 99 %' : percent(chance, 0));

const percent = (share: number, digits = 1): string => `${Number((share * 100).toFixed(digits))} %`;

const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)];

function aligned(table: string[][]): string[] {
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table.map((row) =>
    `  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] as number) : cell.padStart(widths[column] as number))).join('  ')}`.trimEnd(),
  );
}

/** Sentences break at the width of the terminal; a table's lines never do. */
function wrapped(line: string): string[] {
  if (line.length <= width || line.startsWith('  ')) return [line];
  const indent = /^(?:- |warning {2}|guardrail {2}|latency {2}|cost {2})/.exec(line)?.[0].length ?? 2;
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(/(?<=\S) (?=\S)/)) {
    const next = current === '' ? word : `${current} ${word}`;
    if (next.length > width) {
      lines.push(current);
      current = ' '.repeat(indent) + word;
    } else current = next;
  }
  return [...lines, current];
}
