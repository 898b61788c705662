import {
  AssayError,
  type OwnerWeight,
  type OwnerWeights,
  type ResolvedSpec,
  type TaskPriority,
  refNames,
  taskPriority,
  weightBounds,
} from '../contract';
import type { Store } from '../store';

/** Where an experiment stands in queues: by its class of service, its owner, and the weight that the owner has now. */
export async function priorityOf(store: Store, { owner, runtime }: Pick<ResolvedSpec, 'owner' | 'runtime'>): Promise<TaskPriority> {
  return taskPriority({ owner, qos: runtime.qos }, owner === undefined ? {} : await ownerWeights(store));
}

export async function ownerWeights(store: Store): Promise<OwnerWeights['weights']> {
  return (await store.refs.get<OwnerWeights>(refNames.ownerWeights))?.value.weights ?? {};
}

/** For experiments that start from now on; null takes the weight away. Throws `SpecInvalid` for a weight that the server would clamp. */
export async function setOwnerWeight(store: Store, { owner, weight }: OwnerWeight): Promise<void> {
  const { least, most } = weightBounds;
  if (owner === '') throw new AssayError('SpecInvalid', 'the owner is empty; name a team as its experiments do (`owner:`)');
  if (weight !== null && !(weight >= least && weight <= most))
    throw new AssayError('SpecInvalid', `the weight of ${owner} is ${weight}; expected a number from ${least} to ${most}, or none`);
  await store.refs.update<OwnerWeights>(refNames.ownerWeights, (old) => {
    const { [owner]: _, ...others } = old?.weights ?? {};
    return { schema: 'assay.weights/1', weights: weight === null ? others : { ...others, [owner]: weight } };
  });
}
