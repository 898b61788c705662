import { availableParallelism } from 'node:os';
import type { Leaks } from '../../contract';
import type { Database } from '../database';
import { splitPairs } from '../pairs';
import type { Placed } from '../placed';
import { type Found, named, rowsOfSplit, rowsWithCopies, twoDigits } from './found';
import { correlation, distance, perceive, type Picture, pieceKey, side } from './perceptualHash';

const decodable = /\.(?:png|jpe?g|webp|gif|tiff?|avif|heif|heic|svg)$/i;
const mostBytes = 100 * 1024 * 1024;
const mostPixels = 100_000_000;
/** What a picture takes in memory, in cells of 4 bytes. */
export const cellsOfPicture = 600;
/** Plain drawings (digits, icons) share their low frequencies; copies also agree cell by cell. */
const leastCorrelation = 0.98;
/** The hash of a smooth picture (sky, blur) is half noise; where the cells agree to this, up to so far a distance, they count instead. */
const certainCorrelation = 0.995;
const farthestOfSmooth = 10;

type Pairs = NonNullable<Leaks['nearDuplicates']>;

/** Pictures that look the same whatever their size and encoding. Files that are no pictures are counted and told. */
export async function imagePairs(
  db: Database,
  placed: Placed,
  bound: number,
  read: ((path: string, digest: string) => Promise<Buffer>) | undefined,
  heartbeat: () => void,
): Promise<Pairs> {
  const { pictures, unseen, flat } = await perceiveAll(db, placed, read, heartbeat);
  // Pictures no farther apart than this share one of one more pieces of their hash; of long distances all pairs are compared.
  const farthest = Math.max(farthestOfSmooth, Math.floor(64 * (1.005 - bound)));
  const pieces = farthest > farthestOfSmooth ? 0 : farthest + 1;
  const pairs: Pairs['pairs'] = [];
  for (const [first, second] of splitPairs) {
    const ours = rowsOfSplit(placed, first);
    const done = rowsWithCopies(placed, ours);
    const found: Found[] = [];
    for (let piece = 0; piece < Math.max(1, pieces); piece++) {
      heartbeat();
      const keyed = new Map<number, number[]>();
      for (const row of ours) {
        const picture = pictures[row];
        if (picture === undefined) continue;
        const key = pieces === 0 ? 0 : pieceKey(picture, piece, pieces);
        const bucket = keyed.get(key);
        if (bucket === undefined) keyed.set(key, [row]);
        else bucket.push(row);
      }
      for (const row of rowsOfSplit(placed, second)) {
        const picture = pictures[row];
        if (picture === undefined || done.has(row)) continue;
        for (const other of keyed.get(pieces === 0 ? 0 : pieceKey(picture, piece, pieces)) ?? []) {
          const known = pictures[other];
          const similarity = known === undefined ? 0 : twoDigits(likeness(picture, known, farthest));
          if (similarity < bound) continue;
          found.push({ first: other, second: row, similarity });
          done.add(row);
          break;
        }
      }
    }
    pairs.push({ splits: [first, second], rows: found.length, examples: await named(db, found) });
  }
  const seen = pictures.filter((picture) => picture !== undefined).length;
  const without = [
    ...(placed.rows < placed.total ? [`${placed.total - placed.rows} beyond the ${placed.rows} drawn by a hash of their content`] : []),
    ...(unseen === 0 ? [] : [`${unseen} ${unseen === 1 ? 'file' : 'files'} could not be decoded`]),
    ...(flat === 0 ? [] : [`${flat} of one colour`]),
  ];
  return {
    bound,
    method: `perceptual hash (64 bits of the cosine transform of 32 x 32 greys) of ${seen} pictures${without.length === 0 ? '' : `; left out: ${without.join(', ')}`}`,
    pairs,
  };
}

function likeness(a: Picture, b: Picture, farthest: number): number {
  const apart = distance(a, b);
  if (apart > farthest) return 0;
  const alike = correlation(a, b);
  return Math.max(alike < leastCorrelation ? 0 : 1 - apart / 64, alike < certainCorrelation ? 0 : alike);
}

async function perceiveAll(
  db: Database,
  placed: Placed,
  read: ((path: string, digest: string) => Promise<Buffer>) | undefined,
  heartbeat: () => void,
): Promise<{ pictures: (Picture | undefined)[]; unseen: number; flat: number }> {
  const pictures = Array.from<Picture | undefined>({ length: placed.rows });
  let [unseen, flat] = [0, 0];
  const files: { at: number; path: string; digest: string }[] = [];
  for await (const [i, path, digest, bytes] of db.rows(
    'SELECT l.i, e.path, e.content, TRY_CAST(r.c0 AS DOUBLE) FROM leak_rows l JOIN examples e ON e.row = l.row JOIN raw r ON r.rowid = l.row ORDER BY l.i',
  )) {
    if (read === undefined || !decodable.test(String(path)) || Number(bytes) > mostBytes) unseen++;
    else files.push({ at: Number(i), path: String(path), digest: String(digest) });
  }
  const greyOf = files.length === 0 ? null : await decoder();
  let next = 0;
  const work = async (): Promise<void> => {
    for (let file = files[next++]; file !== undefined; file = files[next++]) {
      heartbeat();
      const data = await read?.(file.path, file.digest);
      const grey = data === undefined ? null : ((await greyOf?.(data)) ?? null);
      if (grey === null) {
        unseen++;
        continue;
      }
      const picture = perceive(grey);
      if (picture === null) flat++;
      else pictures[file.at] = picture;
    }
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work));
  return { pictures, unseen, flat };
}

/** 32 x 32 grey values of an encoded picture, or null where it is none. Loaded only where a source has pictures. */
async function decoder(): Promise<(data: Buffer) => Promise<Uint8Array | null>> {
  const { default: sharp } = await import('sharp');
  sharp.concurrency(1);
  sharp.cache(false);
  return async (data) =>
    await sharp(data, { limitInputPixels: mostPixels, failOn: 'error' })
      .rotate()
      .flatten({ background: 'white' })
      .greyscale()
      .resize(side, side, { fit: 'fill' })
      .raw()
      .toBuffer()
      .catch(() => null);
}
