import type { PoolActivities } from '../contract';

/** `isOpen` asks the server whether the newest run of a workflow has not ended. */
export function createPoolActivities({ isOpen }: { isOpen: (workflowId: string) => Promise<boolean> }): PoolActivities {
  return {
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
