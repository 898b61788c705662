import {
  type Trigger,
  type TriggerAnswer,
  type TriggeredExperiment,
  type TriggeredOutcome,
  type TriggersCarried,
  type TriggersSettings,
  bytesOf,
  ids,
  triggerLimits,
  triggerProblem,
} from '../contract';
import { cutTo } from '../contract/describe';

/** The queue as plain data and the rules by which triggers become experiments. */
export class TriggersQueue {
  settings: TriggersSettings;
  readonly carried: TriggersCarried;

  constructor(settings: TriggersSettings, carried: TriggersCarried | null) {
    this.settings = settings;
    this.carried = carried ?? { queue: [], current: null, last: [], keys: [], accepted: 0, refused: 0 };
  }

  /** Why a trigger is not taken; null where it is. */
  problem(trigger: Trigger): { type: 'SpecInvalid' | 'Conflict'; message: string } | null {
    const wrong = triggerProblem(trigger);
    if (wrong !== null) return { type: 'SpecInvalid', message: wrong };
    if (this.#known(trigger) !== null) return null;
    const { queue } = this.carried;
    const waiting = queue.reduce((sum, { triggers }) => sum + triggers, 0);
    if (this.#open() === null && waiting >= triggerLimits.waiting) return full(`${waiting} triggers wait`);
    // All of it has to fit into the history that comes next.
    return bytesOf(queue) + bytesOf(trigger) > triggerLimits.queueBytes ? full(`${waiting} triggers with long texts wait`) : null;
  }

  /** The experiment that the trigger gets; `random` is injected. */
  take(trigger: Trigger, now: Date, random: () => string): TriggerAnswer {
    const known = this.#known(trigger);
    if (known !== null) return { experimentId: known, before: this.#before(known), joined: true };
    this.carried.accepted += 1;
    const { by, reason, set = {}, key } = trigger;
    const at = now.toISOString();
    const open = this.#open();
    if (open !== null) {
      const keys = key === undefined ? open.keys : [...open.keys, key].slice(-triggerLimits.keysOfOne);
      Object.assign(open, { by, reason, set, keys, triggers: open.triggers + 1, until: at });
      return { experimentId: open.experimentId, before: this.#before(open.experimentId), joined: true };
    }
    const experimentId = ids.experiment(this.settings.experiment, now, random());
    const keys = key === undefined ? [] : [key];
    this.carried.queue.push({ experimentId, by, reason, set, keys, triggers: 1, since: at, until: at });
    return { experimentId, before: this.#before(experimentId), joined: false };
  }

  /** When the next experiment may begin, milliseconds since 1970; null where none waits. */
  due(): number | null {
    const [next] = this.carried.queue;
    if (next === undefined) return null;
    const quiet = this.settings.policy === 'latest' ? this.settings.quietSeconds * 1000 : 0;
    return Math.min(Date.parse(next.until) + quiet, Date.parse(next.since) + 10 * quiet);
  }

  begin(): TriggeredExperiment | null {
    this.carried.current = this.carried.queue.shift() ?? null;
    return this.carried.current;
  }

  end(outcome: TriggeredOutcome): void {
    const { current, last, keys } = this.carried;
    if (current !== null) {
      keys.push(...current.keys.map((key): [string, string] => [key, current.experimentId]));
      keys.splice(0, Math.max(0, keys.length - triggerLimits.keys));
    }
    this.carried.current = null;
    last.push({ ...outcome, sentence: cutTo(outcome.sentence, triggerLimits.sentenceBytes) });
    last.splice(0, Math.max(0, last.length - triggerLimits.last));
  }

  /** With `latest`, the one that what comes now joins. */
  #open(): TriggeredExperiment | null {
    return this.settings.policy === 'latest' ? (this.carried.queue.at(-1) ?? null) : null;
  }

  #known({ key }: Trigger): string | null {
    if (key === undefined) return null;
    const { queue, current, keys } = this.carried;
    const open = [...(current === null ? [] : [current]), ...queue].find((each) => each.keys.includes(key));
    return open?.experimentId ?? keys.findLast(([known]) => known === key)?.[1] ?? null;
  }

  #before(experimentId: string): number {
    const { queue, current } = this.carried;
    const index = queue.findIndex((each) => each.experimentId === experimentId);
    return index < 0 ? 0 : index + (current === null ? 0 : 1);
  }
}

const full = (what: string) => ({ type: 'Conflict' as const, message: `the queue is full: ${what}; ask again when some have run` });
