// Data that real DVC tracked (test/data/fixtures/dvc), from its cache or a remote, with every md5 verified.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { Manifest } from '../../src/contract';
import { snapshotData, verifySource } from '../../src/data';
import { s3Client } from '../../src/store';
import { filesBelow, removeTemporaryFolders } from '../store/helpers';
import { makeBucket, startS3, stopServers } from '../store/servers';
import { type Room, room } from './helpers';

afterAll(async () => {
  await stopServers();
  removeTemporaryFolders();
});

const tableMd5 = '901a7076cfc3f16489cde2d796978c26';

interface Repository extends Room {
  take(source: string): ReturnType<typeof snapshotData>;
  files(source: string): Promise<Manifest['files']>;
  cache: string;
}

/** A checkout of the fixture whose cache is full and whose workspace is empty. */
function repository(): Repository {
  const at = room();
  cpSync(join(__dirname, 'fixtures/dvc'), at.root, { recursive: true });
  mkdirSync(join(at.root, '.dvc/cache'), { recursive: true });
  renameSync(join(at.root, 'files'), join(at.root, '.dvc/cache/files'));
  const take = async (source: string) =>
    await snapshotData({ source, root: at.root, store: at.store, workDir: join(at.root, 'work'), indexDir: join(at.root, 'index') });
  return {
    ...at,
    take,
    files: async (source) => (await at.store.getJson<Manifest>((await take(source)).record.manifest)).files,
    cache: join(at.root, '.dvc/cache'),
  };
}

const objectOf = (at: Repository, md5 = tableMd5): string => join(at.cache, 'files/md5', md5.slice(0, 2), md5.slice(2));

const failing = async (at: Repository, source: string, message: string | RegExp): Promise<void> => {
  await expect(at.take(source)).rejects.toMatchObject({
    type: 'DataInvalid',
    message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
  });
};

test('a file is read in the version that its .dvc file names, however it is written', async () => {
  const at = repository();
  const [file] = await at.files('dvc:data/table.csv.dvc');
  const bytes = readFileSync(objectOf(at));
  expect(file).toEqual({ path: 'table.csv', size: 472, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` });
  expect(await at.files('dvc:data/table.csv')).toEqual([file]);
  const { record } = await at.take('dvc:data/table.csv.dvc#table.csv');
  expect(record).toMatchObject({
    format: 'csv',
    origin: { kind: 'dvc', file: 'data/table.csv.dvc', path: 'data/table.csv', md5: tableMd5, rev: null, remote: null },
  });
});

test('an output of a stage is found in dvc.lock', async () => {
  const at = repository();
  const [file] = await at.files('dvc:prepared.csv');
  expect(file).toMatchObject({ path: 'prepared.csv', size: 512 });
  expect(await at.files('dvc:dvc.lock#prepare/prepared.csv')).toEqual([file]);
  expect(await at.files('dvc:dvc.lock')).toEqual([file]);
  await failing(at, 'dvc:dvc.lock#prepare/other.csv', 'has 1 outputs (prepare/prepared.csv); name one of them as dvc:dvc.lock#NAME.');
});

test('an output of a stage with a working directory lies there', async () => {
  const at = repository();
  const yaml = readFileSync(join(at.root, 'dvc.yaml'), 'utf8');
  writeFileSync(join(at.root, 'dvc.yaml'), yaml.replace('    deps:', '    wdir: made/here\n    deps:'));
  expect(await at.files('dvc:made/here/prepared.csv')).toHaveLength(1);
  await failing(at, 'dvc:prepared.csv', 'neither prepared.csv.dvc beside it nor a dvc.lock above it tracks');
});

test('a directory has its files from the listing, and an experiment reads its classes', async () => {
  const at = repository();
  const files = await at.files('dvc:images.dvc');
  expect(files).toHaveLength(20);
  expect(files[0]).toMatchObject({ path: 'cat/0.png', size: 9 });
  const { snapshot } = await at.snapshot({ source: 'dvc:images', id: undefined, split: { test: 0.4, validation: 0 } });
  expect(snapshot).toMatchObject({ format: 'folder', classes: ['cat', 'dog'], rows: 20, origin: { kind: 'dvc', path: 'images' } });
});

test('the commit is recorded where it has that very .dvc file, and a change afterwards is told', async () => {
  const at = repository();
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', at.root, '-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args], { encoding: 'utf8' }).trim();
  git('init', '-q');
  git('add', 'data', 'images.dvc');
  git('commit', '-qm', 'data');
  const spec = at.spec({ source: 'dvc:data/table.csv' });
  const { snapshot } = await at.snapshot({ source: 'dvc:data/table.csv' });
  expect(snapshot.origin).toMatchObject({ rev: git('rev-parse', 'HEAD') });
  expect(await verifySource({ spec, snapshot, store: at.store })).toEqual({ changed: null });
  const file = join(at.root, 'data/table.csv.dvc');
  const prepared = '3a128bada0db081038cbb74d9bfe0240';
  writeFileSync(file, readFileSync(file, 'utf8').replace(tableMd5, prepared));
  expect(await verifySource({ spec, snapshot, store: at.store })).toEqual({ changed: `changed: data/table.csv (md5 ${tableMd5})` });
  expect((await at.take('dvc:data/table.csv')).record.origin).toMatchObject({ md5: prepared, rev: null });
});

test('what the cache lacks comes from a remote that is a folder, and cache.dir and config.local are heeded', async () => {
  const at = repository();
  renameSync(at.cache, join(at.root, 'away'));
  writeFileSync(join(at.root, '.dvc/config'), '[core]\n    remote = near\n[\'remote "near"\']\n    url = ../nowhere\n');
  await failing(
    at,
    'dvc:images',
    /the listing of images \(md5 a38fc55fa713001987296d36d3f738d2\.dir\) is neither in the DVC cache \S+\/\.dvc\/cache nor in the remote near \(\S+\/nowhere\)\. Run `dvc fetch`/,
  );
  writeFileSync(join(at.root, '.dvc/config.local'), '[\'remote "near"\']\n    url = ../away\n');
  expect(await at.files('dvc:images')).toHaveLength(20);
  expect((await at.take('dvc:images')).record.origin).toMatchObject({ remote: join(at.root, 'away') });
  writeFileSync(join(at.root, '.dvc/config'), '[cache]\n    dir = ../away\n');
  rmSync(join(at.root, '.dvc/config.local'));
  expect(await at.files('dvc:data/table.csv')).toHaveLength(1);
});

test('what the cache lacks comes from a remote in S3', async () => {
  const at = repository();
  await startS3();
  const bucket = await makeBucket();
  for (const path of filesBelow(at.cache))
    await s3Client().send(new PutObjectCommand({ Bucket: bucket, Key: `dvc/${path}`, Body: readFileSync(join(at.cache, path)) }));
  const expected = await at.files('dvc:images');
  rmSync(at.cache, { recursive: true });
  rmSync(join(at.root, 'index'), { recursive: true });
  writeFileSync(join(at.root, '.dvc/config'), `[core]\n    remote = far\n['remote "far"']\n    url = s3://${bucket}/dvc\n`);
  expect(await at.files('dvc:images')).toEqual(expected);
  const { snapshot } = await at.snapshot({ source: 'dvc:data/table.csv' });
  expect(snapshot).toMatchObject({ rows: 40, classes: ['c0', 'c1'], origin: { remote: `s3://${bucket}/dvc` } });
  const key = `dvc/files/md5/${tableMd5.slice(0, 2)}/${tableMd5.slice(2)}`;
  await s3Client().send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: 'other' }));
  const other = { ...at, ...repository(), store: room().store };
  rmSync(other.cache, { recursive: true });
  writeFileSync(join(other.root, '.dvc/config'), readFileSync(join(at.root, '.dvc/config')));
  await failing(other, 'dvc:data/table.csv', `table.csv in s3://${bucket}/dvc has the md5`);
});

test('bytes that are not those of the md5 are refused, in the cache of DVC 3 as damage', async () => {
  const at = repository();
  writeFileSync(objectOf(at), 'id,label,x\n1,a,2\n');
  await failing(
    at,
    'dvc:data/table.csv',
    /has the md5 [0-9a-f]{32}, expected 901a7076cfc3f16489cde2d796978c26: the object is damaged\. Remove it there and run `dvc fetch`\.$/,
  );
  const damaged = 'a38fc55fa713001987296d36d3f738d2.dir';
  writeFileSync(objectOf(at, damaged), '[]');
  await failing(at, 'dvc:images', 'the listing of images in');
});

test('a file of DVC 2 is read where its raw bytes have the md5, and refused with the reason where they do not', async () => {
  const at = repository();
  const file = join(at.root, 'data/table.csv.dvc');
  writeFileSync(file, readFileSync(file, 'utf8').replace('  hash: md5\n', ''));
  mkdirSync(join(at.cache, '90'));
  renameSync(objectOf(at), join(at.cache, '90', tableMd5.slice(2)));
  expect(await at.files('dvc:data/table.csv')).toHaveLength(1);
  // As DVC 2 did: the md5 of the text with bare line feeds names the file with CRLF.
  const bytes = readFileSync(join(at.cache, '90', tableMd5.slice(2)));
  const unix = createHash('md5').update(bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1').digest('hex');
  mkdirSync(join(at.cache, unix.slice(0, 2)), { recursive: true });
  writeFileSync(join(at.cache, unix.slice(0, 2), unix.slice(2)), bytes);
  writeFileSync(file, readFileSync(file, 'utf8').replace(tableMd5, unix));
  await failing(at, 'dvc:data/table.csv', 'It was tracked by DVC 2, whose md5 of a text file leaves out carriage returns');
});

const wrong: { what: string; change: (at: Repository) => void; source?: string; message: string | RegExp }[] = [
  {
    what: 'a missing .dvc file',
    change: (at) => rmSync(join(at.root, 'data/table.csv.dvc')),
    source: 'dvc:data/table.csv.dvc',
    message: 'data/table.csv.dvc does not exist',
  },
  {
    what: 'a path that nothing tracks',
    change: () => undefined,
    source: 'dvc:data/other.csv',
    message: 'neither other.csv.dvc beside it nor a dvc.lock above it tracks',
  },
  {
    what: 'a .dvc file without outs',
    change: (at) => at.write('data/table.csv.dvc', 'deps: []\n'),
    message: 'data/table.csv.dvc has no outs: DVC tracks nothing by it.',
  },
  {
    what: 'a .dvc file that is no YAML',
    change: (at) => at.write('data/table.csv.dvc', 'outs: [\n'),
    message: 'data/table.csv.dvc is no YAML',
  },
  {
    what: 'an output without md5',
    change: (at) => at.write('data/table.csv.dvc', 'outs:\n- path: table.csv\n'),
    message: 'has no md5 for table.csv. Run `dvc commit`',
  },
  {
    what: 'an object that is nowhere',
    change: (at) => rmSync(objectOf(at)),
    message:
      /^\S*table\.csv \(md5 901a7076cfc3f16489cde2d796978c26\) is neither in the DVC cache \S+ nor in a remote: none is configured\. Run `dvc fetch`, or `dvc push` where the data are\.$/,
  },
  {
    what: 'a remote that is not described',
    change: (at) => at.write('.dvc/config', '[core]\n  remote = gone\n'),
    message: 'the DVC remote "gone", which .dvc/config does not describe',
  },
  {
    what: 'a remote with a server of its own',
    change: (at) =>
      at.write('.dvc/config', '[core]\n  remote = r\n[\'remote "r"\']\n  url = s3://bucket\n  endpointurl = http://elsewhere:9000\n'),
    message:
      'The DVC remote "r" has endpointurl = http://elsewhere:9000; assay takes that from the AWS chain. Set AWS_ENDPOINT_URL_S3=http://elsewhere:9000.',
  },
  {
    what: 'a folder without DVC',
    change: (at) => rmSync(join(at.root, '.dvc'), { recursive: true }),
    message: 'lies in no DVC repository',
  },
];

test.each(wrong)('$what is told with its place', async ({ change, source = 'dvc:data/table.csv', message }) => {
  const at = repository();
  change(at);
  await failing(at, source, message);
});

test('a remote of another kind is refused only where it is needed', async () => {
  const at = repository();
  at.write('.dvc/config', '[core]\n    remote = gs\n[\'remote "gs"\']\n    url = gs://bucket/dvc\n');
  expect(await at.files('dvc:data/table.csv')).toHaveLength(1);
  rmSync(objectOf(at));
  rmSync(join(at.root, 'index'), { recursive: true });
  await expect(at.take('dvc:data/table.csv')).rejects.toMatchObject({
    type: 'Unsupported',
    message: expect.stringContaining('Run `dvc fetch` first'),
  });
});

test('what was read once is not read again while its md5 is the same', async () => {
  const at = repository();
  const { digest } = await at.take('dvc:images');
  for (const path of filesBelow(join(at.cache, 'files')))
    if (!path.endsWith('.dir')) writeFileSync(join(at.cache, 'files', path), 'damaged since');
  expect(await at.take('dvc:images')).toMatchObject({ digest, created: false });
});
