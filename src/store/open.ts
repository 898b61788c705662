import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AssayError } from '../contract';
import type { Backend } from './backend';
import { ContentStore } from './content';
import { FileBackend } from './file';
import { observed } from './observed';
import type * as S3 from './s3';

/**
 * `file:///absolute/dir` (made with the first write) or `s3://bucket/prefix`, or several of them with commas: a write is durable once a
 * majority has it. Three bear the loss of one; of two both must be up.
 * With `repair: false` damage is passed over and left as it is.
 */
export function openStore(url: string, options: { repair?: boolean } = {}): ContentStore {
  const replicas = url.split(',').map((part) => observed(openBackend(part.trim(), url)));
  const seen = new Set<string>();
  for (const { url: one } of replicas) {
    const plain = one.startsWith('file:') ? resolve(fileURLToPath(one)) : one.replace(/\/+$/, '');
    if (seen.has(plain))
      throw new AssayError('Unsupported', `The store names ${one} twice, which would count as two replicas. Name it once.`);
    seen.add(plain);
  }
  return new ContentStore(replicas.map((one) => one.url).join(','), replicas, options);
}

function openBackend(url: string, all: string): Backend {
  if (/^[a-z][a-z0-9+.-]*:\/\/[^/]*@/i.test(url))
    throw new AssayError(
      'Unsupported',
      'The address of a store holds no user, password or key: it is written to logs. Take them out; credentials come from the AWS chain (AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY).',
    );
  if (url.startsWith('file:///') && isPath(url)) return new FileBackend(url);
  if (url.startsWith('s3://')) return s3().openS3(url);
  throw refused(url === all.trim() ? all : `${all}" with its part "${url}`);
}

/** Half a percent escape, or an escaped "/", is no path. */
function isPath(url: string): boolean {
  try {
    return fileURLToPath(url) !== '';
  } catch {
    return false;
  }
}

/** Loaded at need: the AWS client takes longer to load than most commands run. */
export const s3 = (): typeof S3 => require('./s3') as typeof S3;

function refused(url: string): AssayError {
  return new AssayError(
    'Unsupported',
    `The store "${url}" cannot be opened: use file:///absolute/folder, s3://bucket/prefix, or several of them separated by commas.`,
  );
}
