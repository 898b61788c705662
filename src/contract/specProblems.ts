/** Keys and indices from the top of the file. */
export type Path = readonly (string | number)[];

/** One thing wrong with an experiment file. */
export interface Problem {
  path: Path;
  /** Whether the caret goes under the key or under its value; a key that is not there points to what should hold it. */
  at: 'key' | 'value';
  message: string;
  /** The path a misspelt key was most likely meant as: it counts as written, though wrongly. */
  meant?: Path;
  /** For programs: what they can mend or say more about; `value` is what stands there. */
  marker?: { code: 'image-unpinned'; value: string };
}

/** `variants[1].params.lr` */
export const pathText = (path: Path): string =>
  path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('');

export const startsWith = (path: Path, start: Path): boolean =>
  start.length <= path.length && start.every((part, index) => part === path[index]);

/** The value at a path, undefined where there is none. */
export function valueAt(data: unknown, path: Path): unknown {
  let value = data;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}

/** What a person sees of a value in a message. */
export function shown(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'number') return String(value);
  return JSON.stringify(typeof value === 'string' && value.length > 60 ? `${value.slice(0, 59)}…` : value);
}

export const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
