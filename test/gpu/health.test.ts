import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProgramEnd } from '../../src/gpu';
import { openGpus } from '../../src/gpu';
import { changeable, masked, replayed } from './helpers';

const right = (): Promise<ProgramEnd> => Promise.resolve({ code: 0, stdout: '{"ok": true, "ms": 1.5}\n', stderr: '' });
const always = new Date(0);

test('a healthy idle device passes, with its memory before the run and the time of the product', async () => {
  expect(await replayed('healthy').check([masked], { program: right })).toEqual([
    { ok: true, device: masked, findings: [], memoryBefore: 0, productMs: 1.5 },
  ]);
});

test('without a program the check says that no product was computed', async () => {
  const [check] = await replayed('healthy').check([masked]);
  expect(check).toMatchObject({ ok: true, productMs: null, findings: ['no matrix product was computed: no device program was given'] });
});

test('a wrong product sets the device aside', async () => {
  const wrong = () =>
    Promise.resolve({ code: 1, stdout: '{"ok": false, "message": "3 of 9 values of a matrix product are wrong"}\n', stderr: '' });
  const [check] = await replayed('healthy').check([masked], { program: wrong });
  expect(check).toMatchObject({ ok: false, productMs: null });
  expect(check?.findings).toEqual(['the matrix product failed on the device: 3 of 9 values of a matrix product are wrong']);
});

test('a program that could not start, or has no PyTorch, is no fault of the device', async () => {
  const gpus = replayed('healthy');
  const [absent] = await gpus.check([masked], { program: () => Promise.reject(new Error('no such image')) });
  expect(absent).toMatchObject({ ok: true, findings: ['no matrix product was computed: no such image'] });
  const [bare] = await gpus.check([masked], { program: () => Promise.resolve({ code: 69, stdout: '', stderr: '' }) });
  expect(bare).toMatchObject({ ok: true, findings: ['no matrix product was computed: the program has no PyTorch'] });
});

test('a program that dies on the device without a word sets it aside', async () => {
  const dies = () => Promise.resolve({ code: null, stdout: '', stderr: 'CUDA error: unspecified launch failure\n' });
  const [check] = await replayed('healthy').check([masked], { program: dies });
  expect(check).toMatchObject({ ok: false, findings: ['the matrix product failed on the device: CUDA error: unspecified launch failure'] });
});

test('a device in use is refused to a run that wants it whole, and given to one that fits', async () => {
  const gpus = replayed('in-use');
  const [whole] = await gpus.check([masked], { program: right });
  expect(whole?.ok).toBe(false);
  expect(whole?.findings[0]).toMatch(
    /^20\.78 GB of GPU-\S+ are in use \(process 11327, process 11328, process 11345\): it is wanted whole$/,
  );
  const [fits] = await gpus.check([masked], { program: right, neededBytes: 40e9 });
  expect(fits).toMatchObject({ ok: true, memoryBefore: 19818 * 2 ** 20 });
  const [short] = await gpus.check([masked], { program: right, neededBytes: 70e9 });
  expect(short?.findings[0]).toContain('70.00 GB are needed and 64.24 GB are free');
});

test('a MIG instance is checked by its own memory', async () => {
  const uuid = 'MIG-00000001-0000-0000-0000-000000000001';
  const [check] = await replayed('mig').check([uuid], { program: right, neededBytes: 19e9 });
  expect(check).toEqual({ ok: true, device: uuid, findings: [], memoryBefore: 17 * 2 ** 20, productMs: 1.5 });
});

test.each([
  ['ecc', 'GPU-73d12ef7-f589-f867-4259-c7090ab44736', false, 'faulty memory rows wait to be remapped'],
  ['throttled', 'GPU-ee7954ec-da95-fd7a-ddfd-c6b32cc2f8aa', false, 'the clocks are held down: hw_power_brake_slowdown'],
  ['lost', 'GPU-3e34e62f-d88e-f448-415e-be2cbf2c6178', false, 'Unable to determine the device handle for GPU 0000:0B:00.0: Unknown Error'],
  ['hot', 'GPU-00000000-0000-0000-0000-000000000330', true, 'above its operating temperature (67 °C)'],
  ['mismatch', masked, false, 'restart the host'],
  ['healthy', 'GPU-11111111-0000-0000-0000-000000000000', false, 'this host has no such device'],
])('%s: the check of %s is %s', async (name, uuid, ok, sentence) => {
  const [check] = await replayed(name).check([uuid], { neededBytes: 0 });
  expect(check?.ok).toBe(ok);
  expect(check?.findings.join('\n')).toContain(sentence);
});

test('no product is tried on a device that is set aside', async () => {
  let tried = 0;
  const counting = () => {
    tried += 1;
    return right();
  };
  await replayed('ecc').check(['GPU-73d12ef7-f589-f867-4259-c7090ab44736'], { program: counting });
  expect(tried).toBe(0);
});

test('a device that answers under another UUID is refused', async () => {
  const script = `
    if (process.argv.includes('-L')) console.log('GPU 0: X (UUID: GPU-a)');
    else if (process.argv.includes('-i')) console.log(['GPU-b', ...new Array(19).fill('[N/A]')].join(', '));`;
  const [check] = await openGpus({ command: [process.execPath, '-e', script, '--'], kernelLog: [] }).check(['GPU-a']);
  expect(check).toMatchObject({ ok: false, findings: ['the device answers as GPU-b when asked for GPU-a: restart the worker'] });
});

test('XID errors of the device since the last check count, and each only once', async () => {
  const gpus = replayed('lost-in-run');
  const uuid = 'GPU-00000000-0000-0000-0000-000000003090';
  const [seen] = await gpus.check([uuid], { since: always, neededBytes: 0 });
  expect(seen?.ok).toBe(false);
  expect(seen?.findings.slice(0, 2)).toEqual([
    'XID 79 (the device has fallen off the bus): pid=9962, name=python, GPU has fallen off the bus.',
    'XID 154 (the driver asks for a reset or a restart): GPU recovery action changed from 0x0 (None) to 0x2 (Node Reboot Required)',
  ]);
  const [later] = await gpus.check([uuid], { neededBytes: 0 });
  expect(later?.findings.join()).not.toContain('XID');
});

test('a kernel log that cannot be read is told and keeps nobody from running', async () => {
  const refused = [process.execPath, '-e', 'process.exit(1)'];
  const [check] = await replayed('healthy', { kernelLog: [refused, ['/nonexistent/journalctl']] }).check([masked], { program: right });
  expect(check).toMatchObject({ ok: true, findings: ['the kernel log cannot be read here: XID errors are not seen'] });
});

test('XID errors of a run are found by its devices, although they are lost by now', async () => {
  const { dir, remove } = changeable('lost-in-run');
  try {
    const uuid = 'GPU-00000000-0000-0000-0000-000000003090';
    const gpus = replayed(dir);
    expect(await gpus.xids([uuid], new Date())).toEqual([]);
    writeFileSync(join(dir, 'failure-6.txt'), 'No devices were found\n');
    expect((await gpus.xids([uuid], always))?.map(({ code }) => code)).toEqual([79, 154]);
  } finally {
    remove();
  }
});
