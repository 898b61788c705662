import { isMapping, type Path, type Problem, valueAt } from './specProblems';

interface Refusal {
  /** As in `variants[].model`. */
  path: string;
  /** Which values; every value where absent. */
  when?: (value: unknown) => boolean;
  /** `{value}` stands for what was written. */
  sentence: string;
}

const oneOf =
  (...words: unknown[]) =>
  (value: unknown): boolean =>
    words.includes(value);
const begins = (start: string) => (value: unknown) => typeof value === 'string' && value.startsWith(start);
const holdsSecret = (value: unknown): boolean => typeof value === 'string' && /\/\/[^/]*@/.test(value);
const isAddress = (value: unknown): boolean =>
  typeof value === 'string' && /^(?!s3:)[a-z][a-z0-9+.-]*:\/\//i.test(value) && !holdsSecret(value);

const later = (part: string, mend: string): string => `{value} comes with ${part}, which this version lacks; ${mend}`;

/** Keys and values of the full design whose part is not here yet: each says so in its own words, none is ignored. */
export const refusals: readonly Refusal[] = [
  {
    path: 'data.source',
    when: holdsSecret,
    sentence: 'holds a user, password or key, which would be written to histories; credentials come from the AWS chain',
  },
  { path: 'data.source', when: isAddress, sentence: '{value} is an address; download it and name the local file or folder' },
  {
    path: 'data.source',
    when: (value) => begins('builtin:')(value) && value !== 'builtin:digits',
    sentence: '{value} is no data set that comes along; there is "builtin:digits"',
  },
  { path: 'variants[].model', when: begins('s3://'), sentence: later('models on S3', 'copy the model to a local file or folder') },
  { path: 'variants[].model', when: isAddress, sentence: '{value} is an address; download it and name the local file or folder' },
  {
    path: 'evaluation.latency.interleave',
    when: oneOf(false),
    sentence: 'false would let a drifting machine strike one variant alone, and is not offered; leave it out',
  },
  {
    path: 'analysis.correction',
    when: oneOf('bonferroni', 'hochberg', 'hommel', 'benjamini-hochberg', 'benjamini-yekutieli'),
    sentence: later('further corrections', 'use "holm" or "none"'),
  },
  {
    path: 'analysis.correction',
    when: oneOf('max-t'),
    sentence: '{value} is what "holm" does wherever the candidates share their resamples; use "holm"',
  },
];

/** Problems for every refused key and value in the data. */
export const refusedIn = (data: unknown): Problem[] =>
  refusals.flatMap((refusal) =>
    matching(data, refusal.path.split(/\.|(?=\[\])/)).flatMap((path): Problem[] => {
      const value = valueAt(data, path);
      if (refusal.when !== undefined && !refusal.when(value)) return [];
      const at = refusal.when === undefined ? 'key' : 'value';
      return [{ path, at, message: refusal.sentence.replace('{value}', () => String(value)) }];
    }),
  );

/** The refusal of a whole key, e.g. of `data.slices`; for a key written almost like it. */
export const refusalOfKey = (path: string): string | undefined =>
  refusals.find((refusal) => refusal.path === path && refusal.when === undefined)?.sentence;

/** Refused keys right below a mapping, e.g. of `data`. */
export const refusedKeysBelow = (path: string): string[] =>
  refusals
    .filter((refusal) => refusal.when === undefined && refusal.path.split('.').slice(0, -1).join('.') === path)
    .map((refusal) => refusal.path.split('.').at(-1) ?? '');

function matching(data: unknown, pattern: readonly string[], path: Path = []): Path[] {
  const [head, ...rest] = pattern;
  if (head === undefined) return [path];
  if (head === '[]') return Array.isArray(data) ? data.flatMap((item, index) => matching(item, rest, [...path, index])) : [];
  if (!isMapping(data) || !Object.hasOwn(data, head)) return [];
  return matching(data[head], rest, [...path, head]);
}
