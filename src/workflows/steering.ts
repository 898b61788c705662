import type { UpdateDefinition } from '@temporalio/common';
import { ApplicationFailure, setHandler } from '@temporalio/workflow';
import type {
  AuditEntry,
  ExperimentPlan,
  Progress,
  Qos,
  RegisteredPlan,
  SteeringAction,
  SteeringCommand,
  SteeringInputs,
} from '../contract';
import { steering } from './messages';
import { type Standing, refusal } from './steeringRules';

/** What people asked of an experiment, as far as it was accepted; `Progress` holds pause, approval and the trail. */
export interface Steered {
  seeds(plan: ExperimentPlan): number[];
  qos(plan: ExperimentPlan): Qos;
  /** Who stopped this variant; undefined while it is wanted. */
  stopped(variant: string): AuditEntry | undefined;
  /** What was registered, with what was changed since. */
  plan(plan: ExperimentPlan): RegisteredPlan;
}

interface Surroundings {
  progress: Progress & { audit: AuditEntry[] };
  plan: () => ExperimentPlan | null;
  measuring: () => boolean;
  /** After each accepted update. */
  changed: () => void;
}

/** The updates of the experiment. A validator refuses what does not fit the state, so that nothing of it stands in the history. */
export function useSteering({ progress, plan, measuring, changed }: Surroundings): Steered {
  const added: number[] = [];
  const stopped = new Map<string, AuditEntry>();
  let qos: Qos | null = null;

  handle('pause', 'No run starts; running ones yield at their next checkpoint.', () => {
    progress.paused = true;
    return 'no run starts, and running ones yield at their next checkpoint';
  });
  handle('resume', 'Runs start, and go on from their checkpoints.', () => {
    progress.paused = false;
    return 'runs start, and go on from their checkpoints';
  });
  handle('approve', 'The verdict stands.', ({ by, reason }, at) => {
    progress.approval = { state: 'approved', by, at, reason };
    return 'the verdict stands';
  });
  handle('reject', 'Nothing is shipped, whatever the verdict.', ({ by, reason }, at) => {
    progress.approval = { state: 'rejected', by, at, reason };
    return 'nothing is shipped, whatever the verdict';
  });
  handle(
    'stopVariant',
    'Ends the runs of a candidate; the others go on.',
    ({ variant }) => `the runs of ${variant} end, and it is not compared`,
    (entry, { variant }) => void stopped.set(variant, entry),
  );
  handle('addSeeds', 'Trains every variant under these seeds as well.', ({ seeds }) => {
    added.push(...seeds);
    return `every variant is trained under ${seeds.length === 1 ? 'seed' : 'seeds'} ${seeds.join(', ')} as well`;
  });
  handle('changePriority', 'Class of service of leases not yet granted.', (input) => {
    qos = input.qos;
    return `leases not yet granted are of class ${input.qos}`;
  });

  const steered: Steered = {
    // Where nothing is trained there is no seed to add.
    seeds: (registered) => [...registered.seeds, ...added],
    qos: (registered) => qos ?? registered.resources.qos,
    stopped: (variant) => stopped.get(variant),
    plan: (registered) => ({
      ...registered.plan,
      seeds: [...registered.plan.seeds, ...added],
      ...(added.length > 0 ? { addedSeeds: [...added] } : {}),
      ...(stopped.size > 0 ? { stopped: [...stopped.keys()] } : {}),
    }),
  };
  return steered;

  function handle<A extends SteeringAction>(
    action: A,
    description: string,
    act: (input: SteeringInputs[A], at: string) => string,
    recorded: (entry: AuditEntry, input: SteeringInputs[A]) => void = () => undefined,
  ): void {
    setHandler(
      steering[action] as UpdateDefinition<AuditEntry, [SteeringInputs[A]]>,
      (input: SteeringInputs[A]) => {
        const at = new Date().toISOString();
        const entry: AuditEntry = { at, action, by: input.by, reason: input.reason, detail: act(input, at) };
        recorded(entry, input);
        progress.audit.push(entry);
        changed();
        return entry;
      },
      {
        description,
        validator: (input: SteeringInputs[A]) => {
          const refused = refusal({ ...input, action } as unknown as SteeringCommand, standing());
          if (refused !== null) throw ApplicationFailure.nonRetryable(refused.message, refused.type);
        },
      },
    );
  }

  function standing(): Standing {
    const registered = plan();
    return {
      progress,
      plan: registered,
      audit: progress.audit,
      approval: progress.approval ?? null,
      measuring: measuring(),
      seeds: registered === null ? [] : steered.seeds(registered),
      stopped,
      qos: registered === null ? null : steered.qos(registered),
    };
  }
}
