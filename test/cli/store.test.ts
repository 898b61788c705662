// Proves: `assay store` as a person meets it: what is there, what is damaged, what can be repaired, and what nothing needs.
import { readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mediaTypes, type Ref } from '../../src/contract';
import { openStore, type Store } from '../../src/store';
import { filesBelow, flipBit, objectPath } from '../store/helpers';
import { type Desk, desk, type Ended } from './assay';

let at: Desk;
let roots: string[];
let store: Store;

beforeEach(() => {
  at = desk();
  roots = ['a', 'b', 'c'].map((name) => join(at.folder, name));
});
afterEach(() => at.remove());

/** Three objects and a name of the first, on so many replicas. */
async function filled(replicas: number): Promise<[Ref, Ref, Ref]> {
  store = openStore(urlOf(replicas));
  const put = (content: string): Promise<Ref> => store.put(content, mediaTypes.text);
  const refs: [Ref, Ref, Ref] = [await put('first'), await put('second'), await put('third')];
  await store.refs.set('snapshots/named/one', refs[0], null);
  await store.settle();
  return refs;
}

const urlOf = (replicas: number): string =>
  roots
    .slice(0, replicas)
    .map((root) => `file://${root}`)
    .join(',');

const assay = (replicas: number, ...args: string[]): Promise<Ended> => at.run(['store', ...args], { ASSAY_STORE: urlOf(replicas) });

const parsed = ({ out }: Ended): Record<string, unknown> => JSON.parse(out) as Record<string, unknown>;

/** As if everything had been stored so many days ago. */
function age(days: number): void {
  const then = new Date(Date.now() - days * 86_400_000);
  for (const root of roots) for (const path of filesBelow(join(root, 'objects'))) utimesSync(join(root, 'objects', path), then, then);
}

describe('stats', () => {
  it('counts objects, bytes and names, and tells each replica', async () => {
    await filled(3);
    const { code, out } = await assay(3, 'stats');
    expect(code).toBe(0);
    expect(out.split('\n').slice(0, 2)).toEqual([urlOf(3), '3 objects (0 small ones in 0 packs), 16 B, 1 names']);
    for (const root of roots) expect(out).toContain(`  file://${root}  3 objects, 16 B\n`);
    expect(parsed(await assay(3, 'stats', '--json'))).toMatchObject({ objects: 3, bytes: 16, names: 1 });
  });

  it('goes on with a replica away, and says so', async () => {
    await filled(3);
    rmSync(roots[1] ?? '', { recursive: true });
    writeFileSync(roots[1] ?? '', 'no folder');
    const { code, out } = await assay(3, 'stats');
    expect(code).toBe(0);
    expect(out).toContain(`  away file://${roots[1]}\n`);
  });

  it('of no place that is known is refused', async () => {
    const { code, out, err } = await at.run(['store', 'stats'], { ASSAY_STORE: 'gs://bucket' });
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/^Unsupported The store "gs:\/\/bucket" cannot be opened: use /);
  });
});

describe('verify', () => {
  it('of one object tells each replica, and repairs nothing', async () => {
    const [first] = await filled(3);
    const path = objectPath(roots[1] ?? '', first);
    flipBit(path);
    const broken = readFileSync(path, 'utf8');
    const { code, out } = await assay(3, 'verify', first.digest);
    expect(code).toBe(3);
    expect(out.trimEnd().split('\n')).toEqual([
      `sound file://${roots[0]}: ${objectPath(roots[0] ?? '', first)}`,
      expect.stringMatching(new RegExp(`^corrupt file://${roots[1]}: .+`)) as string,
      `sound file://${roots[2]}: ${objectPath(roots[2] ?? '', first)}`,
    ]);
    expect(readFileSync(path, 'utf8')).toBe(broken);
    expect(parsed(await assay(3, 'verify', first.digest, '--json'))).toMatchObject({
      digest: first.digest,
      replicas: [{ state: 'sound' }, { state: 'corrupt' }, { state: 'sound' }],
    });
  });

  it('of everything exits with 0 where all is sound, and with 3 where a copy could be repaired', async () => {
    const [, second] = await filled(3);
    expect(await assay(3, 'verify')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^3 objects .*hashed; all sound\.\n$/) as string,
    });
    rmSync(objectPath(roots[2] ?? '', second));
    const { code, out } = await assay(3, 'verify');
    expect(code).toBe(3);
    expect(out).toMatch(new RegExp(`^missing .*${second.digest.slice(9)} in file://${roots[2]}$`, 'm'));
    expect(filesBelow(join(roots[2] ?? '', 'objects'))).toHaveLength(2);
  });
});

describe('scrub', () => {
  it('repairs what another replica has, and ends well', async () => {
    const [first, second] = await filled(3);
    flipBit(objectPath(roots[0] ?? '', first));
    rmSync(objectPath(roots[2] ?? '', second));
    expect(await assay(3, 'scrub')).toMatchObject({ code: 0, out: expect.stringContaining('2 copies repaired') as string });
    expect(readFileSync(objectPath(roots[0] ?? '', first), 'utf8')).toBe('first');
    expect(await assay(3, 'scrub')).toMatchObject({ code: 0, out: expect.stringContaining('all sound') as string });
  });

  it('names what is lost everywhere with a name that leads there, and exits with 3', async () => {
    const [first] = await filled(1);
    flipBit(objectPath(roots[0] ?? '', first));
    const { code, out } = await assay(1, 'scrub');
    expect(code).toBe(3);
    expect(out.split('\n')[0]).toBe(`lost ${first.digest} (snapshots/named/one)`);
    expect(parsed(await assay(1, 'scrub', '--json'))).toMatchObject({ damaged: [{ digest: first.digest }] });
  });
});

describe('gc', () => {
  it('by --dry-run lists what would go, and changes nothing', async () => {
    const [first, second, third] = await filled(1);
    age(8);
    const { code, out } = await assay(1, 'gc', '--dry-run');
    expect(code).toBe(0);
    for (const { digest, size } of [second, third]) expect(out).toContain(`mark   ${digest}  ${size} B\n`);
    expect(out).not.toContain(first.digest);
    expect(out).toMatch(/1 of 3 objects are reached by a name; 2 \(11 B\) would be marked, 0 \(0 B\) deleted\.\n$/);
    expect(parsed(await assay(1, 'stats', '--json'))).toMatchObject({ objects: 3, marked: 0 });
  });

  it('marks first, and keeps what is younger than the grace', async () => {
    await filled(1);
    expect((await assay(1, 'gc')).out).toBe('1 of 3 objects are reached by a name; 0 newly marked, 0 deleted (0 B).\n');
    age(8);
    expect((await assay(1, 'gc', '--grace', '9d')).out).toMatch(/ 0 newly marked/);
    expect((await assay(1, 'gc', '--grace', '7d')).out).toMatch(/ 2 newly marked, 0 deleted/);
    expect(parsed(await assay(1, 'gc', '--json'))).toMatchObject({
      marked: { objects: 0 },
      waiting: { objects: 2 },
      deleted: { objects: 0 },
    });
    expect(parsed(await assay(1, 'stats', '--json'))).toMatchObject({ objects: 3, marked: 2 });
  });

  it.each([
    ['5m', /at least 3600 s/],
    ['7', /--grace 7: expected a duration such as 12h or 7d/],
  ])('is refused the grace %s, with exit code 2', async (grace, message) => {
    await filled(1);
    const { code, out, err } = await assay(1, 'gc', `--grace=${grace}`);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(message);
  });
});

describe('maintain', () => {
  it.each([
    [['--grace', '30m'], /--grace 30m: at least 1h/],
    [['--every', 'daily'], /--every daily: expected a duration such as 12h or 7d/],
  ])('is refused %j before anything is started', async (args, message) => {
    const { code, out, err } = await at.run(['store', 'maintain', ...args]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(message);
    expect(filesBelow(at.folder)).toEqual([]);
  });
});
