// Proves: the pool hears of a host's leases and devices in time and no more often than it must, and the guard file says what the server took.
import { defaultPayloadConverter } from '@temporalio/common';
import { type HostReport, type Inventory, ids, leaseTerms, poolNames } from '../../src/contract';
import { bootTime, readGuardFile } from '../../src/activities/guardFile';
import { hostFiles } from '../../src/activities/hostFiles';
import { reportHost } from '../../src/activities/hostReport';
import { LeaseBook } from '../../src/activities/leases';
import { leaseOf, newHome, removeHomes } from '../guard/helpers';
import { startServer } from '../guard/server';
import { until } from '../stack/helpers';

let server: Awaited<ReturnType<typeof startServer>>;
const ending: (() => Promise<void>)[] = [];

beforeAll(async () => {
  server = await startServer();
});
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
  await server.client.workflow.getHandle(ids.gpuPool).terminate();
  await removeHomes();
});
afterAll(() => server.stop());

test('the first report starts the pool and names host, places, devices and leases; the guard file follows it', async () => {
  const { home, file } = report({ inventory: async () => oneDevice });
  const { lease, request } = leaseOf('before');
  const before = bootTime();
  await until('the guard file', () => readGuardFile(file));
  expect((await reports()).map(({ content }) => content)).toEqual([
    { host: 'host-a', places: 2, devices: oneDevice.devices, absent: null, leases: [{ lease, request }], session: 'session-1' },
  ]);
  const written = readGuardFile(file);
  expect(written).toMatchObject({
    bootId: before.bootId,
    session: 'session-1',
    leases: [{ leaseId: lease.leaseId, holder: lease.holder }],
  });
  expect(written?.renewedAt).toBeLessThanOrEqual(bootTime().seconds);
  expect(written?.renewedAt).toBeGreaterThan(before.seconds - 5);
  expect((await server.client.workflow.getHandle(ids.gpuPool).describe()).type).toBe(poolNames.workflow);
  expect(new LeaseBook(home).held()).toEqual([{ lease, request }]);
});

test('a change is reported at the next look; unchanged, a host with leases is renewed every second look', async () => {
  const asked: number[] = [];
  const { book } = report({
    async inventory() {
      asked.push(Date.now());
      return { ...oneDevice, devices: [], absent: 'no driver' };
    },
  });
  const { lease, request } = leaseOf('new');
  await until('the first report', async () => (await reports()).length === 1);
  book.begin(lease, request);
  const [first, second, third] = await until(
    'three reports',
    async () => {
      const seen = await reports();
      return seen.length >= 3 ? seen : null;
    },
    40_000,
  );
  expect(second?.content).toEqual({ ...first?.content, leases: [leaseOf('before'), { lease, request }] });
  expect(third?.content).toEqual(second?.content);
  const gap = (a?: { at: number }, b?: { at: number }): number => ((b?.at ?? 0) - (a?.at ?? 0)) / 1000;
  expect(gap(first, second)).toBeLessThan(leaseTerms.reportSeconds + 2);
  expect(gap(second, third)).toBeGreaterThan(2 * leaseTerms.reportSeconds - 1);
  expect(gap(second, third)).toBeLessThan(leaseTerms.term / 2);
  // Devices are asked less often than the pool is told.
  expect(asked).toHaveLength(1);
});

test('while the server is away the guard file stays as it was; when it is back the next look renews', async () => {
  const { file, troubles, renewals } = report({ inventory: async () => oneDevice });
  const first = await until('the guard file', () => readGuardFile(file));
  await server.down();
  await until('a report that fails', () => troubles.length > 0, 40_000);
  expect(bootTime().seconds - first.renewedAt).toBeLessThan(2 * leaseTerms.reportSeconds + 8);
  expect(troubles[0]).toMatch(/^the report of host-a did not reach the pool: .+/);
  expect(readGuardFile(file)).toEqual(first);
  await server.up();
  const back = bootTime().seconds;
  await until('a renewal', () => (readGuardFile(file)?.renewedAt ?? 0) > first.renewedAt, 40_000);
  expect(bootTime().seconds - back).toBeLessThan(leaseTerms.reportSeconds + 2);
  await until('the end of the trouble', () => troubles.at(-1) === null);
  expect(renewals()).toBe(2);
  // One line for the time away, however often it was tried, and one for its end.
  expect(troubles.filter((trouble) => trouble === null)).toHaveLength(1);
});

test('devices that fail to answer are reported as absent with the reason', async () => {
  report({ inventory: () => Promise.reject(new Error('nvidia-smi was killed')) });
  const [first] = await until('the first report', async () => {
    const seen = await reports();
    return seen.length > 0 ? seen : null;
  });
  expect(first?.content).toMatchObject({ devices: [], absent: 'nvidia-smi was killed' });
});

function report(gpus: { inventory(): Promise<Inventory> }) {
  const { home } = newHome();
  const book = new LeaseBook(home);
  const { lease, request } = leaseOf('before');
  book.begin(lease, request);
  const end = new AbortController();
  const troubles: (string | null)[] = [];
  let renewals = 0;
  const file = hostFiles(home).guard;
  const reporting = reportHost({
    ...{ client: server.client, host: 'host-a', places: 2, gpus, book, session: 'session-1', guardFile: file, signal: end.signal },
    onRenewed: () => void renewals++,
    onTrouble: (trouble) => void troubles.push(trouble),
  });
  ending.push(async () => {
    end.abort();
    await reporting;
  });
  return { home, book, file, troubles, renewals: () => renewals };
}

/** As the server has them: no worker is needed to keep signals. */
async function reports(): Promise<{ at: number; content: HostReport }[]> {
  const pool = server.client.workflow.getHandle(ids.gpuPool);
  // Before the first report the pool is the one that the test before this ended.
  const begun = await pool.describe().then(
    ({ status }) => status.name === 'RUNNING',
    () => false,
  );
  const history = begun ? await pool.fetchHistory() : null;
  return (history?.events ?? []).flatMap(({ eventTime, workflowExecutionSignaledEventAttributes: signal }) => {
    const payload = signal?.input?.payloads?.[0];
    if (signal?.signalName !== poolNames.report || !payload) return [];
    const at = Number(eventTime?.seconds) * 1000 + Number(eventTime?.nanos) / 1e6;
    return [{ at, content: defaultPayloadConverter.fromPayload<HostReport>(payload) }];
  });
}

const oneDevice: Inventory = {
  driver: '550.54',
  cuda: '12.4',
  absent: null,
  devices: [
    {
      ...{ uuid: 'GPU-1', model: 'NVIDIA H100 80GB HBM3', memoryBytes: 80 * 2 ** 30, driver: '550.54', parent: null, sharing: 'none' },
      health: { state: 'healthy', reasons: [] },
    },
  ],
};
