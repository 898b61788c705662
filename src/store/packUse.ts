import { AssayError } from '../contract';
import type { Backend, Source } from './backend';
import { packKey, parseKey, prefixes } from './keys';
import type { Marks } from './marks';
import { PackIndex, type PackMember } from './packs';
import { PackWriter } from './packs/packWriter';
import { compact, type Reached } from './reach';
import { Spool } from './spool';
import type { Store } from './store';
import { majorityOf } from './survey';

/** A pack of fewer live bytes than this share is written anew. */
const sparseShare = 0.5;
const packBytes = 32 << 20;

export interface PackUse {
  /** Whether a live object is read from it, or may be: what is in a damaged or a new one is not known. */
  isNeeded(pack: string): boolean;
  /** Packs with few live members, and these. */
  sparse: { pack: string; live: PackMember[] }[];
}

/** Each live member counts for one pack, the one with the largest live share, so that a pack written anew makes the old one superfluous. */
export async function packUse(store: Store, marks: Marks, reached: Reached): Promise<PackUse> {
  const sizes = await listPacks(store.replicas);
  const list = async function* (): AsyncIterable<{ digest: string; size: number }> {
    for (const [digest, size] of sizes) yield { digest, size };
  };
  const index = new PackIndex({ list, read: async (pack, range) => await readPack(store.replicas, marks, pack, range) });
  const known: { pack: string; share: number; bytes: number }[] = [];
  for (const pack of sizes.keys()) {
    const members = await index.members(pack).catch(unknownPack);
    if (members.length === 0) continue;
    const bytes = sum(members);
    known.push({ pack, bytes, share: sum(members.filter(({ digest }) => reached.has(digest))) / Math.max(1, bytes) });
  }
  known.sort((a, b) => b.share - a.share || (a.pack < b.pack ? -1 : 1));
  const counted = new Set<string>();
  const unneeded = new Set<string>();
  const sparse: PackUse['sparse'] = [];
  for (const { pack, bytes } of known) {
    const live = (await index.members(pack)).filter(({ digest }) => reached.has(digest) && !counted.has(compact(digest)));
    for (const { digest } of live) counted.add(compact(digest));
    if (live.length === 0) unneeded.add(pack);
    else if (sum(live) < sparseShare * bytes) sparse.push({ pack, live });
  }
  return { isNeeded: (pack) => sizes.has(pack) && !unneeded.has(pack), sparse };
}

/** Writes the live members of sparse packs into new ones; the old ones are superfluous from the next run on. */
export async function rewrite(store: Store, marks: Marks, sparse: PackUse['sparse']): Promise<void> {
  const folder = await new Spool(store.replicas).folder();
  let writer = new PackWriter(folder);
  const close = async (): Promise<void> => {
    const full = writer;
    writer = new PackWriter(folder);
    try {
      if (full.members.length === 0) return;
      const source = await full.finish();
      await createInMajority(store.replicas, packKey(source.digest, await marks.revive(source.digest)), { ...source, movable: false });
    } finally {
      await full.discard();
    }
  };
  try {
    for (const { live } of sparse)
      for (const { digest } of live) {
        if (writer.has(digest)) continue;
        const bytes = await store.get({ digest });
        await writer.append(bytes, [{ path: '', digest, size: bytes.length }]);
        if (writer.size >= packBytes) await close();
      }
    await close();
  } finally {
    await writer.discard();
  }
}

export async function createInMajority(replicas: readonly Backend[], key: string, source: Source): Promise<void> {
  const written = await Promise.allSettled(replicas.map((replica) => replica.create(key, source)));
  const failures = written.flatMap((one, i) =>
    one.status === 'rejected' ? [`${replicas[i]?.url}: ${(one.reason as Error).message}`] : [],
  );
  if (replicas.length - failures.length >= majorityOf(replicas)) return;
  throw new AssayError(
    'StoreUnavailable',
    `${key} could be written to ${replicas.length - failures.length} of ${replicas.length} replicas, ${majorityOf(replicas)} are needed: ${failures.join('; ')}. Mend one of them and run it again.`,
  );
}

/** Of a majority of the replicas, which together have every pack that is durable. */
async function listPacks(replicas: readonly Backend[]): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  const listed = await Promise.allSettled(
    replicas.map(async (replica) => {
      for await (const { key, size } of replica.list(prefixes.packs)) {
        const parsed = parseKey(key);
        if (parsed !== null) sizes.set(parsed.digest, size);
      }
    }),
  );
  const failed = listed.filter((one) => one.status === 'rejected');
  if (replicas.length - failed.length < majorityOf(replicas)) throw failed[0]?.reason;
  return sizes;
}

async function readPack(replicas: readonly Backend[], marks: Marks, pack: string, range: { start: number; end: number }): Promise<Buffer> {
  const generation = await marks.generation(pack);
  let failure: unknown = new AssayError('NotFound', `The pack ${pack} is in no replica any more.`);
  for (const key of generation === 0 ? [packKey(pack)] : [packKey(pack, generation), packKey(pack)])
    for (const replica of replicas)
      try {
        const stream = await replica.read(key, range);
        if (stream !== null) return Buffer.concat((await stream.toArray()) as Buffer[]);
      } catch (error) {
        failure = error;
      }
  throw failure;
}

function unknownPack(error: unknown): PackMember[] {
  if (error instanceof AssayError && (error.type === 'ObjectCorrupt' || error.type === 'NotFound')) return [];
  throw error;
}

const sum = (members: readonly PackMember[]): number => members.reduce((bytes, { start, end }) => bytes + end - start, 0);
