import type { Result } from '../../contract';
import type { Html } from '../html';
import { auditOf, steeringTitle } from '../steeringWords';
import { section, table } from './parts';

/** Who paused, stopped, added or decided what, when and why; null where nobody did. */
export function steeringSection(result: Result): Html | null {
  const entries = auditOf(result);
  if (entries.length === 0) return null;
  return section(
    'steering',
    steeringTitle,
    table(
      'steering-table',
      'In the order in which it was done, by the clock of the workflow',
      [{ head: 'When' }, { head: 'Who' }, { head: 'What' }, { head: 'Why' }],
      entries.map(({ entry, when, did }) => [when, entry.by, did, entry.reason === '' ? '–' : entry.reason]),
    ),
  );
}
