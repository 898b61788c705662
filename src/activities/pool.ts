import type { PlaceInLine, PoolActivities } from '../contract';

export interface PoolDeps {
  /** Asks the server whether the newest run of a workflow has not ended. */
  isOpen: (workflowId: string) => Promise<boolean>;
  /** Asks the pool; without it no run says why it waits. */
  placeInLine?: (requestId: string) => Promise<PlaceInLine | null>;
}

export function createPoolActivities({ isOpen, placeInLine = async () => null }: PoolDeps): PoolActivities {
  return {
    whyWaits: ({ requestId }) => placeInLine(requestId),

    async openHolders({ holders }) {
      const open: string[] = [];
      // A few at a time: the server answers many callers.
      for (let from = 0; from < holders.length; from += batch) {
        const some = holders.slice(from, from + batch);
        const answers = await Promise.all(some.map(isOpen));
        open.push(...some.filter((_, index) => answers[index]));
      }
      return { open };
    },
  };
}

const batch = 20;
