import type { TriggeredExperiment, TriggersState } from '../contract';
import { cutTo, plain, tableOf } from '../contract/describe';

/** The Markdown that the Temporal UI shows as the current details of a queue. */
export function triggersDetails({ policy, quietSeconds, current, queue, last, refused }: TriggersState): string {
  const what = policy === 'each' ? 'one experiment a trigger' : `triggers within ${quietSeconds} s, or while one runs, are one experiment`;
  const line = ({ experimentId, by, reason, triggers }: TriggeredExperiment): string[] => [
    experimentId,
    plain(by),
    plain(reason),
    String(triggers),
  ];
  return cutTo(
    [
      current === null ? (queue.length === 0 ? '**waiting for a trigger**' : '**about to begin**') : `**running** ${current.experimentId}`,
      '',
      `${what}; ${queue.length} wait${refused === 0 ? '' : `, ${refused} triggers were refused`}`,
      '',
      ...tableOf(['next', 'by', 'reason', 'triggers'], [...(current === null ? [] : [current]), ...queue.slice(0, shown)].map(line)),
      '',
      ...tableOf(
        ['ended', 'when', 'how', ''],
        last
          .toReversed()
          .map(({ experimentId, at, status, verdict, sentence }) => [
            ...[experimentId, at.slice(0, 16).replace('T', ' '), verdict ?? status, plain(sentence)],
          ]),
      ),
    ].join('\n'),
    detailsBytes,
  );
}

const shown = 20;
const detailsBytes = 16_000;
