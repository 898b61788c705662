import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListPartsCommand,
  type ListPartsCommandOutput,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { Source } from '../backend';
import { parseKey } from '../keys';
import { inTurn } from '../parallel';
import type { Bucket } from './bucket';
import { statusOf } from './errors';

/** Our own digest of the whole object, in its metadata: S3's checksum of a multipart object is one of the parts' checksums. */
export const digestField = 'assay-sha256';

export interface Upload {
  id: string;
  /** Whether this call began it, and another uploader hardly knows it. */
  own: boolean;
  /** What the server holds already, by number from 1. */
  parts: Map<number, Part>;
}

export interface Part {
  size: number;
  /** SHA-256 in base64. */
  checksum: string;
  tag: string;
}

/** Of this process, under way. */
const going = new Set<string>();

/**
 * One that was left by an uploader that died (or that still runs elsewhere: equal parts do each other no harm), else a new one. Not one
 * of this process: should its file have changed, some servers would let its parts in while ours are being put together.
 */
export async function openUpload(bucket: Bucket, key: string, source: Source): Promise<Upload> {
  return await inTurn(`${bucket.url} ${key}`, async () => {
    const upload = await findUpload(bucket, key, source);
    going.add(upload.id);
    return upload;
  });
}

export const leaveUpload = ({ id }: Upload): boolean => going.delete(id);

async function findUpload(bucket: Bucket, key: string, source: Source): Promise<Upload> {
  // The parts of two uploads are alike only where the key says what the bytes are.
  if (parseKey(key)?.digest === source.digest) {
    const left = await lastUpload(bucket, key);
    const parts = left === null ? null : await listParts(bucket, key, left);
    if (left !== null && parts !== null) return { id: left, own: false, parts };
  }
  const command = new CreateMultipartUploadCommand({
    ...bucket.at(key),
    ...bucket.encryption,
    ChecksumAlgorithm: 'SHA256',
    Metadata: { [digestField]: source.digest.slice('sha256:'.length) },
  });
  const { UploadId = '' } = await bucket.ask('s3:PutObject', key, (client, options) => client.send(command, options));
  return { id: UploadId, own: true, parts: new Map() };
}

export interface Sending {
  upload: Upload;
  number: number;
  bytes: Buffer;
  /** SHA-256 in base64; the server refuses other bytes. */
  checksum: string;
  signal: AbortSignal | undefined;
}

export async function sendPart(bucket: Bucket, key: string, { upload, number, bytes, checksum, signal }: Sending): Promise<Part> {
  const command = new UploadPartCommand({
    ...bucket.at(key),
    UploadId: upload.id,
    PartNumber: number,
    Body: bytes,
    ChecksumSHA256: checksum,
  });
  const limits = { signal, bytes: bytes.length };
  const { ETag = '' } = await bucket.ask('s3:PutObject', key, (client, options) => client.send(command, options), limits);
  return { size: bytes.length, checksum, tag: ETag };
}

/** Makes the parts an object; with `once` only where there is none. The server compares each part with what is named here. */
export async function completeUpload(bucket: Bucket, key: string, upload: Upload, parts: Part[], once: boolean): Promise<void> {
  const command = new CompleteMultipartUploadCommand({
    ...bucket.at(key),
    UploadId: upload.id,
    MultipartUpload: { Parts: parts.map(({ tag, checksum }, index) => ({ PartNumber: index + 1, ETag: tag, ChecksumSHA256: checksum })) },
    ...(once && { IfNoneMatch: '*' }),
  });
  // Some servers copy all parts before they answer.
  const bytes = parts.reduce((sum, { size }) => sum + size, 0);
  await bucket.ask('s3:PutObject', key, (client, options) => client.send(command, options), { bytes });
}

export async function abortUpload(bucket: Bucket, key: string, id: string): Promise<boolean> {
  const command = new AbortMultipartUploadCommand({ ...bucket.at(key), UploadId: id });
  try {
    await bucket.ask('s3:AbortMultipartUpload', key, (client, options) => client.send(command, options));
    return true;
  } catch (error) {
    if (statusOf(error) === 404) return false;
    throw error;
  }
}

/** Uploads that nobody has ended, of keys that start with `prefix`. */
export async function* openUploads(bucket: Bucket, prefix: string): AsyncGenerator<{ key: string; id: string; begun: number }> {
  let from: { KeyMarker?: string; UploadIdMarker?: string } | null = {};
  while (from !== null) {
    const command: ListMultipartUploadsCommand = new ListMultipartUploadsCommand({
      Bucket: bucket.name,
      Prefix: bucket.prefix + prefix,
      ...from,
    });
    const page: ListMultipartUploadsCommandOutput = await bucket.ask('s3:ListBucketMultipartUploads', null, (client, options) =>
      client.send(command, options),
    );
    for (const { Key = '', UploadId = '', Initiated } of page.Uploads ?? []) {
      yield { key: Key.slice(bucket.prefix.length), id: UploadId, begun: Initiated?.getTime() ?? Number.POSITIVE_INFINITY };
    }
    const { IsTruncated, NextKeyMarker, NextUploadIdMarker } = page;
    from =
      IsTruncated === true && NextKeyMarker !== undefined
        ? { KeyMarker: NextKeyMarker, ...(NextUploadIdMarker !== undefined && { UploadIdMarker: NextUploadIdMarker }) }
        : null;
  }
}

/** The one begun last. Where uploads may not be listed, or cannot be, there is nothing to resume. */
async function lastUpload(bucket: Bucket, key: string): Promise<string | null> {
  let last: { id: string; begun: number } | null = null;
  try {
    for await (const upload of openUploads(bucket, key)) {
      if (upload.key === key && !going.has(upload.id) && (last === null || upload.begun > last.begun)) last = upload;
    }
  } catch (error) {
    if (![403, 501].includes(statusOf(error) ?? 0)) throw error;
  }
  return last?.id ?? null;
}

/** Null where that upload has ended meanwhile. */
async function listParts(bucket: Bucket, key: string, id: string): Promise<Map<number, Part> | null> {
  const parts = new Map<number, Part>();
  let marker: string | undefined = '0';
  try {
    while (marker !== undefined) {
      const command: ListPartsCommand = new ListPartsCommand({ ...bucket.at(key), UploadId: id, PartNumberMarker: marker });
      const page: ListPartsCommandOutput = await bucket.ask('s3:ListMultipartUploadParts', key, (client, options) =>
        client.send(command, options),
      );
      for (const { PartNumber = 0, Size = 0, ChecksumSHA256 = '', ETag = '' } of page.Parts ?? []) {
        parts.set(PartNumber, { size: Size, checksum: ChecksumSHA256, tag: ETag });
      }
      marker = page.IsTruncated === true ? page.NextPartNumberMarker : undefined;
    }
    return parts;
  } catch (error) {
    if ([403, 404, 501].includes(statusOf(error) ?? 0)) return null;
    throw error;
  }
}
