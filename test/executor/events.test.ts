import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { curveOf, eventsUpTo, mergeEvents } from '../../src/executor';
import { stepsOf, upTo } from './helpers';

const step = (n: number): string => `{"type":"step","step":${n},"loss":${1 / n}}\n`;
const steps = (from: number, to: number): Buffer =>
  Buffer.from(
    upTo(to)
      .slice(from - 1)
      .map(step)
      .join(''),
  );

test('earlier events are cut at the step resumed from and the current ones follow it', () => {
  expect(stepsOf(mergeEvents(steps(1, 70), steps(61, 90), 60).toString())).toEqual(upTo(90));
  expect(stepsOf(mergeEvents(steps(1, 70), steps(60, 90), 60).toString())).toEqual(upTo(90));
  expect(stepsOf(mergeEvents(mergeEvents(steps(1, 30), steps(21, 50), 20), steps(41, 60), 40).toString())).toEqual(upTo(60));
});

test('a run that began anew keeps nothing of before', () => {
  expect(stepsOf(mergeEvents(steps(1, 70), steps(1, 20), null).toString())).toEqual(upTo(20));
});

test('a line without a step stays with the step before it, a line cut short is left out', () => {
  const previous = Buffer.from(`${step(1)}{"type":"warning","a":1}\n${step(2)}{"type":"warning","a":2}\n`);
  const merged = mergeEvents(previous, Buffer.from(`${step(2)}{"type":"st`), 1).toString();
  expect(merged).toBe(`${step(1)}{"type":"warning","a":1}\n${step(2)}`);
});

test('the events of a checkpoint end at its step; no file is no events', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'assay-events-'));
  try {
    writeFileSync(join(dir, 'events.jsonl'), steps(1, 30));
    expect(stepsOf((await eventsUpTo(join(dir, 'events.jsonl'), 20)).toString())).toEqual(upTo(20));
    expect(await eventsUpTo(join(dir, 'none.jsonl'), 20)).toHaveLength(0);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('a curve has at most the points asked for, first and last kept, and null for what is not finite', () => {
  const curve = curveOf(steps(1, 10_000));
  expect(curve).toHaveLength(200);
  expect([curve[0]?.step, curve.at(-1)?.step]).toEqual([1, 10_000]);
  expect(new Set(curve.map((point) => point.step)).size).toBe(200);
  const text = `{"type":"step","step":1,"loss":NaN,"accuracy":0.5}\n{"type":"epoch","step":1,"loss":3}\n{"type":"step","step":2,"loss":-Infinity}\n`;
  expect(curveOf(text)).toEqual([{ step: 1, loss: null, accuracy: 0.5 }]);
});
