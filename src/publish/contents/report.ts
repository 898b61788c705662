import type { ObjectState } from './inspect';

/** What `assay verify --json` prints. */
export interface VerifyReport {
  schema: 'assay.verify/1';
  what: 'experiment' | 'export';
  experiment: string;
  /** URL of the store, or path of the exported folder. */
  place: string;
  /** Nothing is damaged, missing or otherwise than it is told, but for copies that were mended. */
  ok: boolean;
  /** Digest of the result: it signs all that the result lists. Null where there is no result. */
  signature: string | null;
  /** As given by --expect. */
  expected: string | null;
  /** Whether the result lists what it was made from; those of earlier versions do not. */
  listed: boolean;
  objects: number;
  bytes: number;
  groups: VerifiedGroup[];
  problems: VerifyProblem[];
  /** What could not be checked, and why. */
  notes: string[];
}

export interface VerifiedGroup {
  name: string;
  objects: number;
  bytes: number;
  damaged: number;
  missing: number;
}

export interface VerifyProblem {
  /**
   * `damaged`, `missing`: sound in no copy; or, where `mended` says whether it was mended, in some of them. `away`: a replica does not answer.
   * `disagrees`: two places tell different things. `unlisted`: it belongs to the result, which does not list it.
   */
  state: Exclude<ObjectState, 'ok'> | 'disagrees' | 'unlisted';
  name: string;
  digest: string | null;
  /** Which copy, and what is wrong with it. */
  detail: string;
  /** Null where no copy is sound, or the problem is not one of copies. */
  mended: boolean | null;
}

/** Counts by group, problems in the order in which they were found, and what is left to say. */
export class Tally {
  readonly #groups = new Map<string, VerifiedGroup>();
  readonly problems: VerifyProblem[] = [];
  readonly notes: string[] = [];

  count(name: string, bytes: number): void {
    const group = this.#group(name);
    group.objects++;
    group.bytes += bytes;
  }

  problem(problem: VerifyProblem): void {
    this.problems.push(problem);
  }

  disagrees(name: string, digest: string | null, detail: string): void {
    this.problem({ state: 'disagrees', name, digest, detail, mended: null });
  }

  /** What was found, once all has been looked at. */
  report(about: Pick<VerifyReport, 'what' | 'experiment' | 'place' | 'signature' | 'expected' | 'listed'>): VerifyReport {
    return {
      schema: 'assay.verify/1',
      ...about,
      ok: this.problems.every(({ mended }) => mended === true),
      ...this.#sums(),
      groups: this.#ordered(),
      problems: this.problems,
      notes: this.notes,
    };
  }

  /** By group, each object once however many of its copies are bad. */
  #ordered(): VerifiedGroup[] {
    const seen = new Set<string>();
    for (const { state, name, digest } of this.problems) {
      if ((state !== 'damaged' && state !== 'missing') || seen.has(`${name} ${digest}`)) continue;
      seen.add(`${name} ${digest}`);
      this.#group(groupOf(name))[state]++;
    }
    return [...this.#groups.values()].sort((a, b) => order(a.name) - order(b.name) || (a.name < b.name ? -1 : 1));
  }

  #sums(): { objects: number; bytes: number } {
    const groups = [...this.#groups.values()];
    return { objects: groups.reduce((sum, one) => sum + one.objects, 0), bytes: groups.reduce((sum, one) => sum + one.bytes, 0) };
  }

  #group(name: string): VerifiedGroup {
    const known = this.#groups.get(name) ?? { name, objects: 0, bytes: 0, damaged: 0, missing: 0 };
    this.#groups.set(name, known);
    return known;
  }
}

/** `record` for what stands at the top, `runs/<variant>` for a run's, else the first part of the name. */
export function groupOf(name: string): string {
  const [top = '', second = ''] = name.split('/');
  if (top === 'runs') return `runs/${second}`;
  return ['snapshot', 'code', 'latency', 'checks', 'profiles', 'kept', 'tables', 'splits', 'pins'].includes(top) ? top : 'record';
}

const places = ['record', 'code', 'snapshot', 'splits', 'checks', 'profiles', 'runs', 'latency', 'tables', 'kept'];
const order = (group: string): number => places.indexOf(group.split('/')[0] ?? '');
