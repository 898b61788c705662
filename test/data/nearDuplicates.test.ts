import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { removeTemporaryFolders } from '../store/helpers';
import { type Room, room } from './helpers';

afterAll(removeTemporaryFolders);

/** A generator of its own, so that a run is like any other. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

/** The first rows train, the others are the test. */
async function nearly(at: Room, header: string, first: string[][], second: string[][], more = {}) {
  const all = [...first.map((cells, i) => [`a${i}`, ...cells]), ...second.map((cells, i) => [`b${i}`, ...cells])];
  at.write('data.csv', `id,label,${header}\n${all.map(([id, ...cells], i) => [id, i % 2, ...cells].join(',')).join('\n')}\n`);
  at.write('train.txt', first.map((_, i) => `a${i}`).join('\n'));
  at.write('test.txt', second.map((_, i) => `b${i}`).join('\n'));
  const { snapshot } = await at.snapshot({ split: { train: 'train.txt', test: 'test.txt' } }, more);
  const { nearDuplicates } = snapshot.leaks;
  if (nearDuplicates === null) throw new Error('the search was left out');
  const [pair] = nearDuplicates.pairs;
  return { rows: pair?.rows, examples: pair?.examples ?? [], method: nearDuplicates.method };
}

describe('rows', () => {
  const header = Array.from({ length: 20 }, (_, c) => `x${c}`).join(',');
  /** Ten numbers and ten categories of twelve values. */
  const row = (u: () => number): string[] =>
    Array.from({ length: 20 }, (_, c) => (c < 10 ? String(u() * 100) : `v${Math.floor(u() * 12)}`));
  const other = (cells: string[], at: number[]): string[] =>
    cells.map((cell, c) => (at.includes(c) ? (c < 10 ? String(Number(cell) + 40) : 'v99') : cell));

  test('that differ in one of 20 cells are found, those that differ in three are not', async () => {
    const u = random(1);
    const first = Array.from({ length: 800 }, () => row(u));
    const second = [
      ...first.slice(0, 100).map((cells, i) => other(cells, [i % 20])),
      ...first.slice(100, 200).map((cells, i) => other(cells, [i % 20, (i + 1) % 20, (i + 2) % 20])),
      ...Array.from({ length: 200 }, () => row(u)),
    ];
    const { rows, examples } = await nearly(room(), header, first, second);
    expect(rows).toBe(100);
    for (const [a, b, similarity] of examples) {
      expect(b).toBe(a.replace('a', 'b'));
      expect(similarity).toBeCloseTo(0.95, 1);
    }
  });

  test('whose numbers were rounded are found', async () => {
    const u = random(2);
    const first = Array.from({ length: 500 }, () => Array.from({ length: 20 }, () => String(u() * 100)));
    const second = first.slice(0, 80).map((cells) => cells.map((cell) => Number(cell).toFixed(2)));
    expect((await nearly(room(), header, first, second)).rows).toBe(80);
  });

  test('are told by their rare values: sparse rows that share their zeros are not alike', async () => {
    const u = random(3);
    const sparse = (): string[] => {
      const cells = Array.from({ length: 200 }, () => '0');
      for (let k = 0; k < 8; k++) cells[Math.floor(u() * 200)] = '1';
      return cells;
    };
    const first = Array.from({ length: 400 }, sparse);
    const wide = Array.from({ length: 200 }, (_, c) => `x${c}`).join(',');
    expect((await nearly(room(), wide, first, Array.from({ length: 200 }, sparse))).rows).toBe(0);
  });

  test('of few distinct values agree by chance, do not count, and do not take long', async () => {
    const u = random(4);
    const poor = (): string[] => [...Array.from({ length: 6 }, () => `v${Math.floor(u() * 3)}`), 'constant', String(u())];
    const first = Array.from({ length: 15_000 }, poor);
    const { rows, method } = await nearly(room(), 'a,b,c,d,e,f,g,h', first, Array.from({ length: 5000 }, poor));
    expect(rows).toBe(0);
    expect(method).toContain('agree by chance do not count');
  });

  test('with the very same content are left to the check of exact copies', async () => {
    const u = random(5);
    const first = Array.from({ length: 200 }, () => row(u));
    expect((await nearly(room(), header, first, first.slice(0, 50))).rows).toBe(0);
  });

  test('in another order give the same pairs', async () => {
    const u = random(6);
    const first = Array.from({ length: 300 }, () => row(u));
    const second = first.slice(0, 40).map((cells) => other(cells, [3]));
    const at = room();
    const found = await nearly(at, header, first, second);
    const [head, ...lines] = readFileSync(`${at.root}/data.csv`, 'utf8').trimEnd().split('\n');
    at.write('data.csv', `${[head, ...lines.reverse()].join('\n')}\n`);
    const { snapshot } = await at.snapshot({ split: { train: 'train.txt', test: 'test.txt' } });
    expect(snapshot.leaks.nearDuplicates?.pairs[0]).toEqual({ splits: ['train', 'test'], rows: found.rows, examples: found.examples });
    expect(found.rows).toBe(40);
  });
});

describe('texts', () => {
  const words =
    'the film was a slow but moving story of two brothers who leave their village and find that nothing waits for them in town except work and rain'.split(
      ' ',
    );
  const review = (u: () => number, length: number): string[] =>
    Array.from({ length }, () => `${words[Math.floor(u() * words.length)]}${Math.floor(u() * 4)}`);

  test('with one word changed are found, with case and punctuation too', async () => {
    const u = random(7);
    const first = Array.from({ length: 400 }, () => review(u, 70 + Math.floor(u() * 60)));
    const second = [
      ...first.slice(0, 60).map((text, i) => text.map((word, at) => (at === (i * 3) % 60 ? 'great' : word))),
      ...Array.from({ length: 100 }, () => review(u, 90)),
    ];
    const written = (text: string[], i: number): string[] => [quoted(i % 2 === 0 ? text.join(' ') : `${text.join(', ').toUpperCase()}!`)];
    const { rows, examples } = await nearly(
      room(),
      'review',
      first.map((text) => [quoted(text.join(' '))]),
      second.map(written),
    );
    expect(rows).toBe(60);
    for (const [a, b] of examples) expect(b).toBe(a.replace('a', 'b'));
  });

  test('that are short are compared by characters', async () => {
    const u = random(8);
    const title = (): string => review(u, 12).join(' ');
    const first = Array.from({ length: 300 }, title);
    const second = [...first.slice(0, 30).map((text) => `${text}s`), ...Array.from({ length: 60 }, title)];
    const found = await nearly(
      room(),
      'title',
      first.map((text) => [quoted(text)]),
      second.map((text) => [quoted(text)]),
    );
    expect(found.rows).toBe(30);
  });
});

describe('pictures', () => {
  /** Tiles of the two photographs that come with scikit-learn, each of its own place; bare sky is left out. */
  async function tiles(): Promise<{ name: string; data: Buffer }[]> {
    const python = process.env['ASSAY_PYTHON'];
    if (python === undefined) throw new Error('ASSAY_PYTHON names no Python with scikit-learn; set it to one.');
    const where = 'import os, sklearn.datasets as d; print(os.path.join(os.path.dirname(d.__file__), "images"))';
    const folder = execFileSync(python, ['-c', where], { encoding: 'utf8' }).trim();
    const made = [];
    for (const photo of ['china', 'flower'])
      for (let k = 0; k < 12; k++) {
        const place = { left: 160 * (k % 4), top: 140 * Math.floor(k / 4), width: 160, height: 140 };
        const data = await sharp(`${folder}/${photo}.jpg`).extract(place).png().toBuffer();
        const { channels } = await sharp(data).greyscale().stats();
        if ((channels[0]?.stdev ?? 0) > 10) made.push({ name: `${photo}/${k}`, data });
      }
    return made;
  }

  test('that were scaled or encoded again are found, and other places of the same photograph are not', async () => {
    const at = room();
    const all = await tiles();
    expect(all.length).toBeGreaterThan(15);
    const copies = [];
    for (const [i, { name, data }] of all.entries()) {
      at.write(`images/${name}.png`, data);
      const copy = i % 2 === 0 ? sharp(data).jpeg({ quality: 60 }) : sharp(data).resize(96, 84).webp();
      const path = `${name}-copy.${i % 2 === 0 ? 'jpg' : 'webp'}`;
      copies.push(path);
      at.write(`images/${path}`, await copy.toBuffer());
    }
    at.write('train.txt', all.map(({ name }) => `${name}.png`).join('\n'));
    at.write('test.txt', copies.join('\n'));
    const { snapshot } = await at.snapshot({ source: 'images', id: undefined, split: { train: 'train.txt', test: 'test.txt' } });
    const [pair] = snapshot.leaks.nearDuplicates?.pairs ?? [];
    expect(pair?.rows).toBe(copies.length);
    for (const [original, copy] of pair?.examples ?? []) expect(copy.replace(/-copy\..*/, '.png')).toBe(original);

    at.write('train.txt', all.flatMap(({ name }, i) => (i % 2 === 0 ? [`${name}.png`] : [])).join('\n'));
    at.write('test.txt', all.flatMap(({ name }, i) => (i % 2 === 1 ? [`${name}.png`] : [])).join('\n'));
    const clean = await at.snapshot({ source: 'images', id: undefined, split: { train: 'train.txt', test: 'test.txt' } });
    expect(clean.snapshot.leaks.nearDuplicates?.pairs.map(({ rows }) => rows)).toEqual([0, 0, 0]);
    expect(clean.snapshot.leaks.nearDuplicates?.method).toContain(`of ${all.length} pictures`);
  });

  test('of digits, which all look alike from afar, are told apart', async () => {
    const at = room();
    const python = process.env['ASSAY_PYTHON'] ?? '';
    const code =
      'from sklearn.datasets import load_digits; d = load_digits(); [print(t, *r.astype(int)) for t, r in zip(d.target[:240], d.data[:240])]';
    const lines = execFileSync(python, ['-c', code], { encoding: 'utf8' }).trimEnd().split('\n');
    const pictures: string[] = [];
    for (const [i, line] of lines.entries()) {
      const [label, ...pixels] = line.split(' ').map(Number);
      const data = await sharp(Buffer.from(pixels.map((value) => value * 15)), { raw: { width: 8, height: 8, channels: 1 } })
        .resize(28, 28)
        .png()
        .toBuffer();
      pictures.push(`${label}/${i}.png`);
      at.write(`images/${label}/${i}.png`, data);
    }
    at.write('train.txt', pictures.slice(0, 160).join('\n'));
    at.write('test.txt', pictures.slice(160).join('\n'));
    const { snapshot } = await at.snapshot({ source: 'images', id: undefined, split: { train: 'train.txt', test: 'test.txt' } });
    expect(snapshot.leaks.nearDuplicates?.pairs[0]).toEqual({ splits: ['train', 'test'], rows: 0, examples: [] });
  });

  test('that cannot be decoded, and those of one colour, are counted and told', async () => {
    const at = room();
    const plain = await sharp({ create: { width: 40, height: 40, channels: 3, background: '#336699' } })
      .png()
      .toBuffer();
    for (let i = 0; i < 40; i++) {
      at.write(`images/${i % 2 ? 'dog' : 'cat'}/${i}.png`, i < 3 ? 'no picture' + i : Buffer.concat([plain, Buffer.from(String(i))]));
      at.write(`images/${i % 2 ? 'dog' : 'cat'}/${i}.txt`, `notes ${i}`);
    }
    const { snapshot } = await at.snapshot({ source: 'images', id: undefined });
    expect(snapshot.leaks.nearDuplicates?.method).toMatch(/of 0 pictures; left out: 43 files could not be decoded, 37 of one colour$/);
  });
});
