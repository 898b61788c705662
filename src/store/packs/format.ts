import { hash } from 'node:crypto';
import { AssayError } from '../../contract';
import type { ByteRange } from '../backend';
import { hexOf } from '../keys';

/**
 * A pack is one object: the bytes of its members one after the other, then its index (a record a member, by digest), then a footer of
 * fixed size (magic, version, number of members, length of the index, SHA-256 of the index). Numbers are big-endian.
 */
export interface PackMember {
  /** `sha256:…` */
  digest: string;
  /** Where it lies in the pack; `end` is exclusive. */
  start: number;
  end: number;
}

/** Digest, offset, length. */
export const recordBytes = 40;
export const packFooterBytes = 56;

const magic = 'ASSAYPCK';
const version = 1;

/** What follows the members' bytes in the pack. */
export function encodeIndex(members: readonly PackMember[]): Buffer {
  const records = encodeRecords(members);
  const footer = Buffer.alloc(packFooterBytes);
  footer.write(magic, 0, 'latin1');
  footer.writeUInt32BE(version, 8);
  footer.writeUInt32BE(members.length, 12);
  footer.writeBigUInt64BE(BigInt(records.length), 16);
  hash('sha256', records, 'buffer').copy(footer, 24);
  return Buffer.concat([records, footer]);
}

/** The records of a stored pack of `size` bytes, verified; mostly one read. */
export async function readRecords(pack: string, size: number, read: (range: ByteRange) => Promise<Buffer>): Promise<Buffer> {
  const start = Math.max(0, size - 65_536);
  const tail = await read({ start, end: size });
  if (tail.length !== size - start || size < packFooterBytes)
    throw damaged(pack, `it has ${size} bytes, of which ${tail.length} could be read at its end`);
  const footer = tail.subarray(tail.length - packFooterBytes);
  if (footer.toString('latin1', 0, 8) !== magic) throw damaged(pack, 'it does not end with the footer of a pack');
  if (footer.readUInt32BE(8) !== version)
    throw damaged(pack, `its footer tells version ${footer.readUInt32BE(8)}, and this version of assay reads version ${version}`);
  const count = footer.readUInt32BE(12);
  const length = count * recordBytes;
  const dataEnd = size - packFooterBytes - length;
  if (Number(footer.readBigUInt64BE(16)) !== length || dataEnd < 0)
    throw damaged(pack, `its footer tells ${count} members, which do not fit it`);
  const end = size - packFooterBytes;
  const records = Buffer.from(dataEnd >= start ? tail.subarray(dataEnd - start, end - start) : await read({ start: dataEnd, end }));
  const found = hash('sha256', records, 'hex');
  const expected = footer.toString('hex', 24, 56);
  if (found !== expected) throw damaged(pack, `its index has the digest sha256:${found}, expected sha256:${expected}`);
  for (let at = 0; at < length; at += recordBytes)
    if (records.readUInt32BE(at + 32) + records.readUInt32BE(at + 36) > dataEnd)
      throw damaged(pack, 'a member in its index lies outside of it');
  return records;
}

export function encodeRecords(members: readonly PackMember[]): Buffer {
  const records = Buffer.allocUnsafeSlow(members.length * recordBytes);
  [...members]
    .sort((a, b) => (a.digest < b.digest ? -1 : 1))
    .forEach(({ digest, start, end }, i) => {
      records.write(hexOf(digest), i * recordBytes, 'hex');
      records.writeUInt32BE(start, i * recordBytes + 32);
      records.writeUInt32BE(end - start, i * recordBytes + 36);
    });
  return records;
}

export function recordAt(records: Buffer, i: number): PackMember {
  const at = i * recordBytes;
  const start = records.readUInt32BE(at + 32);
  return { digest: `sha256:${records.toString('hex', at, at + 32)}`, start, end: start + records.readUInt32BE(at + 36) };
}

function damaged(pack: string, what: string): AssayError {
  return new AssayError('ObjectCorrupt', `The pack ${pack} is damaged: ${what}. Restore packs/${hexOf(pack)} from a backup or a replica.`, {
    details: { pack },
  });
}
