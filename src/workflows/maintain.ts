import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import { type MaintainActivities, type MaintainInput, type MaintainOutput, queues } from '../contract';

/** Keeps the store sound and small: every object hashed again and repaired, then what nothing reaches marked, and later deleted. */
export async function maintain({ graceSeconds }: MaintainInput): Promise<MaintainOutput> {
  setCurrentDetails('**hashing every object again**');
  // First, so that gc walks records that were just repaired.
  const scrub = await activities('hash every object again').scrubStore({});
  setCurrentDetails([scrub.sentence, '', '**looking for what nothing reaches**'].join('\n'));
  const gc = await activities('collect garbage').collectGarbage({ graceSeconds });
  setCurrentDetails(table(scrub, gc));
  return { scrub, gc };
}

const activities = (summary: string): MaintainActivities =>
  proxyActivities<MaintainActivities>({
    taskQueue: queues.analysis,
    startToCloseTimeout: '24h',
    heartbeatTimeout: '60s',
    retry: { maximumInterval: '5m', maximumAttempts: 10 },
    summary,
  });

const table = (scrub: MaintainOutput['scrub'], gc: MaintainOutput['gc']): string =>
  [
    '| | |',
    '| --- | --- |',
    `| scrub | ${scrub.sentence} |`,
    `| garbage | ${gc.sentence} |`,
    ...(scrub.lost.length > 0 ? [`| lost | ${scrub.lost.join(', ')} |`] : []),
  ].join('\n');
