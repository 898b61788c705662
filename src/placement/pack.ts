import type { Lease, LeaseRequest } from '../contract';
import { ids } from '../contract';
import type { LeaseState, PlacementState, Waiter } from './state';

/**
 * The state as it is carried into the next run of the workflow, whose input is limited to 1.5 MB: what requests have in common is
 * written once. About 130 bytes a waiter, so that 10,000 fit beside 128 leases.
 */
export interface PackedState extends Omit<PlacementState, 'leases' | 'waiting' | 'ended' | 'weights' | 'turns'> {
  version: 1;
  /** Absent in what earlier versions wrote, as `turns`. */
  weights?: PlacementState['weights'];
  turns?: boolean;
  shapes: Shape[];
  leases: (Omit<LeaseState, 'lease' | 'request'> & { request: PackedRequest; lease: Omit<Lease, 'requestId' | 'holder'> })[];
  waiting: [PackedRequest, since: number, sequence: number, claimed: 0 | 1, reserved: string | null][];
  ended: string[];
}

type Shape = Omit<LeaseRequest, 'requestId' | 'holder' | 'label' | 'avoid'>;
type PackedRequest = [shape: number, holder: string, requestId: string, label: string, avoid?: LeaseRequest['avoid']];

export function pack(state: PlacementState): PackedState {
  const indices = new Map<string, number>();
  const shapes: Shape[] = [];
  const packed = ({ requestId, holder, label, avoid, ...shape }: LeaseRequest): PackedRequest => {
    const key = JSON.stringify(shape);
    const index = indices.get(key) ?? shapes.push(shape) - 1;
    indices.set(key, index);
    const [who, id] = [shorten(holder, prefixOf(shape)), shorten(requestId, holder)];
    return avoid.hosts.length + avoid.devices.length === 0 ? [index, who, id, label] : [index, who, id, label, avoid];
  };
  const leases = state.leases.map(({ request, lease: { requestId: _id, holder: _holder, ...lease }, ...held }) => {
    return { ...held, lease, request: packed(request) };
  });
  const waiting = state.waiting.map(({ request, since, sequence, claimed, reserved }): PackedState['waiting'][number] => {
    return [packed(request), since, sequence, claimed ? 1 : 0, reserved];
  });
  const ended = state.ended.map(({ key, at }) => `${key}${at.toString(36)}`);
  return { ...state, version: 1, shapes, leases, waiting, ended };
}

export function unpack({ version: _version, shapes, ...state }: PackedState): PlacementState {
  const unpacked = ([index, who, id, label, avoid = { hosts: [], devices: [] }]: PackedRequest): LeaseRequest => {
    const shape = shapes[index] as Shape;
    const holder = lengthen(who, prefixOf(shape));
    return { ...shape, requestId: lengthen(id, holder), holder, label, avoid };
  };
  return {
    ...state,
    weights: state.weights ?? [],
    turns: state.turns ?? false,
    leases: state.leases.map(({ lease, ...held }) => {
      const request = unpacked(held.request);
      return { ...held, request, lease: { ...lease, requestId: request.requestId, holder: request.holder } };
    }),
    waiting: state.waiting.map(([request, since, sequence, claimed, reserved]): Waiter => {
      return { request: unpacked(request), since, sequence, claimed: claimed === 1, reserved };
    }),
    ended: state.ended.map((entry) => ({ key: entry.slice(0, keyLength), at: Number.parseInt(entry.slice(keyLength), 36) })),
  };
}

const keyLength = 16;

/** A holder's id begins with its experiment's, a request's with its holder's. */
const prefixOf = ({ experimentId }: Shape): string => ids.experimentWorkflow(experimentId);
const shorten = (text: string, prefix: string): string => (text.startsWith(prefix) ? `+${text.slice(prefix.length)}` : `=${text}`);
const lengthen = (text: string, prefix: string): string => (text.startsWith('+') ? prefix + text.slice(1) : text.slice(1));
