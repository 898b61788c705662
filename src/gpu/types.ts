import type { Device, HealthCheck, Inventory, TelemetrySample } from '../contract';

/** What can be asked of this host's devices. Without a driver each answer says so in a sentence, and runs go on on the CPU. */
export interface Gpus {
  inventory(): Promise<Inventory>;
  /** Before a run, in the order asked. */
  check(uuids: readonly string[], options?: CheckOptions): Promise<HealthCheck[]>;
  /** Resolves once `signal` aborts, and earlier where no device is left to sample. */
  telemetry(uuids: readonly string[], options: TelemetryOptions): Promise<void>;
  /** XID errors of these devices since then, for `diagnose`; null where the kernel's log cannot be read. A device may be lost by now. */
  xids(uuids: readonly string[], since: Date): Promise<Xid[] | null>;
  processes(uuids: readonly string[]): Promise<DeviceProcess[]>;
  /** Sentences on what a run left behind on its devices; none is as it should be. */
  leaksAfter(before: HealthCheck | readonly HealthCheck[], uuids: readonly string[], options: LeakOptions): Promise<string[]>;
}

export interface GpusOptions {
  /** The program and its first arguments. Default: the words of ASSAY_NVIDIA_SMI, else `nvidia-smi`. */
  command?: readonly string[];
  /** How this host keeps tenants of one device apart; default `none`, each device is leased whole. A MIG instance is always whole. */
  sharing?: Device['sharing'];
  /** Commands that print the kernel's log, tried in order; default `dmesg`, then `journalctl -k`. */
  kernelLog?: readonly (readonly string[])[];
  /** How long nvidia-smi may take to answer, ms; default 20,000. It hangs where a device does. */
  timeoutMs?: number;
}

export interface CheckOptions {
  /** Runs `assay_runtime.device_check` on the device; rejects where it could not be started, which is no fault of the device. */
  program?: (uuid: string) => Promise<ProgramEnd>;
  /** Bytes that must be free. Default null: the device is wanted whole, and at most a tenth of it may be in use. */
  neededBytes?: number | null;
  /** XID errors of the kernel log from then on count; default: since the last check, at the first one the last ten minutes. */
  since?: Date;
}

export interface ProgramEnd {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface TelemetryOptions {
  onSample: (sample: TelemetrySample) => void;
  /** Once a device, when it has vanished or answers no more; nothing more comes from it. */
  onLost?: (uuid: string, sentence: string) => void;
  /** nvidia-smi failed and is started again. */
  onTrouble?: (sentence: string) => void;
  /** Default 1000. */
  everyMs?: number;
  signal: AbortSignal;
}

export interface DeviceProcess {
  /** Of a MIG instance, its device: nvidia-smi does not say which instance. */
  uuid: string;
  pid: number;
  memoryBytes: number | null;
}

export interface LeakOptions {
  /** Processes of the run, as this host numbers them. */
  pids: readonly number[];
  /** Growth of the memory in use that is no leak, bytes; default 64 MiB. Null where others use the device too: only processes count. */
  marginBytes?: number | null;
  /** The driver frees memory a moment after a process has ended: how long to wait for it, ms; default 5000. */
  patienceMs?: number;
}

/** An XID error of the kernel log. */
export interface Xid {
  code: number;
  /** `0000:0b:00` */
  busId: string;
  /** ms since 1970; null where its line has no time. */
  at: number | null;
  text: string;
}
