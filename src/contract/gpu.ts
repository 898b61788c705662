import type { Ref } from './refs';

/** A device, a MIG instance of one, as `nvidia-smi` of its host names it. */
export interface Device {
  /** `GPU-...` or `MIG-...`; devices are never named by index. */
  uuid: string;
  /** Model, e.g. `NVIDIA H100 80GB HBM3`; of a MIG instance with its profile, e.g. `NVIDIA H100 80GB HBM3 MIG 1g.10gb`. */
  model: string;
  memoryBytes: number;
  driver: string;
  /** The device a MIG instance is a part of, else null. */
  parent: string | null;
  /**
   * How the host keeps tenants of one device apart: `none` leases it whole; `mps` pins each client's memory, `partition` lets the
   * driver limit each container's memory.
   */
  sharing: 'none' | 'mps' | 'partition';
  health: DeviceHealth;
}

export interface DeviceHealth {
  state: 'healthy' | 'suspect' | 'faulty';
  /** Why it is not healthy, one sentence each, e.g. `XID 79: the device has fallen off the bus`. */
  reasons: string[];
}

/** What a host can tell about its devices. Without a driver: no devices and the reason. */
export interface Inventory {
  devices: Device[];
  driver: string | null;
  cuda: string | null;
  /** Why there are no devices, or null. */
  absent: string | null;
}

/** One line of `telemetry.jsonl`: one device, once a second. What the device does not report is null. */
export interface TelemetrySample {
  timestamp: string;
  uuid: string;
  /** 0 to 1 */
  utilization: number | null;
  memoryBytes: number | null;
  smClockMhz: number | null;
  /** Largest SM clock the device can have. */
  maxSmClockMhz: number | null;
  powerWatts: number | null;
  temperatureCelsius: number | null;
  /** Active throttle reasons, e.g. `hw_thermal_slowdown`; `gpu_idle` and application clocks are no throttling and not listed. */
  throttled: string[];
}

/** Telemetry of one run, over all its attempts. */
export interface TelemetrySummary {
  samples: number;
  seconds: number;
  /** Means over samples and devices, 0 to 1; null where the device does not report it. */
  utilization: number | null;
  /** Largest over the run, bytes of device memory. */
  peakMemoryBytes: number | null;
  /** Median over samples with utilization above 0.1. */
  smClockMhz: number | null;
  /** Integral of power over time, all devices. */
  energyJoules: number | null;
  maxTemperatureCelsius: number | null;
  /** Share of samples with a thermal or hardware throttle reason, 0 to 1. */
  throttledShare: number;
  /** Reasons seen, each with its number of samples. */
  throttleReasons: Record<string, number>;
  /** Device time, hours: seconds times devices / 3600. */
  gpuHours: number;
}

/** Before a run: each row a sentence; `ok: false` sets the device aside. */
export interface HealthCheck {
  ok: boolean;
  device: string;
  findings: string[];
  /** Bytes in use before the run; after it they must be back within a margin. */
  memoryBefore: number | null;
  /** Time of the small matrix product on the device, ms; null where no device program could run, with the reason in `findings`. */
  productMs: number | null;
}

/** What a run leaves to be kept. */
export interface TelemetryArtifact {
  lines: Ref;
  summary: TelemetrySummary;
}
