// Proves: `assay snapshot` as a person meets it: taken, listed, shown, compared, verified, got back and let go.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { flipBit, objectPath } from '../store/helpers';
import { type Desk, desk, table } from './assay';

let at: Desk;

/** A desk with a table on it, for each test of a group or for all of them. */
function place(): void {
  at = desk();
  at.write('data.csv', table());
}

const digestPattern = /^sha256:[0-9a-f]{64}\n$/;

describe('create', () => {
  beforeEach(place);
  afterEach(() => at.remove());

  it('prints the digest alone on stdout, and says on stderr whether anything was new', async () => {
    const first = await at.run(['snapshot', 'create', 'data.csv', '--name', 'training']);
    expect(first).toMatchObject({ code: 0, out: expect.stringMatching(digestPattern) as string });
    expect(first.err).toMatch(/^stored: 1 file, \d[\d.]* KiB, named training\n$/);
    const second = await at.run(['snapshot', 'create', 'data.csv']);
    expect(second).toEqual({ code: 0, out: first.out, err: expect.stringMatching(/^unchanged: 1 file, \d[\d.]* KiB\n$/) as string });
  });

  it('moves a name to the new data, and keeps both', async () => {
    const before = await at.json<{ digest: string; created: boolean }>(['snapshot', 'create', 'data.csv', '--name', 'training']);
    at.write('data.csv', table({ seed: 2 }));
    const now = await at.json<{ digest: string; created: boolean }>(['snapshot', 'create', 'data.csv', '--name', 'training']);
    expect([before.created, now.created]).toEqual([true, true]);
    const list = await at.json<{ digest: string; names: string[] }[]>(['snapshot', 'ls']);
    expect(list.map(({ digest, names }) => [digest, names])).toEqual([
      [now.digest, ['training']],
      [before.digest, []],
    ]);
  });

  it('of what is not there, or under what is no name, ends with exit code 2 and stores nothing', async () => {
    const absent = await at.run(['snapshot', 'create', 'absent.csv']);
    expect(absent).toMatchObject({ code: 2, out: '' });
    expect(absent.err).toMatch(/^DataInvalid .*absent\.csv/);
    const unnamed = await at.run(['snapshot', 'create', 'data.csv', '--name', 'a/b']);
    expect(unnamed).toMatchObject({ code: 2, out: '' });
    expect(unnamed.err).toMatch(/^DataInvalid "a\/b" is no name of a snapshot/);
    expect(await at.json(['snapshot', 'ls'])).toEqual([]);
  });
});

describe('a taken snapshot', () => {
  let digest: string;

  beforeAll(async () => {
    place();
    ({ digest } = await at.json<{ digest: string }>(['snapshot', 'create', 'data.csv', '--name', 'training']));
  });
  afterAll(() => at.remove());

  it('is listed with its names, and shown by name, digest or the beginning of one', async () => {
    const { out } = await at.run(['snapshot', 'ls']);
    expect(out).toMatch(
      new RegExp(`^${digest.slice(0, 19)}  \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d  1 file  .* KiB  data\\.csv  training\\n$`),
    );
    const shown = await at.run(['snapshot', 'show', 'training']);
    expect(shown.out.split('\n')[0]).toBe(`${digest}  training`);
    expect(shown.out).toMatch(/^600 rows$/m);
    expect(shown.out).toMatch(/^ {2}x +number +\d+ distinct {2}−.* mean /m);
    expect(shown.out).toMatch(/^ {2}day +time +90 distinct {2}2025-01-01T00:00:00 to 2025-03-31T00:00:00$/m);
    expect(shown.out).toMatch(/^by .* on .*, outside a Git repository: assay snapshot create data\.csv --name training --json$/m);
    expect((await at.run(['snapshot', 'show', digest.slice(7, 15)])).out).toBe(shown.out);
  });

  it('is told in the forms of OpenLineage and MLflow as one JSON document', async () => {
    const told = async (format: string) =>
      JSON.parse((await at.run(['snapshot', 'show', 'training', '--format', format])).out) as Record<string, unknown>;
    expect(await told('openlineage')).toMatchObject({ namespace: 'file', facets: { version: { datasetVersion: digest } } });
    expect(await told('mlflow')).toMatchObject({ dataset: { digest: digest.slice(7, 43), source_type: 'local' } });
    expect(await at.run(['snapshot', 'show', 'training', '--format', 'xml'])).toMatchObject({ code: 2, out: '' });
  });

  it('is got back byte for byte, and its place is printed', async () => {
    const { code, out } = await at.run(['snapshot', 'get', 'training', '-o', 'copy']);
    expect([code, out]).toEqual([0, `${join(at.folder, 'copy')}\n`]);
    expect(readFileSync(join(at.folder, 'copy', 'data.csv'), 'utf8')).toBe(table());
  });

  it('is verified; a damaged file is named, with exit code 3', async () => {
    expect(await at.run(['snapshot', 'verify', 'training'])).toMatchObject({
      code: 0,
      out: expect.stringContaining(`${digest}: 1 file`) as string,
    });
    const { files } = JSON.parse(readFileSync(objectPath(join(at.folder, 'home', 'store'), { digest }), 'utf8')) as {
      files: { digest: string }[];
    };
    flipBit(objectPath(join(at.folder, 'home', 'store'), files[0] ?? { digest: '' }), 40);
    const { code, out } = await at.run(['snapshot', 'verify', 'training']);
    expect(code).toBe(3);
    expect(out).toMatch(/^damaged .*data\.csv/m);
    expect(out).toMatch(/`assay store scrub` repairs/);
  });

  it('loses its name by rm, and its record with the last one', async () => {
    const { code, out } = await at.run(['snapshot', 'rm', 'training']);
    expect([code, out]).toEqual([0, expect.stringContaining('`assay store gc` frees its space') as string]);
    const gone = await at.run(['snapshot', 'show', 'training']);
    expect(gone).toMatchObject({ code: 2, out: '' });
    expect(gone.err).toMatch(/^NotFound .*has no snapshot "training"/);
  });
});

describe('diff', () => {
  beforeAll(place);
  afterAll(() => at.remove());

  it('tells rows by their ids, columns and files', async () => {
    at.write('before/data.csv', 'id,x,kind\nr1,1,a\nr2,2,b\nr3,3,c\n');
    at.write('after/data.csv', 'id,x,size\nr1,1,10\nr3,30,12\nr4,4,13\n');
    for (const name of ['before', 'after']) await at.run(['snapshot', 'create', `${name}/data.csv`, '--name', name]);
    const { code, out } = await at.run(['snapshot', 'diff', 'before', 'after', '--id', 'id']);
    expect(code).toBe(0);
    expect(out.trimEnd().split('\n')).toEqual([
      ...['~ file data.csv', '+ column size', '- column kind', '+ row r4', '- row r2', '~ row r3'],
      ...['rows: 1 added, 1 removed, 1 changed, 1 unchanged', 'files: 0 added, 0 removed, 1 changed, 0 unchanged'],
    ]);
    expect(await at.json(['snapshot', 'diff', 'before', 'after', '--id', 'id'])).toMatchObject({
      files: { changed: ['data.csv'], unchanged: 0 },
      rows: { added: 1, removed: 1, changed: 1, unchanged: 1, examples: { added: ['r4'], removed: ['r2'], changed: ['r3'] } },
      schema: { added: ['size'], removed: ['kind'] },
    });
  });

  it('names an unknown side, and an id that is no column', async () => {
    await at.run(['snapshot', 'create', 'data.csv', '--name', 'training']);
    const absent = await at.run(['snapshot', 'diff', 'training', 'absent']);
    expect(absent).toMatchObject({ code: 2, out: '' });
    expect(absent.err).toMatch(/^NotFound .*no snapshot "absent".*training/);
    at.write('data.csv', table({ seed: 3 }));
    await at.run(['snapshot', 'create', 'data.csv', '--name', 'later']);
    const wrong = await at.run(['snapshot', 'diff', 'training', 'later', '--id', 'idd']);
    expect(wrong).toMatchObject({ code: 2, out: '' });
    expect(wrong.err).toMatch(/^DataInvalid .*"idd"/);
  });
});

it('of a folder in a repository remembers the commit and what was not committed', async () => {
  place();
  const git = (...args: string[]): string => execFileSync('git', ['-C', at.folder, ...args], { encoding: 'utf8' });
  git('init', '--quiet');
  at.write('.gitignore', 'home\n');
  git('add', '.');
  git('-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.org', 'commit', '--quiet', '-m', 'first');
  at.write('set/a.txt', 'a');
  at.write('set/b.txt', 'b');
  const created = await at.json<{ format: string; files: number; provenance: unknown }>(['snapshot', 'create', 'set', '--name', 'texts']);
  expect(created).toMatchObject({ files: 2, format: null });
  const commit = git('rev-parse', 'HEAD').slice(0, 12);
  expect((await at.run(['snapshot', 'show', 'texts'])).out).toContain(
    `at ${commit} with uncommitted changes, kept: assay snapshot create set`,
  );
  at.remove();
});
