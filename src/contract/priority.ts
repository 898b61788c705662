import { type OwnerWeights, type Qos } from './pool';

/** What Temporal orders the tasks of a queue by; activities and children inherit it from the workflow that they belong to. */
export interface TaskPriority {
  /** 1 goes first, 5 last. */
  priorityKey: number;
  /** Teams of one priority take turns; absent where nobody is named. */
  fairnessKey?: string;
  /** Turns of this team for one of another, from 0.001 to 1000. */
  fairnessWeight?: number;
}

/** Of an experiment, by its class of service and its owner. */
export function taskPriority(
  { owner, qos }: { owner?: string | null | undefined; qos: Qos },
  weights: OwnerWeights['weights'] = {},
): TaskPriority {
  const priorityKey = priorityKeys[qos];
  if (!owner) return { priorityKey };
  const weight = weights[owner];
  return { priorityKey, fairnessKey: withinBytes(owner, 64), ...(weight === undefined ? {} : { fairnessWeight: weight }) };
}

/** Room below, between and above for what Temporal's own tools start; 3 is Temporal's default. */
const priorityKeys = { guaranteed: 1, standard: 3, besteffort: 5 } as const satisfies Record<Qos, number>;

/** The server refuses a longer key. */
function withinBytes(text: string, most: number): string {
  let short = text;
  while (new TextEncoder().encode(short).length > most) short = short.slice(0, -1);
  return short;
}
