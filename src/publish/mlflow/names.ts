/** MLflow's limits, in characters. */
const longestName = 250;
const longestParam = 6000;
/** Of every version still in use; a note that is longer is cut. */
const longestTag = 5000;

/**
 * Names as MLflow takes them for metrics and parameters, by the given ones: letters, digits, "_", "-", ".", ":", " " and "/" between
 * parts. What becomes the same gets a number.
 */
export function namesFor(given: Iterable<string>): Map<string, string> {
  const taken = new Set<string>();
  const names = new Map<string, string>();
  for (const name of given) {
    if (names.has(name)) continue;
    const plain = plainName(name);
    let chosen = plain;
    for (let n = 2; taken.has(chosen); n++) chosen = `${plain.slice(0, longestName - 8)}-${n}`;
    taken.add(chosen);
    names.set(name, chosen);
  }
  return names;
}

function plainName(name: string): string {
  const parts = name
    .replace(/[^\p{L}\p{N}_.:/ -]/gu, '_')
    .split('/')
    // What a path would resolve.
    .filter((part) => !/^\.{0,2}$/.test(part));
  return cut(parts.join('/').trim(), longestName) || '_';
}

/** Never half a character. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const end = /[\uD800-\uDBFF]/.test(text[most - 1] ?? '') ? most - 1 : most;
  return text.slice(0, end);
}

/** A value in a word; what is too long ends with a sentence on where the whole is. */
export function paramValue(value: unknown): { text: string; whole: boolean } {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'null');
  if (text.length <= longestParam) return { text, whole: true };
  return { text: `${cut(text, 500)}… (${text.length} characters; the whole is in params.json)`, whole: false };
}

export interface Tag {
  key: string;
  value: string;
}

/** Tags from a mapping; what is null or empty is left out. */
export const tagsOf = (values: Record<string, string | null | undefined>): Tag[] =>
  Object.entries(values).flatMap(([key, value]) => (value == null || value === '' ? [] : [{ key, value: cut(value, longestTag) }]));
