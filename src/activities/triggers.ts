import { Context, heartbeat } from '@temporalio/activity';
import type { TriggeredOutcome, TriggersActivities } from '../contract';

/** `open` stores an experiment, `ended` resolves with how it ended; both reach the server, so that they are handed in. */
export interface TriggersDeps {
  open: TriggersActivities['openTriggered'];
  ended: (experimentId: string) => Promise<TriggeredOutcome>;
}

/** What a queue of triggers needs of the world. */
export function createTriggersActivities({ open, ended }: TriggersDeps): TriggersActivities {
  return {
    openTriggered: open,

    async awaitExperiment({ experimentId }) {
      const beating = setInterval(heartbeat, 5000);
      try {
        return await Promise.race([ended(experimentId), Context.current().cancelled]);
      } finally {
        clearInterval(beating);
      }
    },
  };
}
