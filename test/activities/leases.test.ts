// Proves: a host never forgets a lease whose work has begun, whatever kills its worker, and keeps none whose work is over.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { hostFiles, homeInstance } from '../../src/activities/hostFiles';
import { LeaseBook, holderOf } from '../../src/activities/leases';
import { takeStock } from '../../src/activities/stock';
import { createProcessExecutor } from '../../src/executor';
import { keyOf, leaseOf, newHome, removeHomes } from '../guard/helpers';

const executor = createProcessExecutor();
const idsOf = (book: LeaseBook): string[] => book.held().map(({ lease }) => lease.leaseId);

afterEach(removeHomes);

describe('the book', () => {
  it('holds what has begun and not ended, also for the next worker', () => {
    const { home } = newHome();
    const book = new LeaseBook(home);
    for (const variant of ['a', 'b', 'c']) book.begin(leaseOf(variant).lease, leaseOf(variant).request);
    book.end('lease-b');
    book.end('lease-unknown');
    book.begin(leaseOf('a').lease, leaseOf('a').request);
    expect(idsOf(book).sort()).toEqual(['lease-a', 'lease-c']);
    expect(new LeaseBook(home).held()).toEqual(book.held());
    expect(new LeaseBook(home).held()).toContainEqual(leaseOf('c'));
    book.endHolder(leaseOf('c').lease.holder);
    expect(idsOf(new LeaseBook(home))).toEqual(['lease-a']);
  });

  it('gives a holder one lease: a later one replaces an earlier one', () => {
    const { home } = newHome();
    const book = new LeaseBook(home);
    book.begin(leaseOf('a').lease, leaseOf('a').request);
    book.begin({ ...leaseOf('a').lease, leaseId: 'lease-a-again' }, leaseOf('a').request);
    expect(idsOf(new LeaseBook(home))).toEqual(['lease-a-again']);
  });

  it('holds every lease that had begun when its worker was killed in the middle of writing', async () => {
    const { home } = newHome();
    const worker = spawn(process.execPath, [join(__dirname, 'fixtures', 'leases.cjs'), home], { stdio: ['ignore', 'pipe', 'inherit'] });
    let begun = 0;
    for await (const line of createInterface({ input: worker.stdout })) {
      begun = Number(line);
      if (begun >= 100) break;
    }
    const gone = once(worker, 'exit');
    worker.kill('SIGKILL');
    await gone;
    const held = idsOf(new LeaseBook(home));
    expect(held.length).toBeGreaterThanOrEqual(begun);
    expect(held).toEqual(held.map((_, i) => `lease-${i + 1}`));
  });

  it('begins nothing that it cannot write down, and says what to mend', () => {
    const { home } = newHome();
    const book = new LeaseBook(home);
    book.begin(leaseOf('a').lease, leaseOf('a').request);
    mkdirSync(`${hostFiles(home).book}.new`);
    expect(() => book.begin(leaseOf('b').lease, leaseOf('b').request)).toThrow(/book\.json cannot be written .*free space/);
    expect(idsOf(book)).toEqual(['lease-a']);
  });

  it('ends a lease whatever the disk says, and goes on with one that has begun', () => {
    const { home } = newHome();
    const book = new LeaseBook(home);
    for (const variant of ['a', 'b']) book.begin(leaseOf(variant).lease, leaseOf(variant).request);
    mkdirSync(`${hostFiles(home).book}.new`);
    book.end('lease-a');
    book.begin(leaseOf('b').lease, leaseOf('b').request);
    expect(idsOf(book)).toEqual(['lease-b']);
    expect(idsOf(new LeaseBook(home))).toEqual(['lease-b']);
  });

  it('keeps a lease whose late attempt ends while its successor is at work', () => {
    const { home } = newHome();
    const book = new LeaseBook(home);
    for (let attempt = 1; attempt <= 2; attempt++) book.begin(leaseOf('a').lease, leaseOf('a').request);
    book.end('lease-a');
    expect(idsOf(book)).toEqual(['lease-a']);
    book.end('lease-a');
    expect(idsOf(book)).toEqual([]);
  });

  it('keeps a lease between two attempts, and not for longer than the workflow waits for the second', () => {
    const { home } = newHome();
    let now = 1000;
    const book = new LeaseBook(home, () => now);
    for (const variant of ['a', 'b']) book.begin(leaseOf(variant).lease, leaseOf(variant).request);
    now += 500;
    book.leave('lease-a');
    book.leave('lease-b');
    now += 90;
    expect(idsOf(book)).toEqual(['lease-a', 'lease-b']);
    book.begin(leaseOf('b').lease, leaseOf('b').request);
    now += 1;
    expect(idsOf(book)).toEqual(['lease-b']);
    expect(idsOf(new LeaseBook(home))).toEqual(['lease-b']);
  });

  it('gives up what a former worker held and nobody took on', () => {
    const { home } = newHome();
    new LeaseBook(home).begin(leaseOf('a').lease, leaseOf('a').request);
    let now = 1000;
    const book = new LeaseBook(home, () => now);
    expect(idsOf(book)).toEqual(['lease-a']);
    now += 91;
    expect(idsOf(book)).toEqual([]);
  });

  it('is set aside where it cannot be read', () => {
    const { home } = newHome();
    mkdirSync(join(home, 'leases'));
    writeFileSync(hostFiles(home).book, '{"leases": [');
    expect(new LeaseBook(home).held()).toEqual([]);
    expect(readFileSync(`${hostFiles(home).book}.unreadable`, 'utf8')).toBe('{"leases": [');
  });

  it('keeps, for a worker that starts, the leases with a living trainer: containers by lease, processes by run', () => {
    const { home } = newHome();
    const book = new LeaseBook(home);
    for (const variant of ['process', 'container', 'older', 'dead']) book.begin(leaseOf(variant).lease, leaseOf(variant).request);
    const found = [
      { leaseId: null, key: keyOf('process') },
      { leaseId: 'lease-container', key: keyOf('container') },
      { leaseId: 'lease-before', key: keyOf('older') },
    ];
    expect(book.adopt(found)).toEqual({ kept: ['lease-process', 'lease-container'], dropped: ['lease-older', 'lease-dead'] });
    expect(idsOf(new LeaseBook(home))).toEqual(['lease-process', 'lease-container']);
  });
});

describe('taking stock', () => {
  it('keeps trainers of open runs with their leases, and stops and removes the others', async () => {
    const { home, dir, trainer } = newHome();
    const book = new LeaseBook(home);
    for (const variant of ['open', 'over', 'dead']) book.begin(leaseOf(variant).lease, leaseOf(variant).request);
    await executor.start(trainer('open'));
    await executor.start(trainer('over'));
    const isOpen = async (workflowId: string): Promise<boolean> => workflowId === holderOf(keyOf('open'));
    const stock = await takeStock({ executors: [executor], home, isOpen, book });
    expect(stock).toEqual({ kept: [holderOf(keyOf('open'))], reaped: [holderOf(keyOf('over'))], problems: [] });
    expect([(await executor.find(dir('open'))).state, existsSync(dir('over'))]).toEqual(['running', false]);
    expect(await executor.list(join(home, 'runs'))).toEqual([{ key: keyOf('open'), epoch: 1, leaseId: null }]);
    expect(idsOf(book)).toEqual(['lease-open']);
  });

  it('keeps the lease of an open run that has no living trainer just now', async () => {
    const { home } = newHome();
    const book = new LeaseBook(home);
    for (const variant of ['collecting', 'over']) book.begin(leaseOf(variant).lease, leaseOf(variant).request);
    const isOpen = async (workflowId: string): Promise<boolean> => workflowId === holderOf(keyOf('collecting'));
    expect(await takeStock({ executors: [executor], home, isOpen, book })).toEqual({ kept: [], reaped: [], problems: [] });
    expect(idsOf(book)).toEqual(['lease-collecting']);
  });

  it('gives up no lease on the silence of an engine', async () => {
    const { home } = newHome();
    const book = new LeaseBook(home);
    book.begin(leaseOf('a').lease, leaseOf('a').request);
    const away = { ...executor, kind: 'docker' as const, list: () => Promise.reject(new Error('no daemon answers')) };
    const stock = await takeStock({ executors: [away, executor], home, isOpen: async () => true, book });
    expect(stock).toEqual({ kept: [], reaped: [], problems: ['docker executor: no daemon answers'] });
    expect(idsOf(book)).toEqual(['lease-a']);
  });
});

test('a home has one name for ever', () => {
  const { home } = newHome();
  const name = homeInstance(home);
  expect(name).toMatch(/^[0-9a-f]{12}$/);
  expect(homeInstance(home)).toBe(name);
  expect(homeInstance(newHome().home)).not.toBe(name);
});
