import type { Check, Leaks } from '../contract';

/** What the data give away: near copies (finding), units in two splits (gate, for the test split), columns that tell the class (finding). */
export function leakChecks(leaks: Leaks): Check[] {
  return [
    ...(leaks.nearDuplicates === null ? [] : [nearCopies(leaks.nearDuplicates)]),
    sharedUnits(leaks.unitsAcross),
    labelLeak(leaks.revealing),
  ];
}

function nearCopies({ bound, method, pairs }: NonNullable<Leaks['nearDuplicates']>): Check {
  const base = { name: 'near-duplicates', gate: false, pValue: null } as const;
  const found = pairs.filter(({ rows }) => rows > 0);
  const statistic = found.filter(({ splits }) => splits.includes('test')).reduce((sum, { rows }) => sum + rows, 0);
  if (found.length === 0)
    return {
      ...base,
      status: 'pass',
      statistic,
      detail: `No row of one split is almost a row of another (similarity of ${bound} or more; ${method}).`,
    };
  const parts = found.map(({ splits: [first, second], rows, examples }) => {
    const shown = examples.map(([a, b, similarity]) => `${a} ~ ${b} (${similarity.toFixed(2)})`).join(', ');
    return `${rows} ${rows === 1 ? 'row' : 'rows'} of ${second} ${rows === 1 ? 'is' : 'are'} almost a row of ${first} (${shown}${rows > examples.length ? ', ...' : ''})`;
  });
  return {
    ...base,
    status: 'warn',
    statistic,
    detail: `${parts.join('; ')}: similarity of ${bound} or more, ${method}.`,
    mend: 'Look at the pairs. Where they are copies, remove them, or give them one data.unit so that they share a split; where they are not, raise checks.leaks.nearDuplicates.',
  };
}

/** Units of train and validation alone mislead the tuning, not the comparison: they are told. */
function sharedUnits(across: Leaks['unitsAcross']): Check {
  const base = { name: 'units-across', gate: true, pValue: null } as const;
  const found = across.filter(({ units }) => units > 0);
  if (found.length === 0) return { ...base, status: 'pass', statistic: 0, detail: 'No unit stands in two splits.' };
  const tested = found.filter(({ splits }) => splits.includes('test'));
  const parts = found.map(
    ({ splits: [first, second], units, examples }) =>
      `${units} ${units === 1 ? 'unit stands' : 'units stand'} in ${first} and in ${second} (${examples.join(', ')}${units > examples.length ? ', ...' : ''})`,
  );
  return {
    ...base,
    status: tested.length > 0 ? 'fail' : 'warn',
    statistic: tested.reduce((sum, { units }) => sum + units, 0),
    detail: `${parts.join('; ')}.`,
    mend: 'Keep all rows of a unit in one split: drop its rows from one of them, or split by fractions, which do so by themselves.',
  };
}

function labelLeak(revealing: Leaks['revealing']): Check {
  const base = { name: 'label-leak', gate: false, pValue: null } as const;
  const [worst] = revealing;
  if (worst === undefined) return { ...base, status: 'pass', statistic: null, detail: 'No single column tells a class by itself.' };
  const told = revealing.slice(0, 5).map(({ column, class: name, auc }) => `"${column}" tells class "${name}" (AUC ${auc.toFixed(4)})`);
  const more = revealing.length > told.length ? `, and ${revealing.length - told.length} more columns` : '';
  return {
    ...base,
    status: 'warn',
    statistic: worst.auc,
    detail: `By itself ${told.join(', ')}${more}, on the training rows.`,
    mend: `Ask whether ${revealing.length === 1 ? `"${worst.column}" is` : 'these columns are'} known before the answer is. If not, drop ${revealing.length === 1 ? 'it' : 'them'} from the data; if so, raise checks.leaks.labelAuc.`,
  };
}
