// Proves: the code a container gets is what the experiment's folder held when it started, whatever user it runs as, and nothing else.
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { materialiseCode } from '../../src/activities/code';
import { snapshotCode } from '../../src/client/code';
import type { Manifest, Ref, ResolvedSpec } from '../../src/contract';
import { loadSpec } from '../../src/contract/loadSpec';
import type { Store } from '../../src/store';
import { changed } from '../contract/fixtures';
import { filesBelow, freshStore, removeTemporaryFolders, temporaryFolder } from '../store/helpers';

let store: Store;
let objects: string;
let root: string;

beforeEach(() => {
  const fresh = freshStore();
  store = fresh.store;
  objects = join(fresh.root, 'objects');
  root = temporaryFolder();
  file('train.py', 'print("train")\n');
});
afterEach(removeTemporaryFolders);

describe('what is taken', () => {
  it('is what the commands name, where the experiment does not say', async () => {
    file('helper.py', '');
    file('evaluate.py', '');
    file('other.csv', '');
    const ref = await snapshot({ 'training.command': '[python, -u, train.py, --fast]', 'evaluation.command': '[python, ./evaluate.py]' });
    expect(await paths(ref)).toEqual(['evaluate.py', 'train.py']);
  });

  it('is the files and folders that the experiment names', async () => {
    for (const path of ['lib/a.py', 'lib/deep/b.py', 'lib/__pycache__/a.pyc', 'lib/.git/config', 'lib/node_modules/x.js', 'other.py'])
      file(path, '');
    const ref = await snapshot({ 'training.code': '[train.py, lib/, lib/a.py]' });
    expect(await paths(ref)).toEqual(['lib/a.py', 'lib/deep/b.py', 'train.py']);
  });

  it('is the whole folder where the experiment names that', async () => {
    file('lib/a.py', '');
    expect(await paths(await snapshot({ 'training.code': '[.]' }))).toEqual(['lib/a.py', 'train.py']);
  });

  it('has the same reference for the same files, wherever and in whatever order they were written', async () => {
    file('lib/a.py', 'one');
    const first = await snapshot({ 'training.code': '[train.py, lib]' });
    root = temporaryFolder();
    file('lib/a.py', 'one');
    file('train.py', 'print("train")\n');
    expect(await snapshot({ 'training.code': '[lib, train.py]' })).toEqual(first);
    file('lib/a.py', 'two');
    expect(await snapshot({ 'training.code': '[lib, train.py]' })).not.toEqual(first);
  });

  it('is nothing where the commands name no file of the folder', async () => {
    expect(await snapshot({ 'training.command': '[python, /opt/train.py, ../train.py, gone.py]' })).toBeNull();
  });

  it('of a process is what its command names and the files of that kind beside, for a later replay', async () => {
    for (const path of ['lib/helper.py', 'lib/__pycache__/helper.py', '.venv/site.py', 'other.csv', 'notes.txt']) file(path, '');
    symlinkSync(join(root, 'train.py'), join(root, 'linked.py'));
    expect(await paths(await snapshotCode(store, spec({}, 'process')))).toEqual(['lib/helper.py', 'train.py']);
    const module = spec({ 'training.command': '[python, -m, lib.helper]' }, 'process');
    expect(await paths(await snapshotCode(store, module))).toEqual(['lib/helper.py', 'train.py']);
  });

  it('of a process is what its command names alone where the folder holds far more than a trainer', async () => {
    for (let i = 0; i < 1001; i++) file(`many/${i}.py`, '');
    expect(await paths(await snapshotCode(store, spec({}, 'process')))).toEqual(['train.py']);
  });

  it('of a process is nothing where there is nothing, and never keeps an experiment from starting', async () => {
    rmSync(join(root, 'train.py'));
    expect(await snapshotCode(store, spec({}, 'process'))).toBeNull();
    expect(await snapshotCode(store, { ...spec({}, 'process'), root: join(root, 'gone') })).toBeNull();
  });
});

describe('what is refused', () => {
  const refusals: [what: string, arrange: () => void, code: string, message: RegExp][] = [
    [
      'a link',
      () => symlinkSync('/etc/passwd', join(root, 'link.py')),
      '[link.py]',
      /link\.py is a symbolic link, .*; put the file itself there/,
    ],
    [
      'a link in a folder',
      () => {
        file('lib/a.py', '');
        symlinkSync('a.py', join(root, 'lib', 'b.py'));
      },
      '[lib]',
      /lib\/b\.py is a symbolic link/,
    ],
    [
      'a way through a link',
      () => {
        symlinkSync('/etc', join(root, 'etc'));
      },
      '[etc/passwd]',
      /\/etc is a symbolic link/,
    ],
    ['a folder without a file', () => mkdirSync(join(root, 'empty')), '[empty]', /empty holds no file; name what the trainer needs/],
    ['what tools made', () => file('node_modules/x.js', ''), '[node_modules]', /node_modules holds no file/],
    ['a file that is not there', () => {}, '[gone.py]', /gone\.py cannot be read \(ENOENT\); correct the path/],
  ];

  it.each(refusals)('%s', async (_, arrange, code, message) => {
    arrange();
    await expect(snapshot({ 'training.code': code })).rejects.toMatchObject({
      type: 'SpecInvalid',
      message: expect.stringMatching(message),
    });
    expect(filesBelow(objects)).toEqual([]);
  });

  it('a link that a command names', async () => {
    symlinkSync('train.py', join(root, 'link.py'));
    await expect(snapshot({ 'training.command': '[python, link.py]' })).rejects.toMatchObject({ type: 'SpecInvalid' });
  });

  it('more than 64 MiB, before any of it is stored', async () => {
    file('weights.bin', '');
    truncateSync(join(root, 'weights.bin'), 64 * 2 ** 20);
    await expect(snapshot({ 'training.code': '[.]' })).rejects.toMatchObject({
      type: 'SpecInvalid',
      message: expect.stringMatching(/comes to 64\.0 MiB, over the 64\.0 MiB .*\(largest: weights\.bin, 64\.0 MiB\); name only the files/),
    });
    expect(filesBelow(objects)).toEqual([]);
  });
});

describe('what a container gets', () => {
  it('is the folder as it was, programs still programs, readable by any user and writable by none', async () => {
    file('lib/a.py', 'one', 0o600);
    file('run.sh', '#!/bin/sh\n', 0o700);
    const ref = await snapshot({ 'training.code': '[train.py, lib, run.sh]' });
    file('train.py', 'print("changed since")\n');
    const before = process.umask(0o077);
    const folder = await materialised(ref).finally(() => process.umask(before));
    expect(filesBelow(folder)).toEqual(['lib/a.py', 'run.sh', 'train.py']);
    expect(readFileSync(join(folder, 'train.py'), 'utf8')).toBe('print("train")\n');
    expect(['.', 'lib', 'lib/a.py', 'run.sh', 'train.py'].map((path) => mode(join(folder, path)))).toEqual([
      0o755, 0o755, 0o444, 0o555, 0o444,
    ]);
  });

  it('is made once by callers that come at once, and used again', async () => {
    file('lib/a.py', 'one');
    const ref = await snapshot({ 'training.code': '[train.py, lib]' });
    const folders = new Set(await Promise.all(Array.from({ length: 8 }, () => materialised(ref))));
    expect(folders.size).toBe(1);
    const [folder = ''] = folders;
    expect(readdirSync(dirname(folder))).toHaveLength(1);
    const made = statSync(folder).ino;
    expect(statSync(await materialised(ref)).ino).toBe(made);
  });

  it.each<[string, (folder: string) => void]>([
    [
      'a changed file',
      (folder) => {
        rmSync(join(folder, 'train.py'));
        writeFileSync(join(folder, 'train.py'), 'print("wrong")\n');
      },
    ],
    ['a missing file', (folder) => rmSync(join(folder, 'train.py'))],
    ['a file too many', (folder) => writeFileSync(join(folder, 'more.py'), '')],
  ])('is made anew where the cache has %s', async (_, harm) => {
    const ref = await snapshot({});
    harm(await materialised(ref));
    const folder = await materialised(ref);
    expect(filesBelow(folder)).toEqual(['train.py']);
    expect(readFileSync(join(folder, 'train.py'), 'utf8')).toBe('print("train")\n');
    expect(readdirSync(dirname(folder))).toHaveLength(1);
  });

  it('is nothing where an object is damaged, and no half of it stays', async () => {
    const ref = await snapshot({});
    for (const path of filesBelow(objects)) {
      const object = join(objects, path);
      const text = readFileSync(object, 'utf8');
      if (text.startsWith('print')) {
        rmSync(object);
        writeFileSync(object, text.replace('train', 'other'));
      }
    }
    await expect(materialised(ref)).rejects.toMatchObject({ type: 'ObjectCorrupt' });
    expect(readdirSync(join(root, 'cache'))).toEqual([]);
  });

  it('lies in its folder whatever its manifest says', async () => {
    const { digest, size } = await store.put('x', 'text/plain');
    const ref = await store.putJson({ files: [{ path: '../outside.py', size, digest }] } satisfies Manifest);
    await expect(materialised(ref)).rejects.toMatchObject({ type: 'ObjectCorrupt', message: expect.stringContaining('"../outside.py"') });
    expect(readdirSync(join(root, 'cache'))).toEqual([]);
  });
});

function file(path: string, content: string, permissions = 0o644): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
  chmodSync(join(root, path), permissions);
}

const snapshot = (set: Record<string, string>): Promise<Ref | null> => snapshotCode(store, spec(set, 'docker'));

function spec(set: Record<string, string>, executor: 'docker' | 'process'): ResolvedSpec {
  const image = `sha256:${'0'.repeat(64)}`;
  const text = changed(['data: {', `runtime: {executor: ${executor}${executor === 'docker' ? `, image: '${image}'` : ''}}\ndata: {`]);
  return loadSpec(text, { file: 'experiment.yaml', root, overrides: Object.entries(set).map(([path, value]) => ({ path, value })) });
}

const materialised = (ref: Ref | null): Promise<string> => materialiseCode(store, ref as Ref, join(root, 'cache'));

async function paths(ref: Ref | null): Promise<string[]> {
  return (await store.getJson<Manifest>(ref as Ref)).files.map(({ path }) => path);
}

const mode = (path: string): number => statSync(path).mode & 0o777;
