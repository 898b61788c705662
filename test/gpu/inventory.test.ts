import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openGpus } from '../../src/gpu';
import { changeable, masked, replayed } from './helpers';

const MiB = 2 ** 20;

test('a healthy device is listed with its model, memory and driver', async () => {
  expect(await replayed('healthy').inventory()).toEqual({
    devices: [
      {
        uuid: masked,
        model: 'NVIDIA H100 80GB HBM3',
        memoryBytes: 81559 * MiB,
        driver: '590.48.01',
        parent: null,
        sharing: 'none',
        health: { state: 'healthy', reasons: [] },
      },
    ],
    driver: '590.48.01',
    cuda: '13.1',
    absent: null,
  });
});

test('a device in MIG mode is its instances, each with its own memory', async () => {
  const { devices } = await replayed('mig', { sharing: 'mps' }).inventory();
  expect(
    devices.map(({ uuid, model, memoryBytes, parent, sharing }) => [uuid.slice(0, 12), model, memoryBytes / MiB, parent, sharing]),
  ).toEqual([
    ['MIG-00000000', 'NVIDIA H100 80GB HBM3 MIG 3g.40gb', 40448, masked, 'none'],
    ['MIG-00000001', 'NVIDIA H100 80GB HBM3 MIG 2g.20gb', 20096, masked, 'none'],
    ['MIG-00000002', 'NVIDIA H100 80GB HBM3 MIG 1g.10gb', 9984, masked, 'none'],
    ['MIG-00000003', 'NVIDIA H100 80GB HBM3 MIG 1g.10gb', 9984, masked, 'none'],
  ]);
});

test('the sharing of the host is that of its whole devices', async () => {
  const { devices } = await replayed('healthy', { sharing: 'mps' }).inventory();
  expect(devices[0]?.sharing).toBe('mps');
});

test('a driver that calls the reasons by their old names is understood', async () => {
  const { devices, cuda } = await replayed('old-names').inventory();
  expect(cuda).toBe('11.7');
  expect(devices).toMatchObject([{ model: 'Tesla T4', driver: '515.105.01', health: { state: 'healthy', reasons: [] } }]);
});

test('one lost device of four is faulty and the others stay healthy', async () => {
  const { devices, absent } = await replayed('lost').inventory();
  expect(absent).toBeNull();
  expect(devices.map(({ health }) => health.state)).toEqual(['healthy', 'faulty', 'healthy', 'healthy']);
  expect(devices[1]).toMatchObject({ uuid: 'GPU-3e34e62f-d88e-f448-415e-be2cbf2c6178', driver: '520.61.05' });
  expect(devices[1]?.health.reasons).toEqual([expect.stringContaining('no longer answers the driver: restart the host')]);
});

test.each([
  ['ecc', 'faulty', 'faulty memory rows wait to be remapped: reset the device, or restart the host'],
  ['throttled', 'faulty', 'the clocks are held down: hw_power_brake_slowdown'],
  ['hot', 'suspect', 'the device is above its operating temperature (67 °C): mend its cooling'],
  ['hot', 'suspect', 'the clocks are held down: sw_thermal_slowdown'],
])('%s: the device is %s, since %s', async (name, state, reason) => {
  const { devices } = await replayed(name).inventory();
  expect(devices[0]?.health.state).toBe(state);
  expect(devices[0]?.health.reasons).toContain(reason);
});

test.each([
  ['mismatch', 'differ in version (the library is 550.144): restart the host'],
  ['no-driver', 'reaches no NVIDIA driver: load its kernel module (modprobe nvidia)'],
  ['no-devices', 'the NVIDIA driver finds no device'],
  ['lost-only', 'the device is lost: restart the host'],
  ['revoked', 'the NVIDIA library does not start (Unknown Error)'],
])('%s: the host has no devices and says why', async (name, sentence) => {
  const { devices, absent, driver, cuda } = await replayed(name).inventory();
  expect({ devices, driver, cuda }).toEqual({ devices: [], driver: null, cuda: null });
  expect(absent).toContain(sentence);
});

test('a host without nvidia-smi says what to install', async () => {
  const gpus = openGpus({ command: ['/nonexistent/nvidia-smi'] });
  const { devices, absent } = await gpus.inventory();
  expect(devices).toEqual([]);
  expect(absent).toBe('/nonexistent/nvidia-smi is not installed here: install the NVIDIA driver, or name the program in ASSAY_NVIDIA_SMI');
  expect(await gpus.check([])).toEqual([]);
  expect(await gpus.processes([])).toEqual([]);
  expect(await gpus.leaksAfter([], [], { pids: [1] })).toEqual([]);
  await gpus.telemetry([], { onSample: () => {}, signal: new AbortController().signal });
});

test('the program is the one that ASSAY_NVIDIA_SMI names', async () => {
  const before = process.env.ASSAY_NVIDIA_SMI;
  process.env.ASSAY_NVIDIA_SMI = `${process.execPath} ${join(__dirname, 'replay.mjs')}  ${join(__dirname, 'recorded', 'no-devices')}`;
  try {
    expect((await openGpus().inventory()).absent).toContain('the NVIDIA driver finds no device');
  } finally {
    if (before === undefined) delete process.env.ASSAY_NVIDIA_SMI;
    else process.env.ASSAY_NVIDIA_SMI = before;
  }
});

test('an nvidia-smi that hangs is given up', async () => {
  const hangs = [process.execPath, '-e', 'setInterval(() => {}, 1000)', '--'];
  const { absent } = await openGpus({ command: hangs, timeoutMs: 500 }).inventory();
  expect(absent).toContain('did not answer within 0.5 s: a device or its driver hangs');
});

test('output of another form is refused with what was expected', async () => {
  const says = (text: string) => [
    process.execPath,
    '-e',
    `process.argv.includes('-L') ? console.log('GPU 0: X (UUID: GPU-a)') : console.log('${text}')`,
    '--',
  ];
  expect((await openGpus({ command: says('GPU-a, 1, 2') }).inventory()).absent).toMatch(/expected 20 columns .* got 3: GPU-a, 1, 2/);
  const cells = ['GPU-a', 'X', '0:0:0.0', '1', 'Disabled', 'many', ...new Array<string>(14).fill('[N/A]')].join(', ');
  expect((await openGpus({ command: says(cells) }).inventory()).absent).toMatch(/expected a number for memory.total, got many/);
});

test('a device that is lost later, or made into instances, is seen by the next look', async () => {
  const { dir, remove } = changeable('healthy');
  try {
    const gpus = replayed(dir);
    expect((await gpus.inventory()).devices).toHaveLength(1);
    const mig = (name: string) => readFileSync(join(__dirname, 'recorded', 'mig', name));
    for (const name of ['gpus.csv', 'list.txt', 'query.txt']) writeFileSync(join(dir, name), mig(name));
    expect((await gpus.inventory()).devices.map(({ memoryBytes }) => memoryBytes / MiB)).toEqual([40448, 20096, 9984, 9984]);
    writeFileSync(
      join(dir, 'lost.csv'),
      `uuid, message\n${masked}, Unable to determine the device handle for GPU0000:00:09.0: Unknown Error\n`,
    );
    expect((await gpus.inventory()).devices).toMatchObject([{ uuid: masked, health: { state: 'faulty' } }]);
  } finally {
    remove();
  }
});
