import type { Device } from './gpu';

/** Class of service: `guaranteed` goes first, `besteffort` may be asked to checkpoint and yield. */
export const qosClasses = ['guaranteed', 'standard', 'besteffort'] as const;
export type Qos = (typeof qosClasses)[number];

/** Signal `requestLease`: asked again under the same id it changes nothing. */
export interface LeaseRequest {
  requestId: string;
  /** Id of the workflow that waits; the grant is signalled to it, and a lease of a workflow that is no longer open is freed. */
  holder: string;
  experimentId: string;
  /** For people: `cnn seed 3`. */
  label: string;
  owner: string | null;
  qos: Qos;
  /** Devices wanted; 0 computes on the CPU. */
  gpus: number;
  /** Bytes needed on each device; null wants it whole. */
  gpuMemoryBytes: number | null;
  /** The whole host, with nothing else running on it. */
  exclusiveHost: boolean;
  /** Devices the experiment may hold at once (`--gpus`); null without a limit. */
  experimentGpus: number | null;
  /** Hosts and devices that failed this run before; taken only if nothing else ever could serve it. */
  avoid: { hosts: string[]; devices: string[] };
}

/** Signal `leaseGranted` to the holder. */
export interface Lease {
  leaseId: string;
  requestId: string;
  holder: string;
  host: string;
  devices: LeasedDevice[];
  /** Device model, or `cpu`. All leases of one experiment have the same. */
  model: string;
  exclusiveHost: boolean;
}

export interface LeasedDevice {
  uuid: string;
  /** Hard limit on this lease's memory on the device, bytes; null where it has the device whole. */
  memoryBytes: number | null;
  sharing: 'whole' | 'mig' | 'mps' | 'partition';
}

/** Signal `releaseLease`. */
export interface LeaseRelease {
  leaseId: string;
  requestId: string;
  /** Devices that failed this run: set aside until their host reports them healthy again after `faultySeconds`. */
  faulty: string[];
}

/** Signal `hostReport`, every `leaseTerms.reportSeconds` from each gpu worker; renews the leases it names. */
export interface HostReport {
  host: string;
  /** Trainers at once, whatever they compute on. */
  places: number;
  devices: Device[];
  /** Why there are no devices, or null. */
  absent: string | null;
  /** Leases whose runs this host has, each with what a pool that lost its memory needs to take it over. */
  leases: { lease: Lease; request: LeaseRequest }[];
  /** Random for each start of the worker: a new one ends leases that the report does not name. */
  session: string;
}

/** Signal `yieldLease` from the pool to a besteffort holder: checkpoint, end with exit code 75, ask again. */
export interface LeaseYield {
  leaseId: string;
  reason: string;
}

/** Signal `drainHost`: no new lease goes there; `undrain` takes it back. */
export interface HostDrain {
  host: string;
  drain: boolean;
  /** Runs there are asked to checkpoint and go on elsewhere; one that measures latency runs to its end. */
  yield?: boolean;
}

/** Signal `setQuota`: devices (or, on the CPU, places) that one owner may hold at once; null lifts it. */
export interface OwnerQuota {
  owner: string;
  limit: number | null;
}

/** Signal `setWeight`: share of an owner where owners compete, 1 by default; null is the default again. */
export interface OwnerWeight {
  owner: string;
  weight: number | null;
}

/** refs/pools/weights: what experiments that start from now on pass to task queues as the weight of their owner. */
export interface OwnerWeights {
  schema: 'assay.weights/1';
  weights: Record<string, number>;
}

/** Of the workers that are versioned by ASSAY_DEPLOYMENT=1. */
export const deploymentName = 'assay';

/** Bounds of a weight, those of Temporal's fairness. */
export const weightBounds = { least: 0.001, most: 1000 } as const;

/** Answer of the query `poolState`, for `assay gpus`. */
export interface PoolState {
  hosts: {
    host: string;
    places: number;
    /** Places in use. */
    used: number;
    devices: (Device & { leases: { leaseId: string; label: string; memoryBytes: number | null }[] })[];
    absent: string | null;
    drained: boolean;
    /** False once it has not reported for a lease term. */
    reporting: boolean;
    lastReport: string;
  }[];
  leases: { lease: Lease; label: string; owner: string | null; qos: Qos; since: string; yielding: boolean }[];
  /** In the order of service, at most the first 1,000. */
  waiting: { request: LeaseRequest; since: string; why: string }[];
  /** Those that wait beyond them; absent where there are none. */
  moreWaiting?: number;
  quotas: { owner: string; limit: number; used: number }[];
  /** Owners whose weight is not 1; absent in answers of earlier versions. */
  weights?: { owner: string; weight: number }[];
}

/**
 * The terms, seconds. A host renews by its report; its guard stops the containers of a lease `term` after the last report that the server
 * took; the pool gives the lease away `term + grace + margin` after it saw that report. `margin` covers clocks that run at different speeds.
 * A longer term bears a longer outage of the server, a shorter one brings a lost host's runs back sooner.
 */
export const leaseTerms = { reportSeconds: 5, term: 60, grace: 25, margin: 5, faultySeconds: 300 } as const;

/** Answer of the query `placeInLine`: where one request stands. */
export interface PlaceInLine {
  /** From 1; 0 where it was just served. */
  place: number;
  /** Requests that wait. */
  of: number;
  since: string;
  /** What it waits for, in a sentence. */
  why: string;
}

export const poolNames = {
  workflow: 'gpuPool',
  request: 'requestLease',
  release: 'releaseLease',
  report: 'hostReport',
  drain: 'drainHost',
  quota: 'setQuota',
  weight: 'setWeight',
  state: 'poolState',
  place: 'placeInLine',
  /** To holders. */
  granted: 'leaseGranted',
  yield: 'yieldLease',
} as const;

export interface PoolActivities {
  /** Which of these workflows are still open. */
  openHolders(input: { holders: string[] }): Promise<{ open: string[] }>;
  /** Where a request stands, for the details of the run that waits; null where the pool does not know it. */
  whyWaits(input: { requestId: string }): Promise<PlaceInLine | null>;
}
