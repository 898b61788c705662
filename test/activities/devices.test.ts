// Proves, over recorded outputs of nvidia-smi and of the kernel and with real programs: which devices a run does not get, and whose fault
// a trainer's end is.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkDevices, deviceTrouble, devicesGone, diagnosisOf } from '../../src/activities/devices';
import { AssayError, type Lease, type LeasedDevice } from '../../src/contract';
import { changeable, masked, replayed, sampleAt } from '../gpu/helpers';

const runtimeDir = join(__dirname, '..', '..', 'runtime');
const product = join(__dirname, '..', 'gpu', 'product.mjs');
const a10 = 'GPU-73d12ef7-f589-f867-4259-c7090ab44736';
const rtx = 'GPU-00000000-0000-0000-0000-000000003090';
const crash = new AssayError('TrainerCrashed', 'ended with exit code 1');
const cleanUps: (() => void)[] = [];

beforeEach(() => {
  process.env.ASSAY_DEVICE_CHECK = `${process.execPath} ${product}`;
});

afterEach(() => {
  delete process.env.ASSAY_DEVICE_CHECK;
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

describe('before a run', () => {
  it('nothing is asked where nothing is leased', async () => {
    expect(await check('no-driver', [])).toEqual([]);
  });

  it('a healthy device passes, with the time of the product on it', async () => {
    expect(await check('healthy', [whole(masked)])).toEqual([{ ok: true, device: masked, findings: [], memoryBefore: 0, productMs: 1.9 }]);
  });

  it.each([
    ['ecc', a10, /faulty memory rows wait to be remapped/],
    ['throttled', 'GPU-ee7954ec-da95-fd7a-ddfd-c6b32cc2f8aa', /clocks are held down: hw_power_brake_slowdown/],
    ['lost', 'GPU-3e34e62f-d88e-f448-415e-be2cbf2c6178', /no longer answers the driver/],
    ['in-use', masked, /in use \(process 11327.*wanted whole/],
    ['mismatch', masked, /differ in version.*restart the host/],
  ])('one that is %s is set aside by its UUID, with the reason', async (recorded, uuid, reason) => {
    await expect(check(recorded, [whole(uuid)])).rejects.toMatchObject({
      type: 'GpuUnhealthy',
      message: expect.stringMatching(reason),
      details: { devices: [uuid] },
    });
  });

  it('of several only the unhealthy ones are set aside', async () => {
    const lost = 'GPU-3e34e62f-d88e-f448-415e-be2cbf2c6178';
    const well = 'GPU-67a571b1-79ee-1016-8ea3-c1fff3f1c1d2';
    await expect(check('lost', [whole(well), whole(lost)])).rejects.toMatchObject({ details: { devices: [lost] } });
  });

  it('a shared device is asked for the memory of the lease only', async () => {
    const shared: LeasedDevice = { uuid: masked, memoryBytes: 40e9, sharing: 'mps' };
    expect(await check('in-use', [shared])).toMatchObject([{ ok: true }]);
    await expect(check('in-use', [{ ...shared, memoryBytes: 70e9 }])).rejects.toThrow(/70\.00 GB are needed and 64\.24 GB are free/);
  });

  it('an XID error of the hardware sets the device aside', async () => {
    const { dir, remove } = changeable('healthy');
    cleanUps.push(remove);
    const at = (Date.now() / 1000).toFixed(6);
    const line = (code: number): string => `${at} host kernel: NVRM: Xid (PCI:0000:00:09): ${code}, pid=7, name=python\n`;
    writeFileSync(join(dir, 'kernel.txt'), line(13));
    expect(await check(dir, [whole(masked)])).toMatchObject([{ ok: true, findings: [expect.stringContaining('error of a program')] }]);
    writeFileSync(join(dir, 'kernel.txt'), line(48));
    await expect(check(dir, [whole(masked)])).rejects.toThrow(/XID 48 \(uncorrectable memory error\)/);
  });
});

describe('the matrix product', () => {
  const program = (text: string): void => {
    const { dir, remove } = changeable('healthy');
    cleanUps.push(remove);
    writeFileSync(join(dir, 'product'), `#!/bin/sh\n${text}\n`);
    chmodSync(join(dir, 'product'), 0o755);
    process.env.ASSAY_DEVICE_CHECK = join(dir, 'product');
  };

  it('that is wrong sets the device aside', async () => {
    program(`echo '{"ok": false, "reason": "wrong-product", "message": "3 of 9 values of a matrix product are wrong"}'; exit 1`);
    await expect(check('healthy', [whole(masked)])).rejects.toThrow(/3 of 9 values/);
  });

  it('is asked of the leased device', async () => {
    program(`[ "$*" = "--device cuda --uuid ${masked}" ] && echo '{"ok": true, "ms": 2.5}'`);
    expect(await check('healthy', [whole(masked)])).toMatchObject([{ ok: true, productMs: 2.5 }]);
  });

  it.each([
    [
      'a container engine that is away',
      'echo "docker: Cannot connect to the Docker daemon" >&2; exit 125',
      /could not be started: docker: Cannot/,
    ],
    ['a program that is not there', 'exec no-such-program', /could not be started/],
    ['a Python without PyTorch', `echo '{"ok": false, "message": "PyTorch is not installed here"}'; exit 69`, /PyTorch is not installed/],
  ])('is not the fault of the device where %s keeps it from being computed', async (_what, text, finding) => {
    program(text);
    const [found] = await check('healthy', [whole(masked)]);
    expect(found).toMatchObject({ ok: true, productMs: null, findings: [expect.stringMatching(finding)] });
  });

  it('is computed by the own Python where no program is named, and a missing Python is no fault of the device either', async () => {
    delete process.env.ASSAY_DEVICE_CHECK;
    const [found] = await check('healthy', [whole(masked)], '/nonexistent/python');
    expect(found).toMatchObject({ ok: true, findings: [expect.stringMatching(/nonexistent\/python.* could not be started/)] });
  });
});

describe('the end of a trainer', () => {
  it('is its own fault while its devices are well', async () => {
    expect(await deviceTrouble(replayed('healthy'), lease(masked), crash, [])).toBeNull();
  });

  it('is the fault of a device that the driver has lost', async () => {
    const { dir, remove } = changeable('healthy');
    cleanUps.push(remove);
    const gpus = replayed(dir);
    writeFileSync(
      join(dir, 'lost.csv'),
      `uuid, message\n${masked}, Unable to determine the device handle for GPU 0000:00:09.0: Unknown Error\n`,
    );
    const trouble = await deviceTrouble(gpus, lease(masked), crash, []);
    expect(trouble).toMatchObject({ type: 'GpuUnhealthy', details: { devices: [masked] }, cause: crash });
  });

  it('is the fault of a device that telemetry lost, though it answers again', async () => {
    const lost = [{ device: masked, why: 'the device is lost: restart the host' }];
    const trouble = await deviceTrouble(replayed('healthy'), lease(masked, 'GPU-other'), crash, lost);
    expect(trouble?.details?.devices).toEqual(['GPU-other', masked]);
    const own = await deviceTrouble(replayed('healthy'), lease(masked), crash, lost);
    expect(own).toMatchObject({ type: 'GpuUnhealthy', details: { devices: [masked] } });
  });

  it('by rejected parameters or for want of memory is never a fault of the device', async () => {
    for (const type of ['TrainerRejected', 'OutOfMemory', 'Preempted'] as const) {
      expect(await deviceTrouble(replayed('lost-only'), lease(masked), new AssayError(type, 'x'), [])).toBeNull();
    }
  });

  it('on the CPU asks no device', async () => {
    expect(await deviceTrouble(replayed('no-driver'), { devices: [] }, crash, [])).toBeNull();
  });

  it('by lost devices names each of them', () => {
    const error = devicesGone([
      { device: 'GPU-a', why: 'the device is lost: restart the host' },
      { device: 'GPU-b', why: 'the device has fallen off the bus: restart the host' },
    ]);
    expect(error).toMatchObject({ type: 'GpuUnhealthy', details: { devices: ['GPU-a', 'GPU-b'] } });
    expect(error.message).toMatch(/GPU-a: the device is lost.*GPU-b: .*fallen off the bus/);
  });
});

describe('what is said of the devices of a finished run', () => {
  const samples = Array.from({ length: 60 }, (_, i) => sampleAt(i));
  const steps = (seconds: (i: number) => number): Buffer =>
    Buffer.from(Array.from({ length: 100 }, (_, i) => `${JSON.stringify({ type: 'step', step: i + 1, seconds: seconds(i) })}\n`).join(''));
  const even = steps((i) => 0.01 + (i % 7) * 1e-4);

  it('is nothing where steps differ by chance, nor without devices', () => {
    expect(diagnosisOf(samples, even, [], [])).toEqual([]);
    expect(
      diagnosisOf(
        [],
        steps((i) => (i < 75 ? 0.01 : 0.05)),
        [],
        [],
      ),
    ).toEqual([]);
  });

  it('is a straggler where the last steps are slow for no known reason', () => {
    expect(
      diagnosisOf(
        samples,
        steps((i) => (i < 75 ? 0.01 : 0.05) + i * 1e-6),
        [],
        [],
      ),
    ).toEqual([expect.stringMatching(/^straggler: the last/)]);
  });

  it('is throttling where clocks were held down', () => {
    const held = samples.map((sample) => ({ ...sample, smClockMhz: 1200, throttled: ['hw_thermal_slowdown'] }));
    expect(diagnosisOf(held, even, [], [])).toEqual([expect.stringMatching(/^throttled: the SM clock was held down to 1200 of 1980 MHz/)]);
  });

  it('is an XID error of the hardware, also where the run went well', async () => {
    const xids = await replayed('lost-in-run').xids([rtx], new Date(0));
    expect(diagnosisOf(samples, even, [], xids ?? [])).toEqual([
      expect.stringMatching(/^xid: XID 79 \(the device has fallen off the bus\)/),
    ]);
  });

  it('is the loss, with the device, also where no sample ever came', () => {
    const lost = [{ device: masked, why: 'the device is lost: restart the host' }];
    expect(diagnosisOf([], even, lost, [])).toEqual([`lost: ${masked}: the device is lost: restart the host`]);
  });
});

const whole = (uuid: string): LeasedDevice => ({ uuid, memoryBytes: null, sharing: 'whole' });
const lease = (...uuids: string[]): Pick<Lease, 'devices'> => ({ devices: uuids.map(whole) });
const check = (recorded: string, devices: LeasedDevice[], python: string | null = null) =>
  checkDevices({ gpus: replayed(recorded), python, runtimeDir }, { devices });
