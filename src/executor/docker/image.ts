import type Docker from 'dockerode';
import { AssayError, type ResolvedImage } from '../../contract';
import { orNull } from './containers';
import { connect, explain, isAway, reasonOf, statusOf, timed } from './engine';
import { pulling } from './pull';

export interface ImageOptions {
  docker?: Docker;
  /** `pulling 3 of 7 layers, 41 %`; empty at the end. */
  onProgress?: ((text: string) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** `name@sha256:<digest>`, pulled where this engine lacks it, or `sha256:<id>` of an image that it has. A tag can move and is refused. */
export async function resolveImage(reference: string, options: ImageOptions = {}): Promise<ResolvedImage> {
  const docker = options.docker ?? connect();
  try {
    if (imageId.test(reference)) return await byId(docker, reference);
    const [, name, digest] = pinned.exec(reference) ?? [];
    if (name === undefined || digest === undefined) throw await unpinned(docker, reference);
    return await byDigest(docker, { reference, name, digest }, options);
  } catch (error) {
    throw options.signal?.aborted ? error : explain(error, docker);
  }
}

/** The very image that the experiment resolved, on this host: pulled if need be, and the same content. */
export async function ensureImage(image: ResolvedImage, options: ImageOptions = {}): Promise<void> {
  const docker = options.docker ?? connect();
  if (await inspectImage(docker, image.id)) return;
  if (image.repoDigest === null) throw absent(image.id);
  const { id } = await resolveImage(image.repoDigest, { ...options, docker });
  if (id === image.id) return;
  throw new AssayError(
    'ExecutorUnavailable',
    `${image.repoDigest} is ${id} on this host, ${image.id} on the host that resolved it: use hosts of one platform`,
  );
}

/** What to write for a tag, as this engine or its registry knows it; null where neither does. */
export async function pinOf(reference: string, docker: Docker = connect()): Promise<string | null> {
  const local = await inspectImage(docker, reference).catch(nothing);
  if (local) return local.RepoDigests?.[0] ?? local.Id;
  const known = (await timed(30, docker.getImage(reference).distribution()).catch(nothing)) as { Descriptor?: { digest?: string } } | null;
  const digest = known?.Descriptor?.digest;
  return digest === undefined ? null : `${untagged(reference)}@${digest}`;
}

const imageId = /^sha256:[0-9a-f]{64}$/;
const pinned = /^(.+)@(sha256:[0-9a-f]{64})$/;

async function byId(docker: Docker, id: string): Promise<ResolvedImage> {
  const found = await inspectImage(docker, id);
  if (!found) throw absent(id);
  return { reference: id, repoDigest: found.RepoDigests?.[0] ?? null, id: found.Id };
}

interface Wanted {
  reference: string;
  name: string;
  digest: string;
}

async function byDigest(
  docker: Docker,
  { reference, name, digest }: Wanted,
  { onProgress = () => {}, signal }: ImageOptions,
): Promise<ResolvedImage> {
  const repoDigest = `${untagged(name)}@${digest}`;
  let found = await inspectImage(docker, repoDigest);
  if (!found) {
    await pulling(docker, repoDigest, { onProgress, signal }).catch((error: unknown) => {
      throw signal?.aborted || isAway(error) ? error : notPulled(repoDigest, error, docker);
    });
    found = await inspectImage(docker, repoDigest);
    onProgress('');
  }
  const own = found?.RepoDigests?.find((known) => known.endsWith(`@${digest}`));
  if (!found || own === undefined) {
    const got = found?.RepoDigests?.join(', ') || 'no digest';
    throw new AssayError('ExecutorUnavailable', `${repoDigest}: expected an image of that digest after the pull, got ${got}`);
  }
  return { reference, repoDigest: own, id: found.Id };
}

function notPulled(repoDigest: string, error: unknown, docker: Docker): AssayError {
  const reason = reasonOf(error);
  if (/manifest unknown|manifest for .* not found|repository .* not found|name unknown/i.test(reason)) {
    return new AssayError('SpecInvalid', `runtime.image: the registry has no ${repoDigest} (${reason}): correct the name or the digest`, {
      cause: error,
    });
  }
  if (/denied|unauthorized|authentication required/i.test(reason)) {
    const mend = 'pull it by hand on this host after docker login, then run again';
    return new AssayError('ExecutorUnavailable', `the registry refused ${repoDigest} (${reason}): ${mend}`, { cause: error });
  }
  if (/no space left on device/.test(reason)) return explain(error, docker);
  const mend = 'see that this host reaches the registry, or load the image by docker load';
  return new AssayError('ExecutorUnavailable', `${repoDigest} could not be pulled (${reason}): ${mend}`, { cause: error });
}

async function unpinned(docker: Docker, reference: string): Promise<AssayError> {
  // An engine that is away knows nothing; the tag is refused all the same.
  const pin = await pinOf(reference, docker);
  const mend = pin === null ? `write name@sha256:<digest>, as docker pull ${reference} prints it` : `write ${pin}`;
  return new AssayError('ImageUnpinned', `runtime.image: ${reference} is a tag, which can move between two runs: ${mend}`, {
    details: { pin },
  });
}

const absent = (id: string): AssayError =>
  new AssayError(
    'ExecutorUnavailable',
    `the image ${id} is not on this host, and an image id cannot be pulled: build or load it here, or name it by its registry's digest`,
  );

const inspectImage = (docker: Docker, reference: string): Promise<Docker.ImageInspectInfo | null> =>
  orNull(timed(30, docker.getImage(reference).inspect()));

/** Without a tag; the colon of a registry's port stays. */
const untagged = (name: string): string => name.replace(/:[\w.-]+$/, '');

const nothing = (error: unknown): null => {
  if (statusOf(error) === null && !isAway(error) && (error as { code?: string }).code !== 'EACCES') throw error;
  return null;
};
