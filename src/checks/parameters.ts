import type { Check, ResolvedSpec } from '../contract';

/** Gate. Parameters that differ between variants have to be declared under `varies`, themselves or a part above them. */
export function parameterCheck(spec: Pick<ResolvedSpec, 'training' | 'variants' | 'varies'>): Check {
  const flat = spec.variants.map(({ name, params }) => ({ name, values: leaves({ ...spec.training.params, ...params }) }));
  const names = [...new Set(flat.flatMap(({ values }) => [...values.keys()]))].sort();
  const differing = names.filter((name) => new Set(flat.map(({ values }) => values.get(name))).size > 1);
  const undeclared = differing.filter((name) => !spec.varies.some((declared) => name === declared || name.startsWith(`${declared}.`)));
  const told = undeclared.map(
    (name) => `${name} (${flat.map((variant) => `${variant.name}: ${variant.values.get(name) ?? 'absent'}`).join(', ')})`,
  );
  return {
    name: 'parameters',
    gate: true,
    status: undeclared.length > 0 ? 'fail' : 'pass',
    statistic: undeclared.length,
    pValue: null,
    detail:
      undeclared.length > 0
        ? `Parameters differ without being declared under varies: ${told.join('; ')}.`
        : differing.length > 0
          ? `The variants differ only in what was declared: ${differing.join(', ')}.`
          : 'The variants have the same parameters.',
  };
}

/** Dotted paths of the values; lists are values. */
function leaves(params: Record<string, unknown>, above = '', found = new Map<string, string>()): Map<string, string> {
  for (const [key, value] of Object.entries(params)) {
    if (value !== null && typeof value === 'object' && !Array.isArray(value))
      leaves(value as Record<string, unknown>, `${above}${key}.`, found);
    else found.set(`${above}${key}`, JSON.stringify(value));
  }
  return found;
}
