import { existsSync, statSync } from 'node:fs';
import { AssayError, type ResolvedSpec } from '../contract';
import { loadSpec, type LoadOptions } from '../contract/loadSpec';
import type { Path } from '../contract/specProblems';
import { type ReadYaml, readYaml } from '../contract/specYaml';
import type { Caller } from './access';
import { isWithin, type Refusal, refusalsOf } from './allow';
import type { Allow } from './config';
import { HttpProblem, pointerOf, type ProblemPlace } from './problems';

export interface Submitted {
  body: string;
  /** JSON is told by pointers alone: its lines are those of no file. */
  form: 'json' | 'yaml';
  /** `?root=`: folder of the server that relative paths start from. */
  root: string | null;
  caller: Caller;
}

export interface Rules {
  allow: Allow;
  /** Runs of one experiment. */
  runs: number;
  /** An empty folder, where no file of the server can be named by chance. */
  nowhere: string;
}

/** The spec that was sent, whole and allowed. Throws a problem: 400 where it cannot be read, 422 where it is wrong, 403 where it is refused. */
export function readSubmission(
  { body, form, root, caller }: Submitted,
  { allow, runs, nowhere }: Rules,
): { spec: ResolvedSpec; source: string } {
  if (root !== null && !isWithin(root, allow.roots)) {
    const detail = `root: ${root} is not allowed on this server; allowed: ${allow.roots.join(', ') || 'none'}`;
    throw new HttpProblem('forbidden', detail, { errors: [{ pointer: '/root', detail }] });
  }
  if (root !== null && !isFolder(root)) {
    const detail = `root: ${root} is no folder of this server`;
    throw new HttpProblem('invalid', detail, { errors: [{ pointer: '/root', detail }] });
  }
  const source = form === 'json' ? plainJson(body) : body;
  const yaml = readYaml(source);
  const placeOf = (path: Path, detail: string, at: { line: number; column: number }): ProblemPlace => ({
    pointer: pointerOf(path),
    detail,
    ...(form === 'yaml' && at.line > 0 ? { line: at.line, column: at.column } : {}),
  });
  if (yaml.data === undefined) {
    const errors = yaml.problems.map(({ offset, message }) => placeOf([], message, yaml.position(offset)));
    throw new HttpProblem('malformed', listed(errors), { errors });
  }
  const spec = resolved(source, { root: root ?? nowhere }, placeOf);
  const refusals = [...refusalsOf(spec, { allow, runs, root }), ...ofOwner(spec, caller)];
  if (refusals.length > 0) throw refused(refusals, yaml, placeOf);
  // Only now: whether a file is there is nobody's to find out where none may be named.
  resolved(source, { root: root ?? nowhere, exists: existsSync }, placeOf);
  return { spec: caller.owner === null ? spec : { ...spec, owner: caller.owner }, source };
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** The text again as a file would have it, so that whoever reads the record can run it. */
function plainJson(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch (cause) {
    const deep = cause instanceof RangeError;
    const detail = deep ? 'expected at most 100 lists or mappings inside each other' : `expected JSON: ${(cause as Error).message}`;
    throw new HttpProblem('malformed', detail, { errors: [{ pointer: '', detail }], cause });
  }
}

type PlaceOf = (path: Path, detail: string, at: { line: number; column: number }) => ProblemPlace;

function resolved(source: string, at: Pick<LoadOptions, 'root' | 'exists'>, placeOf: PlaceOf): ResolvedSpec {
  try {
    return loadSpec(source, { file: 'the spec', ...at });
  } catch (error) {
    if (!(error instanceof AssayError) || error.type !== 'SpecInvalid') throw error;
    const found = (error.details?.['problems'] ?? []) as { path?: Path; message: string; line: number; column: number }[];
    const errors = found.slice(0, mostTold).map(({ path = [], message, ...at }) => placeOf(path, withoutPath(message, path), at));
    throw new HttpProblem('invalid', listed(errors), { errors, cause: error });
  }
}

/** A broken spec can have thousands. */
const mostTold = 100;

/** The pointer says it already. */
const withoutPath = (message: string, path: Path): string => (path.length === 0 ? message : message.slice(message.indexOf(': ') + 2));

/** A token of a team starts experiments of that team. */
function ofOwner({ owner }: ResolvedSpec, { name, owner: own }: Caller): Refusal[] {
  if (own === null || owner === undefined || owner === own) return [];
  return [{ path: ['owner'], message: `"${owner}" is not the owner of the token "${name}"; expected "${own}", or nothing` }];
}

function refused(refusals: readonly Refusal[], yaml: ReadYaml, placeOf: PlaceOf): HttpProblem {
  const errors = refusals.map(({ path, message }) => placeOf(path, message, yaml.position(yaml.offsetOf(path, 'value'))));
  return new HttpProblem('forbidden', listed(errors), { errors });
}

function listed(errors: readonly ProblemPlace[]): string {
  const [first, ...more] = errors;
  if (first === undefined) return 'the spec is wrong';
  const told = `${first.pointer === '' ? '' : `${first.pointer}: `}${first.detail}`;
  return more.length === 0 ? told : `${told} (and ${more.length} more)`;
}
