import { join } from 'node:path';
import { deviceProgram } from '../../src/gpu';
import { masked, replayed } from './helpers';

const python = process.env.ASSAY_PYTHON ?? 'python3';
const runtime = join(__dirname, '..', '..', 'runtime');

test('the matrix product of the runtime runs as the program of a check', async () => {
  const program = deviceProgram({
    command: ['env', `PYTHONPATH=${runtime}`, python, '-m', 'assay_runtime.device_check', '--size', '256'],
    device: 'cpu',
  });
  const [check] = await replayed('healthy').check([masked], { program });
  expect(check).toMatchObject({ ok: true, findings: [] });
  expect(check?.productMs).toBeGreaterThan(0);
});

test('a program that is not installed is no fault of the device', async () => {
  const [check] = await replayed('healthy').check([masked], { program: deviceProgram({ command: ['/nonexistent/python3'] }) });
  expect(check).toMatchObject({
    ok: true,
    productMs: null,
    findings: ['no matrix product was computed: /nonexistent/python3 could not be started'],
  });
});

test('a program that hangs on the device sets it aside', async () => {
  const hangs = [process.execPath, '-e', 'setInterval(() => {}, 1000)', '--'];
  const [check] = await replayed('healthy').check([masked], { program: deviceProgram({ command: hangs, timeoutMs: 500 }) });
  expect(check).toMatchObject({ ok: false, findings: ['the matrix product failed on the device: it did not end within 0.5 s'] });
});
