import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nextLook } from '../../src/cli/compare/ledger';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-ledger-'));
  path = join(folder, 'looks.json');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const bytes = (text: string): Uint8Array[] => [Buffer.from(text)];
const ask = (inputs: string, confidence = 0.95, question = 'accuracy: a, b') =>
  nextLook(path, { question, confidence, inputs: bytes(inputs) });
const seen = (pValue: number) => ({ when: '2026-11-21T00:00:00.000Z', information: 100, pValue });

test('each look pays less, and all there could be pay alpha', () => {
  let spent = 0;
  for (let k = 1; k <= 200; k++) {
    const look = ask(`night ${k}`);
    expect(look.look).toBe(k);
    spent += 1 - look.confidence;
    look.keep(seen(0.9));
  }
  expect(spent).toBeLessThan(0.05);
  expect(spent).toBeGreaterThan(0.0498);
  const { looks } = (JSON.parse(readFileSync(path, 'utf8')) as { ledger: { looks: { cumulativeAlpha: number }[] } }).ledger;
  expect(looks).toHaveLength(200);
  expect(looks[199]?.cumulativeAlpha).toBeCloseTo(spent, 12);
});

test('the same inputs again are the same look, and nothing is spent', () => {
  ask('first').keep(seen(0.2));
  ask('second').keep(seen(0.2));
  const before = readFileSync(path, 'utf8');
  const again = ask('first');
  expect(again.look).toBe(1);
  expect(again.keep(seen(0.2))).toContain('nothing is spent');
  expect(readFileSync(path, 'utf8')).toBe(before);
});

test('a look whose p is under its bound decides, and the ledger takes no further one', () => {
  expect(ask('first').keep(seen(0.04))).toBe('Look 1: p 0.04 against its bound 0.0304 leaves the question open; 0.0304 of 0.05 spent.');
  expect(ask('second').keep(seen(0.007))).toContain('Look 2: p 0.007 against its bound 0.0076 decides');
  expect(() => ask('third')).toThrow('look 2 of 2026-11-21T00:00:00.000Z has decided the question');
  expect(ask('first').look).toBe(1);
});

test('a ledger is for one question at one confidence', () => {
  ask('first').keep(seen(0.2));
  expect(() => ask('second', 0.9)).toThrow('was opened at confidence 0.95, got 0.9');
  expect(() => ask('second', 0.95, 'accuracy: a, c')).toThrow('a ledger is for one question');
});

test.each(['', '{', '[]', '{"schema":"assay.ledger/1"}', 'null'])('a file that holds %j is no ledger, and stays as it is', (text) => {
  writeFileSync(path, text);
  expect(() => ask('first')).toThrow('no ledger of looks');
  expect(readFileSync(path, 'utf8')).toBe(text);
});

test('nothing is written before the look is kept, nor over the look of another', () => {
  const mine = ask('first');
  expect(existsSync(path)).toBe(false);
  ask('of another').keep(seen(0.5));
  expect(() => mine.keep(seen(0.5))).toThrow('another comparison has written a look meanwhile');
});

test('a look that another is writing is left to it, unless it was killed a while ago', () => {
  ask('first').keep(seen(0.5));
  const next = `${path}.next`;
  writeFileSync(next, 'half of a led');
  expect(() => ask('second').keep(seen(0.5))).toThrow('another comparison is writing a look into it');
  utimesSync(next, 1, 1);
  expect(ask('second').keep(seen(0.5))).toContain('Look 2: p 0.5');
  expect(existsSync(next)).toBe(false);
});

test.each(['', '.', 'gone/looks.json'])('"%s" is refused as a ledger before anything is worked out', (name) => {
  path = name === '' ? '' : join(folder, name);
  expect(() => ask('first')).toThrow(/^--ledger ".*": cannot be written; name a file in a folder that is there and yours$/);
});
