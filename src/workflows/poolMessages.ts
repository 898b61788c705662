import { defineQuery, defineSignal } from '@temporalio/workflow';
import {
  type HostDrain,
  type HostReport,
  type Lease,
  type LeaseRelease,
  type LeaseRequest,
  type LeaseYield,
  type OwnerQuota,
  type PlaceInLine,
  type OwnerWeight,
  type PoolState,
  poolNames,
} from '../contract';

export const requestLease = defineSignal<[LeaseRequest]>(poolNames.request);
export const releaseLease = defineSignal<[LeaseRelease]>(poolNames.release);
export const hostReport = defineSignal<[HostReport]>(poolNames.report);
export const drainHost = defineSignal<[HostDrain]>(poolNames.drain);
export const setQuota = defineSignal<[OwnerQuota]>(poolNames.quota);
export const setWeight = defineSignal<[OwnerWeight]>(poolNames.weight);
export const poolState = defineQuery<PoolState>(poolNames.state);
export const whereInLine = defineQuery<PlaceInLine | null, [string]>(poolNames.place);

/** To holders. */
export const leaseGranted = defineSignal<[Lease]>(poolNames.granted);
export const yieldLease = defineSignal<[LeaseYield]>(poolNames.yield);
