import { dataStallOf, stepTimes } from '../../src/activities/dataStall';

const events = (...lines: (object | string)[]): Buffer =>
  Buffer.from(lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''));
const step = (seconds: number, waited: number) => ({ type: 'step', step: 1, seconds, data_seconds: waited });

it('the stall is the share of all step time, not the mean of shares', () => {
  expect(dataStallOf(events(step(1, 1), step(3, 0)))).toBe(0.25);
});

it('only steps that tell both count', () => {
  expect(dataStallOf(events(step(2, 1), { type: 'step', step: 2, seconds: 100 }, { type: 'epoch', seconds: 9, data_seconds: 9 }))).toBe(
    0.5,
  );
});

it('without such steps there is none, and clocks that disagree by a little make it no more than all', () => {
  expect(dataStallOf(Buffer.alloc(0))).toBeNull();
  expect(dataStallOf(events({ type: 'step', step: 1, loss: 0.3 }))).toBeNull();
  expect(dataStallOf(events(step(1, 1.001)))).toBe(1);
});

it('a loss that is NaN, as Python writes it, and lines that are no events are no obstacle', () => {
  const odd = '{"type": "step", "step": 3, "loss": NaN, "seconds": 2, "data_seconds": 1}';
  const bytes = events(step(2, 1), odd, '{"type": "step", "seconds": 5, "data_sec', 'chatter with "seconds"');
  expect(dataStallOf(bytes)).toBe(0.5);
  expect(stepTimes(bytes)).toEqual([
    { seconds: 2, dataSeconds: 1 },
    { seconds: 2, dataSeconds: 1 },
  ]);
});
