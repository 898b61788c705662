import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ListObjectVersionsCommandOutput } from '@aws-sdk/client-s3';
import { AssayError } from '../../contract';
import { s3Client, type Store } from '../../store';
import { dataInvalid } from '../problem';
import { fileFormat, folderFormat } from './formats';
import { byPath, isMachinery, type SourceFile, type SourceOptions, type SourceTree } from './tree';
import { refuseTwins } from './walk';

/** One object, or all below a prefix, each read in the version that was listed. */
export async function openS3(source: string, store: Store, { folder, heartbeat, anyFormat = false }: SourceOptions): Promise<SourceTree> {
  const { bucket, key } = parseS3(source, 'data.source');
  const place = new SourceBucket(bucket);
  const versioned = key === '' ? undefined : await place.head(key);
  const base = versioned === undefined && key !== '' ? `${key}/` : versioned === undefined ? '' : key.slice(0, key.lastIndexOf('/') + 1);
  const keeps = await place.keepsVersions();
  const listed: SourceFile[] = versioned === undefined ? [] : [sourceFile(key.slice(base.length), versioned, keeps)];
  if (versioned === undefined)
    for await (const object of place.list(base, keeps)) {
      heartbeat?.();
      const path = object.key.slice(base.length);
      // A key that ends in "/" is how consoles show an empty folder.
      if (path === '' || path.endsWith('/') || path.split('/').some(isMachinery)) continue;
      if (path.split('/').some((part) => part === '' || part === '.' || part === '..'))
        throw dataInvalid(`s3://${bucket}/${object.key}: such a key is no path of a file. Rename the object, or name another prefix.`);
      listed.push(sourceFile(path, object, keeps));
    }
  listed.sort(byPath);
  refuseTwins(
    source,
    listed.map((file) => file.path),
  );
  if (listed.length === 0)
    throw dataInvalid(`data.source ${source}: there is no object of that key, and none below it. Correct the bucket or the prefix.`);
  const known = new Map<string, string>();
  return {
    ...(versioned === undefined
      ? { name: source, ...folderFormat(source, listed, anyFormat) }
      : { name: key.slice(base.length), files: listed, format: fileFormat(source, versioned.size, anyFormat) }),
    source,
    root: null,
    place: source,
    origin: async () => {
      const versions = Object.fromEntries(listed.map(({ path, stamp }) => [path, known.get(path) ?? stamp]));
      return { kind: 's3', bucket, prefix: key, versions: await store.putJson(versions) };
    },
    lend: async (file) => {
      const path = join(folder, randomUUID());
      const now = await place.fetch(base + file.path, file, path, keeps);
      known.set(file.path, now.stamp);
      return {
        path,
        file: now,
        settle: async () => {
          await rm(path, { force: true });
          return now;
        },
      };
    },
  };
}

const sourceFile = (path: string, { size, version, etag }: Listed, keeps: boolean): SourceFile => ({
  path,
  size,
  stamp: keeps ? version : etag,
  touched: 0,
});

export function parseS3(url: string, what: string): { bucket: string; key: string } {
  const [, bucket, key = ''] = /^s3:\/\/([^/?#@:]+)(?:\/(.*?)\/*)?$/.exec(url) ?? [];
  if (bucket === undefined) throw dataInvalid(`${what} "${url.replace(/\/\/.*@/, '//')}": expected s3://bucket/prefix or s3://bucket/key.`);
  return { bucket, key };
}

interface Listed {
  key: string;
  size: number;
  version: string;
  etag: string;
}

/** Reading from a bucket with the AWS chain's credentials. TypeScript 7 rewrites a key `Bucket` within a class of that name: hence not `Bucket`. */
export class SourceBucket {
  readonly #bucket: string;

  constructor(bucket: string) {
    this.#bucket = bucket;
  }

  async head(key: string): Promise<Listed | undefined> {
    const { HeadObjectCommand } = await import('@aws-sdk/client-s3');
    try {
      const found = await s3Client().send(new HeadObjectCommand({ Bucket: this.#bucket, Key: key }));
      return { key, size: found.ContentLength ?? 0, version: found.VersionId ?? '', etag: found.ETag ?? '' };
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw this.#failure(error, key, 's3:GetObject');
    }
  }

  /** Whether every version of an object stays readable; a server that cannot say keeps none. */
  async keepsVersions(): Promise<boolean> {
    const { GetBucketVersioningCommand } = await import('@aws-sdk/client-s3');
    try {
      return (await s3Client().send(new GetBucketVersioningCommand({ Bucket: this.#bucket }))).Status === 'Enabled';
    } catch (error) {
      if ((error as Error).name === 'NoSuchBucket' || statusOf(error) === undefined)
        throw this.#failure(error, '', 's3:GetBucketVersioning');
      return false;
    }
  }

  async *list(prefix: string, versions: boolean): AsyncGenerator<Listed> {
    const { paginateListObjectsV2, ListObjectVersionsCommand } = await import('@aws-sdk/client-s3');
    const client = s3Client();
    const range = { Bucket: this.#bucket, Prefix: prefix };
    try {
      if (!versions) {
        for await (const page of paginateListObjectsV2({ client }, range))
          for (const object of page.Contents ?? [])
            yield { key: object.Key ?? '', size: object.Size ?? 0, version: '', etag: object.ETag ?? '' };
        return;
      }
      let next: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } | null = {};
      while (next !== null) {
        const page: ListObjectVersionsCommandOutput = await client.send(new ListObjectVersionsCommand({ ...range, ...next }));
        for (const object of page.Versions ?? [])
          if (object.IsLatest === true)
            yield { key: object.Key ?? '', size: object.Size ?? 0, version: object.VersionId ?? '', etag: object.ETag ?? '' };
        next = page.IsTruncated === true ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker } : null;
      }
    } catch (error) {
      throw this.#failure(error, prefix, 's3:ListBucket');
    }
  }

  /** Writes the listed version to `to`; an object without versions that was replaced meanwhile is taken anew once. */
  async fetch(key: string, file: SourceFile, to: string, versions: boolean): Promise<SourceFile> {
    let wanted = file;
    for (let changes = 0, breaks = 0; ; ) {
      const failure = await this.#download(key, versions ? { VersionId: wanted.stamp } : { IfMatch: wanted.stamp }, to);
      if (failure === null) return wanted;
      await rm(to, { force: true });
      // The SDK tries requests again, and no body that breaks off.
      if (statusOf(failure.error) !== 412 && (!failure.begun || isLocal(failure.error) || ++breaks === tries))
        throw this.#failure(failure.error, key, 's3:GetObject');
      if (statusOf(failure.error) !== 412) continue;
      const now = await this.head(key);
      if (++changes === tries || now === undefined)
        throw dataInvalid(
          `s3://${this.#bucket}/${key} changed while it was read, twice. Wait until whatever writes it is done, or copy it and name the copy.`,
        );
      wanted = { ...wanted, size: now.size, stamp: now.etag };
    }
  }

  /** `begun`: the answer came, and its body did not end well. */
  async #download(
    key: string,
    which: { VersionId: string } | { IfMatch: string },
    to: string,
  ): Promise<{ error: unknown; begun: boolean } | null> {
    const { GetObjectCommand } = await import('@aws-sdk/client-s3');
    let begun = false;
    try {
      const answer = await s3Client().send(new GetObjectCommand({ Bucket: this.#bucket, Key: key, ...which }));
      begun = true;
      await pipeline((answer.Body as Readable | undefined) ?? [], createWriteStream(to));
      return null;
    } catch (error) {
      return { error, begun };
    }
  }

  #failure(error: unknown, key: string, right: string): unknown {
    if (error instanceof AssayError || isLocal(error)) return error;
    const place = `s3://${this.#bucket}/${key}`;
    const { name, message, code = name } = error as NodeJS.ErrnoException;
    if (name === 'NoSuchBucket') return dataInvalid(`The bucket "${this.#bucket}" of ${place} does not exist. Correct its name.`, error);
    if (statusOf(error) === 404) return dataInvalid(`${place} is gone since it was listed. Wait until whatever writes it is done.`, error);
    if (statusOf(error) === 403)
      return dataInvalid(`${place} may not be read with these credentials (${name}). Give them the right ${right}.`, error);
    const mend = /region is missing/i.test(message)
      ? 'Set AWS_REGION.'
      : /credential/i.test(`${name} ${message}`)
        ? 'Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.'
        : 'See that the server answers.';
    return new AssayError('StoreUnavailable', `${place} cannot be read now (${code}). ${mend}`, { cause: error });
  }
}

const tries = 2;

const statusOf = (error: unknown): number | undefined => (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;

/** Of the scratch disk, not of the network. */
const isLocal = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '');
