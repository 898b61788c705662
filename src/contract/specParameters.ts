import { nearest } from './nearest';
import { isMapping, type Path, type Problem, shown } from './specProblems';
import type { Doubtful, Sections } from './specSections';

export function declaredDifferences({ variants, training, varies }: Sections, doubtful: Doubtful): Problem[] {
  if (variants === undefined || training === undefined || varies === undefined) return [];
  if (doubtful('varies')) return [];
  const effective = variants.map((variant) => ({ ...training.params, ...variant.params }));
  const control = Math.max(
    0,
    variants.findIndex((variant) => variant.control),
  );
  const keys = [...new Set(effective.flatMap((params) => Object.keys(params)))].filter(
    (key) => !varies.includes(key) && !misplaced(key, variants, doubtful),
  );
  return keys.flatMap((key): Problem[] => {
    const values = effective.map((params) => (Object.hasOwn(params, key) ? canonical(params[key]) : undefined));
    const differing = values.findIndex((value) => value !== values[control]);
    if (differing < 0) return [];
    const holder = [differing, control, ...variants.keys()].find((index) => Object.hasOwn(variants[index]?.params ?? {}, key)) ?? differing;
    const said = (index: number): string => `${variants[index]?.name} has ${values[index] ?? 'none'}`;
    return [
      {
        path: ['variants', holder, 'params', key],
        at: 'key',
        message: `differs between variants without being declared: ${said(control)}, ${said(differing)}; add ${key} to varies, or give every variant the same`,
      },
    ];
  });
}

/** Whether a parameter's place is itself in doubt: the params it belongs to are wrong, or it stands beside them. */
const misplaced = (key: string, variants: readonly unknown[], doubtful: Doubtful): boolean =>
  ['params', key].some((part) => doubtful('training', part) || variants.some((_, index) => doubtful('variants', index, part)));

/** JSON with sorted keys: equal values give equal text. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    isMapping(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );

export function usedDeclarations({ variants, training, varies }: Sections, doubtful: Doubtful): Problem[] {
  if (variants === undefined || training === undefined || varies === undefined || doubtful('varies')) return [];
  const known = [...new Set([...Object.keys(training.params), ...variants.flatMap(({ params }) => Object.keys(params))])];
  return varies.flatMap((key, index): Problem[] => {
    if (known.includes(key) || misplaced(key, variants, doubtful)) return [];
    const near = nearest(key, known);
    const mend =
      near !== undefined ? `did you mean "${near}"?` : known.length === 0 ? 'no variant has any' : `there are ${known.join(', ')}`;
    return [{ path: ['varies', index], at: 'value', message: `no variant has a parameter ${shown(key)}; ${mend}` }];
  });
}

/** Parameters travel as JSON. */
export function plainParameters({ variants = [], training }: Sections): Problem[] {
  const find = (value: unknown, path: Path): Problem[] => {
    if (typeof value === 'number' && !Number.isFinite(value)) {
      return [{ path, at: 'value', message: `expected a finite number, got ${value}; JSON has no such number` }];
    }
    if (Array.isArray(value)) return value.flatMap((item, index) => find(item, [...path, index]));
    if (typeof value !== 'object' || value === null) return [];
    if (!isMapping(value) || Object.prototype.toString.call(value) !== '[object Object]') {
      return [{ path, at: 'value', message: 'expected a number, text, true or false, a list or a mapping; write it in quotes' }];
    }
    return Object.entries(value).flatMap(([key, item]) => find(item, [...path, key]));
  };
  return [
    ...find(training?.params ?? {}, ['training', 'params']),
    ...variants.flatMap(({ params }, index) => find(params, ['variants', index, 'params'])),
  ];
}
