import type { Result } from '../../contract';

/** One of the two experiments; `spec` as it was resolved, null where it is no longer there. */
export interface Side {
  result: Result;
  spec: unknown;
}

/** Undefined where there is no such key. */
export interface Change {
  about: 'spec' | 'data' | 'seeds' | 'code' | 'image' | 'environment';
  key: string;
  before?: unknown;
  after?: unknown;
}

/** What is different of what the two experiments were made from, in the order of `about`. */
export function changesBetween(after: Side, before: Side): Change[] {
  const specs = after.spec === null || before.spec === null ? [] : differing('spec', flat(after.spec), flat(before.spec));
  return [
    ...specs,
    ...differing('data', dataOf(after.result), dataOf(before.result)),
    ...differing('seeds', new Map([['seeds', after.result.plan.seeds]]), new Map([['seeds', before.result.plan.seeds]])),
    ...differing('code', codeOf(after.result), codeOf(before.result)),
    ...differing('image', imagesOf(after.result), imagesOf(before.result)),
    ...differing('environment', environmentOf(after.result), environmentOf(before.result)),
  ];
}

type Values = Map<string, unknown>;

function differing(about: Change['about'], after: Values, before: Values): Change[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((key) => {
    if (JSON.stringify(before.get(key)) === JSON.stringify(after.get(key))) return [];
    return [
      {
        about,
        key,
        ...(before.has(key) ? { before: before.get(key) } : {}),
        ...(after.has(key) ? { after: after.get(key) } : {}),
      },
    ];
  });
}

/** Dotted keys; members of a list with names are known by them, whatever their place. */
function flat(value: unknown, path = '', found: Values = new Map()): Values {
  const at = (key: string): string => (path === '' ? key : `${path}.${key}`);
  if (Array.isArray(value) && value.length > 0 && value.every(named)) {
    for (const { name, ...rest } of value) flat(rest, at(name), found);
  } else if (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0) {
    for (const [key, member] of Object.entries(value)) flat(member, at(key), found);
  } else {
    found.set(path, value);
  }
  return found;
}

const named = (value: unknown): value is { name: string } =>
  typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string';

function dataOf({ snapshot }: Result): Values {
  return new Map<string, unknown>([
    ['source', snapshot.source],
    ['digest', snapshot.digest],
    ['rows', snapshot.rows],
    ...Object.entries(snapshot.splits).map(([split, rows]): [string, unknown] => [`rows of ${split}`, rows]),
    ['classes', snapshot.classes],
  ]);
}

function codeOf({ provenance: { assay, git, dvc } }: Result): Values {
  return new Map<string, unknown>([
    ['assay', assay],
    ['commit', git.commit],
    ['uncommitted changes', git.diff?.digest ?? (git.dirty ? 'yes' : 'none')],
    ['repository', git.remote],
    ...(dvc ? [['DVC md5', dvc.md5] as [string, unknown]] : []),
  ]);
}

function imagesOf(result: Result): Values {
  const all = runsOf(result).map(({ image }) => image ?? 'none: a process of its host');
  return new Map([['image', oneOf(all)]]);
}

/** Of whoever started it, and of the trainers. */
function environmentOf(result: Result): Values {
  const runs = runsOf(result);
  const keys = [...new Set(runs.flatMap(({ environment }) => Object.keys(environment ?? {})))];
  return new Map<string, unknown>([
    ['started on', result.provenance.host],
    ['devices', oneOf(runs.map(({ device }) => device.model))],
    ...Object.entries(result.provenance.environment),
    ...keys.map((key): [string, unknown] => [`trainer: ${key}`, oneOf(runs.map(({ environment }) => environment[key] ?? null))]),
  ]);
}

const runsOf = ({ variants }: Result): Result['variants'][number]['runs'] => variants.flatMap(({ runs }) => runs);

/** The one value, or all different ones. */
function oneOf(values: readonly unknown[]): unknown {
  const texts = [...new Set(values.map((value) => JSON.stringify(value)))].sort();
  const different = texts.map((text): unknown => JSON.parse(text));
  return different.length === 1 ? different[0] : different;
}
