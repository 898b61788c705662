import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import { type Trigger, type TriggerAnswer, type TriggersSettings, type TriggersState, triggersNames } from '../contract';

/** Asks for an experiment without waiting; what is refused is counted. */
export const trigger = defineSignal<[Trigger]>(triggersNames.trigger);
/** Asks for an experiment and answers with its id. */
export const submit = defineUpdate<TriggerAnswer, [Trigger]>(triggersNames.submit);
export const configure = defineSignal<[TriggersSettings]>(triggersNames.configure);
export const triggersState = defineQuery<TriggersState>(triggersNames.state);
