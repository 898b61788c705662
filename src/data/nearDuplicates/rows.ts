import type { Leaks } from '../../contract';
import type { Database } from '../database';
import { splitPairs } from '../pairs';
import type { Placed } from '../placed';
import { Buckets } from './buckets';
import { constants, mix } from './hashing';
import { type Likeness, Tokens } from './likeness';
import { type Found, named, rowsOfSplit, rowsWithCopies, twoDigits } from './found';

/* oxlint-disable typescript/no-non-null-assertion -- typed arrays, read inside their bounds many million times */

// 9 bands of 7 hashes find a pair of similarity 0.95 (Jaccard 0.905) with 99.8 %, and bring one in 250 of 0.5 (Jaccard 0.33).
const bands = 9;
const hashesInBand = 7;
const hashes = bands * hashesInBand;
/** By chance fewer than one pair in a thousand data sets agrees in so many bits beyond those that tell all pairs apart. */
const bitsBeyondChance = 10;

type Pairs = NonNullable<Leaks['nearDuplicates']>;

/** Pairs of rows that are almost the same: candidates by MinHash and banding, each then compared cell by cell. Linear in the rows. */
export async function rowPairs(db: Database, placed: Placed, likeness: Likeness, bound: number, heartbeat: () => void): Promise<Pairs> {
  const signed = signatures(placed, likeness, heartbeat);
  const pairs: Pairs['pairs'] = [];
  let poor = 0;
  for (const [first, second] of splitPairs) {
    const [ours, theirs] = [rowsOfSplit(placed, first), rowsOfSplit(placed, second)];
    const enough = Math.log2(Math.max(1, ours.length) * Math.max(1, theirs.length)) + bitsBeyondChance;
    const rich = theirs.filter((row) => signed.bits[row]! >= enough);
    poor += theirs.length - rich.length;
    const found = search(signed, likeness, ours, rich, rowsWithCopies(placed, ours), bound, enough, heartbeat);
    pairs.push({ splits: [first, second], rows: found.length, examples: await named(db, found) });
  }
  return { bound, method: methodOf(placed, poor > 0), pairs };
}

function search(
  { keys, weights, bits }: Signatures,
  likeness: Likeness,
  ours: Int32Array,
  theirs: Int32Array,
  done: Set<number>,
  bound: number,
  enough: number,
  heartbeat: () => void,
): Found[] {
  const found: Found[] = [];
  for (let band = 0; band < bands && theirs.length > 0; band++) {
    heartbeat();
    const buckets = new Buckets(ours.length);
    for (const row of ours) if (bits[row]! > 0) buckets.add(keys[row * bands + band]!, row);
    for (const row of theirs) {
      if (done.has(row)) continue;
      for (let place = buckets.first(keys[row * bands + band]!); place >= 0; place = buckets.next(place)) {
        const other = buckets.row(place);
        // Half a digit of slack, since similarities are compared to two digits.
        const like = likeness.compare(other, row, weights[other]! + weights[row]!, bound - 0.005);
        if (like === null || twoDigits(like.similarity) < bound || like.bits < enough) continue;
        found.push({ first: other, second: row, similarity: twoDigits(like.similarity) });
        done.add(row);
        break;
      }
    }
  }
  return found;
}

function methodOf({ rows, total }: Placed, poor: boolean): string {
  const thinned = rows < total ? ` of ${rows} of ${total} rows, drawn by a hash of their content` : '';
  const chance = poor ? '; rows of so few distinct values that they agree by chance do not count' : '';
  return `MinHash of ${bands} bands of ${hashesInBand}${thinned}, then the share of cells that agree, rare values weighing more${chance}`;
}

interface Signatures {
  keys: Int32Array;
  weights: Float32Array;
  /** What a row can agree in at most; 0 where it has no value that few others have. */
  bits: Float32Array;
}

/** Of each row the keys of its bands, the weight of its cells, and the bits in them. */
function signatures({ rows }: Placed, likeness: Likeness, heartbeat: () => void): Signatures {
  const [offsets, factors] = [constants(hashes, 1), constants(hashes, 2).map((factor) => factor | 1)];
  const keys = new Int32Array(rows * bands);
  const weights = new Float32Array(rows);
  const bits = new Float32Array(rows);
  const least = new Int32Array(hashes);
  const tokens = new Tokens();
  for (let row = 0; row < rows; row++) {
    if (row % 10_000 === 0) heartbeat();
    const { count, weight, bits: worth } = likeness.tokens(row, tokens);
    weights[row] = weight;
    if (count === 0 || worth < bitsBeyondChance) continue;
    bits[row] = worth;
    const { list } = tokens;
    for (let h = 0; h < hashes; h++) {
      const [offset, factor] = [offsets[h]!, factors[h]!];
      let smallest = 0x7fffffff;
      for (let at = 0; at < count; at++) {
        const value = Math.imul(list[at]! ^ offset, factor);
        if (value < smallest) smallest = value;
      }
      least[h] = smallest;
    }
    for (let band = 0; band < bands; band++) {
      let key = band;
      for (let h = 0; h < hashesInBand; h++) key = mix(Math.imul(key, 31) + least[band * hashesInBand + h]!);
      keys[row * bands + band] = key;
    }
  }
  return { keys, weights, bits };
}
