import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseXids, xidFinding } from '../../src/gpu/xid';

const kernel = (name: string): string => readFileSync(join(__dirname, 'recorded', name, 'kernel.txt'), 'utf8');

test('XID lines of dmesg -T are read with device, code and local time', () => {
  const [first, second] = parseXids(kernel('lost-in-run'), 0);
  expect(first).toEqual({
    busId: '0000:02:00',
    code: 79,
    at: new Date(2026, 8, 14, 4, 48, 45).getTime(),
    text: 'pid=9962, name=python, GPU has fallen off the bus.',
  });
  expect(second?.code).toBe(154);
});

test('a device that fell off the bus without a number, told in three lines, is XID 79', () => {
  expect(parseXids(kernel('off-the-bus'), 1_000_000)).toEqual([
    { busId: '0000:b3:00', code: 79, at: 1_000_000 + 1_843_308.145, text: 'GPU has fallen off the bus' },
  ]);
});

test('times of journalctl in seconds since 1970 are read', () => {
  const line = '1726288125.250000 host kernel: NVRM: Xid (PCI:0000:3b:00): 48, pid=77, name=python3, An uncorrectable double bit error';
  expect(parseXids(line, 0)[0]).toMatchObject({ busId: '0000:3b:00', code: 48, at: 1_726_288_125_250 });
});

test('errors of programs do not set the device aside, those of the hardware do', () => {
  const findings = parseXids(kernel('program-errors'), 0).map(xidFinding);
  expect(findings.map(({ aside }) => aside)).toEqual([false, false]);
  expect(findings[0]?.sentence).toContain('XID 13 (mostly an error of a program)');
  expect(xidFinding({ code: 95, busId: '', at: null, text: '' })).toEqual({ sentence: 'XID 95 (uncontained memory error)', aside: true });
});
