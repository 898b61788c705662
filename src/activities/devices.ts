import { AssayError, type HealthCheck, type Lease, type TelemetrySample } from '../contract';
import { type Gpus, type ProgramEnd, type Xid, deviceProgram, diagnose } from '../gpu';
import { stepTimes } from './dataStall';
import type { GpuDeps } from './host';
import type { LostDevice } from './telemetry';

type Host = Pick<GpuDeps, 'gpus' | 'python' | 'runtimeDir'>;

/** Checks every device of a lease before a run; one that fails is set aside and the run goes elsewhere. */
export async function checkDevices(host: Host, { devices }: Pick<Lease, 'devices'>): Promise<HealthCheck[]> {
  if (devices.length === 0) return [];
  const program = productOf(host);
  const checks: HealthCheck[] = [];
  for (const { uuid, memoryBytes } of devices) {
    checks.push(...(await host.gpus.check([uuid], { program, neededBytes: memoryBytes })));
  }
  const faulty = faultyOf(checks);
  if (faulty.length > 0) throw unhealthy(faulty);
  return checks;
}

/** Whether a trainer's end is the fault of a device: then that, which is retried elsewhere, instead of the trainer's failure. */
export async function deviceTrouble(
  gpus: Gpus,
  { devices }: Pick<Lease, 'devices'>,
  failure: AssayError,
  lost: readonly LostDevice[],
): Promise<AssayError | null> {
  if (devices.length === 0 || (failure.type !== 'TrainerCrashed' && failure.type !== 'ExecutorUnavailable')) return null;
  const checks = await gpus.check(
    devices.map(({ uuid }) => uuid),
    { neededBytes: 0 },
  );
  const faulty = faultyOf(checks);
  // A device that was lost may answer again by now.
  const all = [...faulty, ...lost.filter(({ device }) => faulty.every((other) => other.device !== device))];
  return all.length > 0 ? unhealthy(all, failure) : null;
}

/** A run whose devices are gone ends, though its trainer may hang on them for ever. */
export const devicesGone = (lost: readonly LostDevice[]): AssayError => unhealthy(lost);

/** What telemetry, the kernel log and the step times of a finished run say of its devices; nothing where they differ by chance only. */
export function diagnosisOf(samples: TelemetrySample[], events: Buffer, lost: readonly LostDevice[], xids: readonly Xid[]): string[] {
  if (samples.length === 0 && lost.length === 0 && xids.length === 0) return [];
  const stepSeconds = stepTimes(events).map(({ seconds }) => seconds);
  const first = lost[0];
  const { kind, sentence } = diagnose({ samples, stepSeconds, xids, lost: first === undefined ? null : `${first.device}: ${first.why}` });
  return kind === 'noise' ? [] : [`${kind}: ${sentence}`];
}

/** The matrix product on a device. ASSAY_DEVICE_CHECK names another program for a host whose own Python has no PyTorch with CUDA. */
function productOf({ python, runtimeDir }: Host): (uuid: string) => Promise<ProgramEnd> {
  const named = process.env.ASSAY_DEVICE_CHECK?.split(/\s+/).filter((word) => word !== '') ?? [];
  const own = ['env', `PYTHONPATH=${runtimeDir}`, python ?? 'python3', '-m', 'assay_runtime.device_check'];
  const command = named.length > 0 ? named : own;
  const program = deviceProgram({ command });
  return async (uuid) => {
    const end = await program(uuid);
    // As `env` and `docker run` end when they start nothing, which is no fault of the device.
    if (end.code !== null && end.code >= 125 && end.code <= 127) {
      throw new Error(`${command.join(' ')} could not be started: ${end.stderr.trim().split('\n').at(-1) ?? ''}`);
    }
    return end;
  };
}

const faultyOf = (checks: HealthCheck[]): LostDevice[] =>
  checks.filter((check) => !check.ok).map((check) => ({ device: check.device, why: check.findings.join('; ') }));

function unhealthy(faulty: readonly LostDevice[], cause?: AssayError): AssayError {
  const what = faulty.map(({ device, why }) => `${device}: ${why}`).join('; ');
  return new AssayError('GpuUnhealthy', `${what}; the device is set aside and the run goes elsewhere`, {
    details: { devices: faulty.map(({ device }) => device) },
    ...(cause ? { cause } : {}),
  });
}
