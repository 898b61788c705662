import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time';
import { type TaskPriority, taskPriority } from '../contract';

export interface QueueOrder {
  /** Urgent work goes before work that was queued earlier: `exact`, `rough` (queues of several partitions), or `off`. */
  priority: 'exact' | 'rough' | 'off';
  /** A team that queues little is served between the tasks of one that queued much before it. */
  fairness: 'exact' | 'rough' | 'off';
}

/**
 * Finds out by trying, since no server tells: a workflow of this call's own queues activities that nobody works on, and the order in
 * which the server hands them out is looked at. Takes a second or two; nothing of it goes on, and
 * the server forgets it.
 */
export async function probeOrder(client: Client): Promise<QueueOrder> {
  const { priority, fairness } = await triedOrder(client);
  if (priority !== 'rough' && fairness !== 'rough') return { priority, fairness };
  // A server that keeps no order can look like one of rough order, and not often twice.
  const again = await triedOrder(client);
  return { priority: confirmed(priority, again.priority), fairness: confirmed(fairness, again.fairness) };
}

const confirmed = (first: QueueOrder['priority'], second: QueueOrder['priority']): QueueOrder['priority'] =>
  first === 'rough' && second === 'off' ? 'off' : first;

async function triedOrder(client: Client): Promise<QueueOrder> {
  const { namespace } = client.options;
  const { workflowService } = client;
  const name = `assay-probe-${randomBytes(6).toString('hex')}`;
  const queueOf = (question: string) => ({ name: `${name}-${question}` });
  const identity = name;

  await workflowService.startWorkflowExecution({
    ...{ namespace, identity, requestId: name, workflowId: name },
    workflowType: { name: 'assayProbe' },
    taskQueue: { name },
    // Should this process die: nothing of it outlives a minute.
    workflowExecutionTimeout: msToTs('60s'),
  });
  try {
    const task = await polled(() => workflowService.pollWorkflowTaskQueue({ namespace, identity, taskQueue: { name } }));
    await workflowService.respondWorkflowTaskCompleted({
      ...{ namespace, identity, taskToken: task.taskToken },
      commands: Object.entries(questions).flatMap(([question, { queued }]) =>
        queued.map((group, index) => ({
          commandType: scheduleActivity,
          scheduleActivityTaskCommandAttributes: {
            activityId: `${question}-${index}-${group.name}`,
            activityType: { name: group.name },
            taskQueue: queueOf(question),
            priority: group.priority,
            scheduleToCloseTimeout: msToTs('60s'),
            startToCloseTimeout: msToTs('60s'),
          },
        })),
      ),
    });
    const [priority, fairness] = await Promise.all([answer('priority'), answer('fairness')]);
    return { priority, fairness };
  } finally {
    const workflowExecution = { workflowId: name };
    await workflowService.terminateWorkflowExecution({ namespace, identity, workflowExecution, reason: 'the probe is over' });
    // Where this token may not, the retention of the namespace does.
    await workflowService.deleteWorkflowExecution({ namespace, workflowExecution }).catch(() => undefined);
  }

  /** The server wants to know how long a poll may last. */
  function polled<T>(poll: () => Promise<T>): Promise<T> {
    return client.withDeadline(Date.now() + pollMs, poll);
  }

  async function answer(question: keyof typeof questions): Promise<'exact' | 'rough' | 'off'> {
    const { queued, first, early } = questions[question];
    await untilQueued(question, queued.length);
    const order: string[] = [];
    while (order.length < early) {
      const { activityType } = await polled(() =>
        workflowService.pollActivityTaskQueue({ namespace, identity, taskQueue: queueOf(question) }),
      );
      if (!activityType?.name) break;
      order.push(activityType.name);
    }
    return grade(order.filter((name_) => name_ === first.name).length, first.count);
  }

  /** Else the first would be handed out before the others are there to be overtaken. */
  async function untilQueued(question: string, wanted: number): Promise<void> {
    for (const deadline = Date.now() + queuedMs; Date.now() < deadline; await delay(50)) {
      const { stats } = await workflowService.describeTaskQueue({
        ...{ namespace, taskQueue: queueOf(question), taskQueueType: activityQueue, reportStats: true },
      });
      if (Number(stats?.approximateBacklogCount ?? 0) >= wanted) return;
    }
  }
}

interface Group {
  name: string;
  priority: TaskPriority;
}

const of = (qos: 'guaranteed' | 'standard' | 'besteffort', owner: string | null): Group => ({
  name: owner ?? qos,
  priority: taskPriority({ qos, owner }),
});
const times = (count: number, group: Group): Group[] => Array.from({ length: count }, () => group);

/**
 * What is queued, in this order; how many of the last must be among the first that are handed out, and how many those are. By chance all
 * but one of them are so in 5 of 1,000 tries (8 of 16 in 8) and in 3 (6 of 46 in 12).
 */
const questions = {
  priority: {
    queued: [...times(8, of('besteffort', null)), ...times(8, of('guaranteed', null))],
    first: { name: 'guaranteed', count: 8 },
    early: 8,
  },
  fairness: {
    queued: [...times(40, of('standard', 'many')), ...times(6, of('standard', 'few'))],
    first: { name: 'few', count: 6 },
    early: 12,
  },
} as const;

/** One that is missing is a rough order; a server that keeps none misses more. */
const grade = (found: number, wanted: number): 'exact' | 'rough' | 'off' =>
  found === wanted ? 'exact' : found === wanted - 1 ? 'rough' : 'off';

/** `temporal.api.enums.v1` */
const scheduleActivity = 1;
const activityQueue = 2;

const pollMs = 10_000;
/** A task that comes while somebody polls overtakes what is queued, so a busy server is given time. */
const queuedMs = 5000;
