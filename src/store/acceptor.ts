import { createHash } from 'node:crypto';
import { canonicalJson } from './canonicalJson';

/** Rounds are ordered by their number and then by the random name of who proposes; no two rounds share both. */
export type Ballot = readonly [number: number, proposer: string];

/** A value of a register: null bytes are those of a removed one. */
export interface Held {
  /** Names this version of the value; stays when a later round proposes it again. */
  tag: string;
  bytes: Buffer | null;
  /** Tags of the versions before, newest first, so that a proposer can tell whether its own was among them. */
  past: readonly string[];
}

/** What one replica keeps of a register, as CASPaxos has it. */
export interface Acceptor {
  promised: Ballot;
  accepted: Ballot | null;
  held: Held | null;
}

export const lowest: Ballot = [0, ''];
export const isAbove = (a: Ballot, b: Ballot): boolean => a[0] > b[0] || (a[0] === b[0] && a[1] > b[1]);

/** More than the members around a value take: the list of former tags is the largest. */
export const wrapperBytes = 1_600;
export const pastTags = 64;

/** Null where the bytes are damaged. A record of a store that had one replica counts as accepted in the lowest round. */
export function parseAcceptor(bytes: Buffer): Acceptor | null {
  let record: Partial<Stored>;
  try {
    record = JSON.parse(bytes.toString('utf8')) as Partial<Stored>;
  } catch {
    return null;
  }
  if (typeof record !== 'object' || record === null) return null;
  if (record.promised === undefined)
    return { promised: lowest, accepted: lowest, held: { tag: `plain-${digest(bytes.toString('utf8'))}`, bytes, past: [] } };
  const { sum, ...rest } = record as Stored;
  if (sum !== digest(canonicalJson(rest))) return null;
  const { promised, accepted, tag, past, value, base64 } = rest;
  const kept = base64 === undefined ? (value === undefined ? null : Buffer.from(canonicalJson(value))) : Buffer.from(base64, 'base64');
  return { promised, accepted, held: tag === undefined ? null : { tag, bytes: kept, past: past ?? [] } };
}

/** JSON that a person can read; `op` makes the bytes of each write unique. */
export function formatAcceptor({ promised, accepted, held }: Acceptor, op: string): Buffer {
  const rest: Omit<Stored, 'sum'> = {
    promised,
    accepted,
    op,
    ...(held === null ? {} : { tag: held.tag, past: held.past, ...embed(held.bytes) }),
  };
  return Buffer.from(canonicalJson({ ...rest, sum: digest(canonicalJson(rest)) }));
}

interface Stored {
  promised: Ballot;
  accepted: Ballot | null;
  op: string;
  tag?: string;
  past?: readonly string[];
  /** The value where it is canonical JSON, else `base64`; neither where it was removed. */
  value?: unknown;
  base64?: string;
  /** Of all the rest, so that a flipped bit is noticed. */
  sum: string;
}

function embed(bytes: Buffer | null): Pick<Stored, 'value' | 'base64'> {
  if (bytes === null) return {};
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (Buffer.from(canonicalJson(value)).equals(bytes)) return { value };
  } catch {
    // No JSON: kept as it is.
  }
  return { base64: bytes.toString('base64') };
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);
