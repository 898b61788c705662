import type { Check } from '../contract';

/** Gate. Every run has to hold every test id exactly once, so that variants are compared on the same rows. */
export function pairsCheck(
  testIds: readonly (string | number)[],
  runs: readonly { variant: string; seed: number; ids: readonly (string | number)[] }[],
): Check {
  const wanted = new Set(testIds.map(String));
  const problems = runs.flatMap(({ variant, seed, ids }) => {
    const seen = new Set(ids.map(String));
    const missing = [...wanted].filter((id) => !seen.has(id));
    const unknown = [...seen].filter((id) => !wanted.has(id));
    const repeated = ids.length - seen.size;
    const parts = [
      ...(missing.length > 0 ? [`${missing.length} test ids missing (${missing.slice(0, 3).join(', ')})`] : []),
      ...(unknown.length > 0 ? [`${unknown.length} unknown ids (${unknown.slice(0, 3).join(', ')})`] : []),
      ...(repeated > 0 ? [`${repeated} ids repeated`] : []),
    ];
    return parts.length > 0 ? [`${variant}, seed ${seed}: ${parts.join(', ')}`] : [];
  });
  return {
    name: 'pairs',
    gate: true,
    status: problems.length > 0 || runs.length === 0 ? 'fail' : 'pass',
    statistic: problems.length,
    pValue: null,
    detail:
      runs.length === 0
        ? 'There are no runs to pair.'
        : problems.length > 0
          ? `${problems.slice(0, 3).join('; ')}${problems.length > 3 ? `; and ${problems.length - 3} more runs` : ''}.`
          : `All ${runs.length} runs predicted the same ${wanted.size} test rows.`,
  };
}
