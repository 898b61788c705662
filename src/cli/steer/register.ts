import { Argument, type Command } from 'commander';
import { type Qos, qosClasses } from '../../contract';
import { json, wholes } from '../options';
import type { Asked, SteerOptions } from './steer';

/** Commands that change a running experiment; each is an update of its workflow, and stands in the result's audit trail. */
export function registerSteer(program: Command): void {
  const command = (name: string, description: string, ...more: Argument[]): Command => {
    const made = program.command(name).description(description).argument('<id>', 'the experiment, or the start of its id');
    for (const argument of more) made.addArgument(argument);
    return made.option('--reason <text>', 'why; the report says it', '').addOption(json);
  };
  const ask = async (id: string, asked: Asked, options: SteerOptions): Promise<void> =>
    (await import('./steer.js')).steerExperiment(id, asked, options);

  command('pause', 'no run starts; running ones write a checkpoint and give their place back').action((id: string, options: SteerOptions) =>
    ask(id, { action: 'pause' }, options),
  );
  command('resume', 'let a paused experiment go on').action((id: string, options: SteerOptions) => ask(id, { action: 'resume' }, options));
  command('approve', 'let a verdict stand that waits for a person (decision.approval)').action((id: string, options: SteerOptions) =>
    ask(id, { action: 'approve' }, options),
  );
  command('reject', 'ship nothing, whatever the verdict that waits for a person; needs --reason').action(
    (id: string, options: SteerOptions) => ask(id, { action: 'reject' }, options),
  );
  command('stop-variant', 'end the runs of one candidate, while the others go on; needs --reason', new Argument('<variant>')).action(
    (id: string, variant: string, options: SteerOptions) => ask(id, { action: 'stopVariant', variant }, options),
  );
  command(
    'add-seeds',
    'train every variant under these seeds as well, until the analysis begins',
    new Argument('<seeds>', 'comma separated, e.g. 6,7,8').argParser(wholes),
  ).action((id: string, seeds: number[], options: SteerOptions) => ask(id, { action: 'addSeeds', seeds }, options));
  command(
    'priority',
    'class of service of the places that its runs wait for from now on',
    new Argument('<class>').choices(qosClasses),
  ).action((id: string, qos: Qos, options: SteerOptions) => ask(id, { action: 'changePriority', qos }, options));
}
