import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AssayError } from '../../contract';
import { dataInvalid } from '../problem';
import type { Tracked } from './dvcFiles';
import { SourceBucket, parseS3 } from './s3';
import { fileOf } from './walk';

/** Where DVC keeps the bytes: its cache, and a remote that is a folder or a bucket. */
export interface Storage {
  /** Root of the DVC repository. */
  root: string;
  /** The remote's name and address as configured; null without one. */
  remote: { name: string; url: string } | null;
  /** Size of an object; refuses one that is nowhere. */
  size(object: Wanted): Promise<number>;
  /** The object's bytes as a local file, their md5 compared. */
  lend(object: Wanted): Promise<{ path: string; settle(): Promise<boolean> }>;
}

export interface Wanted {
  /** Path in messages. */
  path: string;
  md5: string;
  version: 2 | 3;
}

export async function openStorage(tracked: Tracked, folder: string): Promise<Storage> {
  const root = repositoryOf(tracked.file);
  const config = await readConfig(root);
  const cache = config.get('cache.dir') ?? join(root, '.dvc', 'cache');
  const name = tracked.remote ?? config.get('core.remote');
  const url = name === undefined ? undefined : config.get(`remote.${name}.url`);
  if (name !== undefined && url === undefined)
    throw dataInvalid(
      `${tracked.file} belongs to the DVC remote "${name}", which .dvc/config does not describe. Add it with \`dvc remote add\`.`,
    );
  const remote = name === undefined || url === undefined ? null : { name, url };
  if (remote?.url.startsWith('s3://') === true) refuseOwnSettings(remote.name, config);
  const places = [localPlace(cache), ...(remote === null ? [] : [remotePlace(remote, folder)])];
  const nowhere = ({ path, md5 }: Wanted): AssayError =>
    dataInvalid(
      `${path} (md5 ${md5}) is neither in the DVC cache ${cache} nor in ${remote === null ? 'a remote: none is configured' : `the remote ${remote.name} (${remote.url})`}. Run \`dvc fetch\`, or \`dvc push\` where the data are.`,
    );
  return {
    root,
    remote,
    size: async (object) => {
      for (const place of places) {
        const found = await place.size(object);
        if (found !== null) return found;
      }
      throw nowhere(object);
    },
    lend: async (object) => {
      for (const place of places) {
        const lent = await place.lend(object);
        if (lent === null) continue;
        const found = await md5Of(lent.path);
        if (found !== object.md5.replace('.dir', '')) {
          await lent.settle();
          throw differs(object, found, place.name);
        }
        return lent;
      }
      throw nowhere(object);
    },
  };
}

/** Another server or account than the AWS chain's would be asked for the wrong data. */
function refuseOwnSettings(name: string, config: Map<string, string>): void {
  const needed: [key: string, variable: string, value: string | undefined][] = [
    ['endpointurl', 'AWS_ENDPOINT_URL_S3', process.env['AWS_ENDPOINT_URL_S3'] ?? process.env['AWS_ENDPOINT_URL']],
    ['profile', 'AWS_PROFILE', process.env['AWS_PROFILE']],
  ];
  for (const [key, variable, value] of needed) {
    const wanted = config.get(`remote.${name}.${key}`);
    if (wanted !== undefined && value?.replace(/\/$/, '') !== wanted.replace(/\/$/, ''))
      throw dataInvalid(`The DVC remote "${name}" has ${key} = ${wanted}; assay takes that from the AWS chain. Set ${variable}=${wanted}.`);
  }
}

interface Place {
  name: string;
  size(object: Wanted): Promise<number | null>;
  lend(object: Wanted): Promise<{ path: string; settle(): Promise<boolean> } | null>;
}

/** DVC 3 keeps objects below files/md5, DVC 2 kept them at the top. */
const keyOf = ({ md5, version }: Wanted): string => `${version === 3 ? 'files/md5/' : ''}${md5.slice(0, 2)}/${md5.slice(2)}`;

function localPlace(dir: string): Place {
  const statOf = (path: string) => stat(path).catch(() => null);
  return {
    name: dir,
    size: async (object) => (await statOf(join(dir, keyOf(object))))?.size ?? null,
    lend: async (object) => {
      const path = join(dir, keyOf(object));
      const before = await statOf(path);
      if (before === null) return null;
      const { stamp } = fileOf('', before);
      return {
        path,
        settle: async () => {
          const after = await statOf(path);
          return after !== null && fileOf('', after).stamp === stamp;
        },
      };
    },
  };
}

function remotePlace({ name, url }: { name: string; url: string }, folder: string): Place {
  if (!/^[a-z0-9+.-]{2,}:\/\//i.test(url)) return localPlace(url);
  if (url.startsWith('file://')) return localPlace(fileURLToPath(url));
  if (!url.startsWith('s3://')) {
    const refuse = (): never => {
      throw new AssayError(
        'Unsupported',
        `The DVC remote "${name}" is ${url.split('://')[0]}://: assay reads remotes that are a folder or s3://. Run \`dvc fetch\` first; what lies in the DVC cache is read from there.`,
      );
    };
    return { name: url, size: () => Promise.resolve().then(refuse), lend: () => Promise.resolve().then(refuse) };
  }
  const { bucket, key } = parseS3(url, `The DVC remote "${name}"`);
  const place = new SourceBucket(bucket);
  const whole = (object: Wanted): string => (key === '' ? '' : `${key}/`) + keyOf(object);
  return {
    name: url,
    size: async (object) => (await place.head(whole(object)))?.size ?? null,
    lend: async (object) => {
      const found = await place.head(whole(object));
      if (found === undefined) return null;
      const path = join(folder, randomUUID());
      await place.fetch(whole(object), { path: object.path, size: found.size, stamp: found.etag, touched: 0 }, path, false);
      return {
        path,
        settle: async () => {
          await rm(path, { force: true });
          return true;
        },
      };
    },
  };
}

function differs({ path, md5, version }: Wanted, found: string, place: string): AssayError {
  return dataInvalid(
    version === 2
      ? `${path} in ${place} has the md5 ${found}, expected ${md5}. It was tracked by DVC 2, whose md5 of a text file leaves out carriage returns: track it again with DVC 3 (\`dvc cache migrate --dvc-files\`, or \`dvc add\`).`
      : `${path} in ${place} has the md5 ${found}, expected ${md5}: the object is damaged. Remove it there and run \`dvc fetch\`.`,
  );
}

async function md5Of(path: string): Promise<string> {
  const hash = createHash('md5');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function repositoryOf(file: string): string {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.dvc'))) return folder;
    if (folder === dirname(folder))
      throw dataInvalid(`${file} lies in no DVC repository: no folder above it has .dvc. Name a file inside one, or run \`dvc init\`.`);
  }
}

/** `section.key` of the user's, the repository's and the local configuration, the later ones winning; paths are made absolute. */
async function readConfig(root: string): Promise<Map<string, string>> {
  const user = join(process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'dvc', 'config');
  const values = new Map<string, string>();
  for (const file of [user, join(root, '.dvc', 'config'), join(root, '.dvc', 'config.local')]) {
    let section = '';
    for (const line of (await readFile(file, 'utf8').catch(() => '')).split(/\r?\n/)) {
      const [, title] = /^\s*\[\s*'?(.*?)'?\s*\]\s*$/.exec(line) ?? [];
      const [, key, value] = /^\s*([^#;=\s]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
      if (title !== undefined) section = title.replace(/^remote "(.*)"$/, 'remote.$1');
      else if (key !== undefined && value !== undefined) {
        const isPath = key === 'dir' || (key === 'url' && !/^[a-z0-9+.-]{2,}:/i.test(value));
        values.set(`${section}.${key}`, isPath ? resolve(dirname(file), value) : value);
      }
    }
  }
  return values;
}
