import Docker from 'dockerode';
import { piped } from './command';
import { key, type Make, withTestLock } from './made';
import { registryForTests } from './registry';
import { torchImage } from './torch';

export interface DockerForTests {
  /** `unix://...` */
  host: string;
  /** Image id of a small Debian with python3 and pip. */
  base: string;
  /** `name@sha256:...` of the same image, which the engine has. */
  baseDigest: string;
  /** Image id of the runtime image with PyTorch; made by the first that asks, in a minute or two. */
  torch: () => Promise<string>;
}

const suite = 'bookworm';
const packages = ['python3', 'python3-pip', 'ca-certificates'];

/** The engine that the tests use and the images that it has for them. Images stay in the engine, so that they are made once. */
export async function dockerForTests(): Promise<DockerForTests> {
  const { host, docker } = await engine();
  const base = await made(docker, `assay-test/base:${key(suite, ...packages)}`, (name) => {
    // No registry is needed: the packages of Debian are the image.
    const debian = ['mmdebstrap', '--quiet', '--variant=minbase', `--include=${packages.join(',')}`, suite, '-'] as const;
    const environment = ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'LANG=C.UTF-8'];
    return piped(debian, ['docker', '-H', host, 'import', ...environment.flatMap((line) => ['-c', `ENV ${line}`]), '-', name]);
  });
  const baseDigest = await withTestLock('base-digest', () => digestOf(docker, host, base));
  return { host, base, baseDigest, torch: () => torchImage({ host, base, made: (name, make) => made(docker, name, make) }) };
}

/** Makes the image of that name unless the engine has it, one process at a time; gives its id. */
async function made(docker: Docker, name: string, make: Make): Promise<string> {
  return withTestLock(name, async () => {
    const before = await idOf(docker, name);
    if (before !== null) return before;
    await make(name);
    const after = await idOf(docker, name);
    if (after === null) throw new Error(`${name} is not in the engine after it was made`);
    return after;
  });
}

async function engine(): Promise<{ host: string; docker: Docker }> {
  if (process.env.ASSAY_TEST_DOCKER_ERROR) throw new Error(process.env.ASSAY_TEST_DOCKER_ERROR);
  const host = process.env.ASSAY_TEST_DOCKER || process.env.DOCKER_HOST || 'unix:///var/run/docker.sock';
  const docker = host.startsWith('unix://') ? new Docker({ socketPath: host.slice('unix://'.length) }) : new Docker();
  try {
    await docker.ping();
  } catch (error) {
    const sentence = `no Docker engine answers at ${host}; start Docker, or run the tests by npm test, which starts one as root on Debian`;
    throw new Error(sentence, { cause: error });
  }
  return { host, docker };
}

async function idOf(docker: Docker, name: string): Promise<string | null> {
  try {
    return (await docker.getImage(name).inspect()).Id;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return null;
    throw error;
  }
}

/** What a registry called it once: the engine keeps that for good, so the registry need not live on. */
async function digestOf(docker: Docker, host: string, image: string): Promise<string> {
  const known = (await docker.getImage(image).inspect()).RepoDigests?.find((digest) => digest.startsWith('127.0.0.1:'));
  if (known !== undefined) return known;
  const registry = await registryForTests(host);
  try {
    return await registry.push(image, 'assay-test/base');
  } finally {
    await registry.stop();
  }
}
