import { Row } from '../../src/gpu/csv';
import { healthOf, judge } from '../../src/gpu/status';
import type { Details } from '../../src/gpu/text';

const judged = (cells: Record<string, string>, details: Partial<Details> = {}) =>
  judge(new Row(Object.keys(cells), Object.values(cells)), {
    slowdownCelsius: null,
    maxOperatingCelsius: null,
    slowdownMargin: null,
    instances: new Map(),
    ...details,
  });

test.each([
  ['below both limits', { 'temperature.gpu': '80' }, 'healthy'],
  ['above the operating limit', { 'temperature.gpu': '92' }, 'suspect'],
  ['at the limit where it slows down', { 'temperature.gpu': '98' }, 'faulty'],
  ['margin left', { 'temperature.gpu': '80', 'temperature.gpu.tlimit': '5' }, 'healthy'],
  ['no margin left', { 'temperature.gpu': '85', 'temperature.gpu.tlimit': '0' }, 'suspect'],
  ['margin overdrawn', { 'temperature.gpu': '87', 'temperature.gpu.tlimit': '-2' }, 'faulty'],
])('temperature %s', (_, cells, state) => {
  expect(healthOf(judged(cells, { slowdownCelsius: 98, maxOperatingCelsius: 91 })).state).toBe(state);
});

test('uncorrected memory errors are faults', () => {
  expect(judged({ 'ecc.errors.uncorrected.volatile.total': '2' })).toEqual([
    { sentence: '2 uncorrected memory errors since the driver was loaded: reset the device, or restart the host', aside: true },
  ]);
});

test('pages to be retired and rows that could not be remapped are faults', () => {
  expect(healthOf(judged({ 'retired_pages.pending': 'Yes' })).state).toBe('faulty');
  expect(healthOf(judged({ 'remapped_rows.failure': 'Yes' })).state).toBe('faulty');
});

test('one sensor that fails is a thing to know, all of them are a device that does not answer', () => {
  const one = judged({ uuid: 'GPU-a', 'temperature.gpu': '40', 'memory.used': '[Unknown Error]', 'memory.total': '10' });
  expect(one).toEqual([{ sentence: 'the driver cannot read memory.used', aside: false }]);
  const all = judged({ uuid: 'GPU-a', 'temperature.gpu': 'ERR!', 'memory.used': 'ERR!', 'memory.total': '[Unknown Error]' });
  expect(all).toEqual([{ sentence: 'the device answers no question of the driver: restart the host', aside: true }]);
});

test('a device that wants a reset says so', () => {
  expect(judged({ uuid: 'GPU-a', 'temperature.gpu': '[GPU requires reset]' })).toEqual([
    { sentence: 'the device must be reset: nvidia-smi --gpu-reset, or restart the host', aside: true },
  ]);
});
