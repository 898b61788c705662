import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { AssayError } from '../contract';
import { canonicalJson } from './canonicalJson';
import { prefixes } from './keys';
import { inParallel, inTurn } from './parallel';
import type { Refs, Registers } from './store';

const keptValues = 20;
const keptBytes = 64 * 1024;
/** Former writes by which a writer finds its own, and how many of them stay in the short record of a removed name. */
const keptOps = 32;
const keptOpsOfRemoved = 4;
/** A record of a removed name is shorter than this; only records as short are read when names are listed. */
const tombstoneBytes = 200;

/** Another writer changed the name since it was read. */
export class RefConflict extends Error {
  override readonly name = 'RefConflict';
  readonly ref: string;
  readonly expected: string | null;
  readonly actual: string | null;

  constructor(ref: string, expected: string | null, actual: string | null) {
    super(
      `The name "${ref}" was changed by another writer: expected ${said(expected)}, found ${said(actual)}. Read it again and decide anew.`,
    );
    this.ref = ref;
    this.expected = expected;
    this.actual = actual;
  }
}

/** JSON values under `refs/`, each with its former values, on registers that compare and swap. */
export class NamedRefs implements Refs {
  readonly #registers: Registers & { url?: string };

  constructor(registers: Registers & { url?: string }) {
    this.#registers = registers;
  }

  async get<T>(name: string): Promise<{ value: T; version: string } | null> {
    const found = await this.#load(name);
    return found === null || isRemoved(found.record) ? null : { value: found.record.value as T, version: String(found.record.version) };
  }

  async set(name: string, value: unknown, expectedVersion: string | null): Promise<string> {
    return await this.#write(name, expectedVersion, (old, op) => live(old, value, op));
  }

  async update<T>(name: string, fn: (old: T | null) => T): Promise<T> {
    // In turn within this process, so that only those of other processes come between.
    return await inTurn(`${this.#registers.url} update ${name}`, async () => {
      for (let attempt = 0; ; attempt++) {
        const old = await this.get<T>(name);
        const value = fn(old?.value ?? null);
        try {
          await this.set(name, value, old?.version ?? null);
          return value;
        } catch (error) {
          if (!(error instanceof RefConflict)) throw error;
          await pause(Math.random() * Math.min(50, attempt));
        }
      }
    });
  }

  async remove(name: string, expectedVersion: string): Promise<void> {
    await this.#write(name, expectedVersion, removed);
  }

  async list(prefix: string): Promise<string[]> {
    const names: string[] = [];
    const doubtful: string[] = [];
    for await (const { key, size } of this.#registers.list(prefixes.refs + prefix) as AsyncIterable<{ key: string; size?: number }>) {
      if (!key.endsWith('.json')) continue;
      const name = key.slice(prefixes.refs.length, -'.json'.length);
      (size === undefined || size < tombstoneBytes ? doubtful : names).push(name);
    }
    await inParallel(doubtful, 8, async (name) => {
      // A damaged record is a name all the same: whoever reads it is told.
      if ((await this.#load(name).catch(damageIsThere)) !== null) names.push(name);
    });
    return names.sort();
  }

  async history<T>(name: string): Promise<{ value: T; version: string; at: string }[]> {
    const found = await this.#load(name);
    const former = found === null || isRemoved(found.record) ? [] : (found.record.history ?? []);
    return former.map(({ value, version, at }) => ({ value: value as T, version: String(version), at }));
  }

  async #write(name: string, expectedVersion: string | null, next: (old: Record | null, op: string) => Record): Promise<string> {
    const op = token();
    for (;;) {
      const found = await this.#load(name, true);
      // Written, but the answer was lost and another writer came since: it would look like a lost race.
      const own = found === null ? null : versionOf(op, found.record);
      if (own !== null) return String(own);
      const actual = found === null || isRemoved(found.record) ? null : String(found.record.version);
      if (actual !== expectedVersion) throw new RefConflict(name, expectedVersion, actual);
      const record = next(found?.record ?? null, op);
      // Where the tag changed the version did too, which the next turn tells.
      if ((await this.#registers.swap(keyOf(name), Buffer.from(canonicalJson(record)), found?.tag ?? null)) !== null)
        return String(record.version);
    }
  }

  async #load(name: string, removedToo = false): Promise<{ record: Record; tag: string } | null> {
    const key = keyOf(name);
    const found = await this.#registers.load(key);
    if (found === null) return null;
    const record = parse(name, found.bytes, `${this.#registers.url ?? ''}/${key}`);
    return isRemoved(record) && !removedToo ? null : { record, tag: found.tag };
  }
}

interface Record {
  version: number;
  /** Absent in a removed name and, as the rest, in records of earlier versions. */
  value?: unknown;
  removed?: true;
  at?: string;
  /** Names this write, and makes its bytes unique. */
  op?: string;
  /** Those of the versions before, newest first and without a gap. */
  past?: string[];
  history?: { version: number; value: unknown; at: string }[];
}

/** The version goes on where a name was removed, so that no reader of the former one takes it for unchanged. */
function live(old: Record | null, value: unknown, op: string): Record {
  const history = old === null || old.removed ? [] : [{ version: old.version, value: old.value, at: old.at ?? '' }, ...(old.history ?? [])];
  let bytes = 0;
  const kept = history.slice(0, keptValues).filter((former) => (bytes += Buffer.byteLength(canonicalJson(former))) <= keptBytes);
  return { version: (old?.version ?? 0) + 1, value, at: now(), op, past: opsOf(old).slice(0, keptOps), history: kept };
}

const removed = (old: Record | null, op: string): Record => ({
  version: (old?.version ?? 0) + 1,
  removed: true,
  at: now(),
  op,
  past: opsOf(old).slice(0, keptOpsOfRemoved),
});

/** Records of earlier versions have no list, or no name for their own write. */
const opsOf = (record: Record | null): string[] => (record?.op === undefined ? [] : [record.op, ...(record.past ?? [])]);

/** The version that this write made, where it is the present one or one of the last. */
function versionOf(op: string, record: Record): number | null {
  const back = opsOf(record).indexOf(op);
  return back < 0 ? null : record.version - back;
}

function parse(name: string, bytes: Buffer, place: string): Record {
  let record: unknown;
  try {
    record = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new AssayError('ObjectCorrupt', `The name "${name}" is no JSON any more: ${place}. Restore the file from a backup.`, { cause });
  }
  if (typeof record === 'object' && record !== null && 'promised' in record)
    throw new AssayError(
      'Unsupported',
      `The name "${name}" was written by a store of several replicas, and one of them alone may be behind: ${place}. Give all of them in ASSAY_STORE, separated by commas.`,
    );
  if (typeof (record as Record | null)?.version !== 'number')
    throw new AssayError('ObjectCorrupt', `The name "${name}" has no version: ${place}. Restore the file from a backup.`);
  return record as Record;
}

function keyOf(name: string): string {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/.test(name))
    throw new AssayError(
      'NotFound',
      `"${name}" is no name in the store: use letters, digits, ".", "_", "-" in parts separated by "/", none starting with ".".`,
    );
  return `${prefixes.refs}${name}.json`;
}

function damageIsThere(error: unknown): undefined {
  if (error instanceof AssayError && error.type === 'ObjectCorrupt') return undefined;
  throw error;
}

const isRemoved = (record: Record): boolean => record.removed === true;
const now = (): string => new Date().toISOString();
const token = (): string => randomBytes(9).toString('base64url');
const said = (version: string | null): string => (version === null ? 'no such name' : `version ${version}`);
