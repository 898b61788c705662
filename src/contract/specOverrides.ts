import { isMapping, type Path, type Problem, pathText, shown, startsWith, valueAt } from './specProblems';
import { readValue } from './specYaml';

export interface Override {
  /** `training.budget.epochs`, `variants[0].params.lr`, or a variant by its name: `variants.cnn.params.lr`. */
  path: string;
  /** Read as YAML. */
  value: string;
  /** What the user wrote, where that is no `--set`. */
  flag?: string;
}

export interface Applied {
  data: Record<string, unknown>;
  problems: Problem[];
  /** The flag a value at this path came from, e.g. `--set training.attempts=x`. */
  flagOf: (path: Path) => string | undefined;
}

/** The data with `--set` and `--seeds` put in, in order; they win over the file. */
export function withOverrides(original: Record<string, unknown>, overrides: readonly Override[], seeds: number[] | undefined): Applied {
  const data = structuredClone(original);
  const problems: Problem[] = [];
  const flags: { path: Path; flag: string }[] = [];
  const put = (path: string, value: unknown, flag: string): void => {
    const outcome = set(data, path, value);
    flags.push({ path: outcome.path, flag });
    if (outcome.message !== undefined) problems.push({ path: outcome.path, at: 'key', message: outcome.message });
  };
  for (const override of overrides) {
    const flag = override.flag ?? `--set ${override.path}=${override.value}`;
    const read = readValue(override.value);
    if ('value' in read) put(override.path, read.value, flag);
    else {
      const path = override.path.split('.');
      flags.push({ path, flag });
      problems.push({ path, at: 'key', message: read.message });
    }
  }
  if (seeds !== undefined) put('training.seeds', seeds, `--seeds ${seeds.join(',')}`);
  // A key that only a flag's path brought in is the flag's, too.
  const flagOf = (path: Path): string | undefined =>
    flags.findLast((entry) => startsWith(path, entry.path) || (startsWith(entry.path, path) && valueAt(original, path) === undefined))
      ?.flag;
  return { data, problems, flagOf };
}

function set(data: Record<string, unknown>, pathOf: string, value: unknown): { path: Path; message?: string } {
  const parts = pathOf
    .replace(/\[(\d+)\]/g, '.$1')
    .split('.')
    .map((part) => part.trim());
  const path: (string | number)[] = [];
  if (parts.includes('') || parts.includes('__proto__')) return { path: parts, message: 'expected a path such as training.budget.epochs' };
  let holder: unknown = data;
  for (const [depth, part] of parts.entries()) {
    const last = depth === parts.length - 1;
    if (Array.isArray(holder)) {
      const index = indexIn(holder, part);
      if (index === undefined) {
        const message = `expected an item of ${pathText(path)}, which has ${holder.length}: 0 to ${holder.length - 1}, or a variant's name`;
        return { path: [...path, part], message };
      }
      path.push(index);
      if (last) holder[index] = value;
      holder = holder[index] as unknown;
    } else if (isMapping(holder)) {
      path.push(part);
      if (last) holder[part] = value;
      else if (!Object.hasOwn(holder, part) || holder[part] === null) holder[part] = {};
      holder = holder[part];
    } else return { path, message: `expected a mapping to set ${part} in, got ${shown(holder)}` };
  }
  return { path };
}

function indexIn(list: readonly unknown[], part: string): number | undefined {
  const index = /^\d+$/.test(part) ? Number(part) : list.findIndex((item) => isMapping(item) && item['name'] === part);
  return index >= 0 && index < list.length ? index : undefined;
}
