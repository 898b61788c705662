import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { curvePoints, GrowingCurve, lossCurve } from '../../src/executor/curve';
import { EventTail } from '../../src/executor/tail';

const grown = (count: number, every = 1, curve = new GrowingCurve()): GrowingCurve => {
  for (let step = every; step <= count; step += every) curve.add(step, 1 / step);
  return curve;
};

test('a growing curve keeps its first and its newest point and stays small, however long it grows', () => {
  for (const count of [0, 1, 2, curvePoints - 1, curvePoints, curvePoints + 1, 1000, 123_457]) {
    const points = grown(count).points();
    expect(points.length).toBeLessThanOrEqual(curvePoints);
    expect(points.length).toBeGreaterThanOrEqual(Math.min(count, curvePoints / 2));
    expect([points[0]?.[0], points.at(-1)?.[0]]).toEqual(count === 0 ? [undefined, undefined] : [1, count]);
    expect(points.map(([step]) => step)).toEqual([...new Set(points.map(([step]) => step))].sort((a, b) => a - b));
    expect(JSON.stringify(points).length).toBeLessThan(4000);
  }
});

test('its points are about evenly far apart, whatever the steps between two events', () => {
  for (const every of [1, 7, 1000]) {
    const steps = grown(100_000 * every, every)
      .points()
      .slice(0, -1)
      .map(([step]) => step);
    const gaps = steps.slice(1).map((step, i) => step - (steps[i] as number));
    expect(Math.max(...gaps)).toBeLessThan(2 * Math.min(...gaps));
  }
});

test('a resumed run goes on from the curve before it, and a step that is repeated counts once', () => {
  const lines = Array.from({ length: 5000 }, (_, i) => JSON.stringify({ type: 'step', step: i + 1, loss: 2 })).join('\n');
  const earlier = lossCurve(lines);
  expect(earlier).toHaveLength(curvePoints);
  const curve = new GrowingCurve(earlier);
  for (let step = 4000; step <= 10_000; step++) curve.add(step, 1);
  const points = curve.points();
  expect(points.length).toBeLessThanOrEqual(curvePoints);
  expect([points[0], points.at(-1)]).toEqual([
    [1, 2],
    [10_000, 1],
  ]);
  expect(points.filter(([step]) => step <= 5000).every(([, loss]) => loss === 2)).toBe(true);
  expect(points.filter(([step]) => step > 5000).every(([, loss]) => loss === 1)).toBe(true);
  expect(points.filter(([step]) => step <= 5000).length).toBeGreaterThan(points.length / 4);
});

test('a loss that is none is kept as a gap, and digits that no drawing shows are left out', () => {
  const curve = new GrowingCurve();
  curve.add(1, 0.123456789);
  curve.add(2, null);
  curve.add(3, 123456.7);
  expect(curve.points()).toEqual([
    [1, 0.12346],
    [2, null],
    [3, 123460],
  ]);
  expect(lossCurve('{"type":"step","step":1,"loss":NaN,"accuracy":0.5}\n')).toEqual([[1, null]]);
});

test('whoever adopts a trainer has the same curve as whoever saw it all', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-curve-'));
  const file = join(folder, 'events.jsonl');
  const lines = Array.from({ length: 700 }, (_, i) => `${JSON.stringify({ type: 'step', step: 301 + i, loss: 1 / (i + 1) })}\n`);
  const earlier = lossCurve('{"type":"step","step":1,"loss":9}\n{"type":"step","step":300,"loss":5}\n');
  const first = new EventTail(file, earlier);
  try {
    for (let upTo = 1; upTo <= 7; upTo++) {
      writeFileSync(file, lines.slice(0, 100 * upTo).join(''));
      await first.read();
    }
    const successor = new EventTail(file, earlier);
    await successor.read();
    expect(successor.curve.points()).toEqual(first.curve.points());
    expect(first.curve.points().slice(0, 2)).toEqual([
      [1, 9],
      [300, 5],
    ]);
    successor.close();
  } finally {
    first.close();
    rmSync(folder, { recursive: true });
  }
});
