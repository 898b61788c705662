import type { LeaseRequest } from '../contract';
import { type Desk, type Holding, type Option, compare, fit } from './board';

/** Hosts and models that could serve a request if nothing else ran. */
export interface Able {
  models: string[];
  options: { desk: Desk; model: string }[];
  /** Devices that are not to be taken. */
  avoid: string[];
}

/** Where it fits best: little memory wasted, a model with many free devices, CPU work off the GPU hosts, full hosts filled first. */
export function best(request: LeaseRequest, able: Able, holdingsOf: (desk: Desk) => Holding[]): Option | null {
  const options = able.options
    .filter(({ desk }) => desk.fresh)
    .map(({ desk, model }) => fit(desk, request, model, able.avoid, holdingsOf(desk)))
    .filter((option) => option !== null);
  const spare = new Map<string, number>();
  for (const option of options) spare.set(option.model, (spare.get(option.model) ?? 0) + option.spare + option.devices.length);
  const score = (option: Option): number[] => [
    option.waste,
    -(spare.get(option.model) ?? 0),
    request.gpus === 0 && option.desk.usable.length > 0 ? 1 : 0,
    option.spare,
    option.desk.host.places - option.desk.holdings.length,
  ];
  const [first] = options
    .map((option) => ({ option, score: score(option) }))
    .sort((a, b) => lexical(a.score, b.score) || compare(a.option.desk.host.host, b.option.desk.host.host));
  return first?.option ?? null;
}

/** Of the devices that could be kept for it, those with the fewest leases. */
export function leastTaken(desk: Desk, request: LeaseRequest, model: string, avoid: string[], kept: Holding[]): Option['devices'] {
  const leases = (uuid: string): number => desk.holdings.filter(({ devices }) => devices.some((leased) => leased.uuid === uuid)).length;
  const byLoad = [...desk.usable].sort((a, b) => leases(b.uuid) - leases(a.uuid) || compare(b.uuid, a.uuid));
  let excluded = [...avoid];
  // The busiest are left out for as long as enough others remain.
  for (const { uuid } of byLoad) if (fit(desk, request, model, [...excluded, uuid], kept) !== null) excluded = [...excluded, uuid];
  return fit(desk, request, model, excluded, kept)?.devices ?? [];
}

export const modelsOf = (desks: Desk[]): string[] =>
  [...new Set(desks.flatMap(({ usable }) => usable.map(({ model }) => model)))].sort(compare);

function lexical(a: number[], b: number[]): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return (a[i] ?? 0) - (b[i] ?? 0);
  return 0;
}
