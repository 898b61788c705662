import { SearchAttributeType, TypedSearchAttributes, defineSearchAttributeKey } from '@temporalio/common';
import type { ResolvedSpec, TaskPriority } from '../contract';
import { cutTo, plain, summaryText, tableOf } from '../contract/describe';

/** What people find an experiment by and read first; `details` is Markdown. */
export interface Summary {
  name: string;
  hypothesis: string | null;
  owner?: string | null;
  details?: string;
  /** Its place in queues; Temporal's default where it is absent. */
  priority?: TaskPriority;
}

/** Of a spec: its question and what is compared, as the Temporal UI shows it beside the current details. */
export function aboutSpec({ name, hypothesis, owner, data, training, variants, analysis, runtime }: ResolvedSpec): Summary {
  const { primary, test, margin } = analysis;
  const rows = [
    ['compared', variants.map((variant) => `${plain(variant.name)}${variant.control ? ' (control)' : ''}`).join(', ')],
    ['seeds', training.seeds.join(', ')],
    ['decided by', `${plain(primary)}, ${test}${Number.parseFloat(String(margin)) === 0 ? '' : `, margin ${plain(String(margin))}`}`],
    ['data', plain(data.source)],
    ['runs by', `${runtime.executor}, ${runtime.gpus === 0 ? 'no device' : `${runtime.gpus} devices a run`}, ${runtime.qos}`],
    ...(owner === undefined ? [] : [['owner', plain(owner)]]),
  ];
  const details = [...(hypothesis === undefined ? [] : [plain(hypothesis), '']), ...tableOf(['', ''], rows)].join('\n');
  return { name, hypothesis: hypothesis ?? null, owner: owner ?? null, details: cutTo(details, detailsBytes) };
}

/** What a start says of the experiment besides its input. */
export function statics(experimentId: string, { name, hypothesis, owner, details, priority }: Summary) {
  return {
    staticSummary: summaryText(hypothesis ?? name),
    ...(details === undefined ? {} : { staticDetails: details }),
    ...(priority === undefined ? {} : { priority }),
    typedSearchAttributes: new TypedSearchAttributes([
      { key: keyword('AssayExperiment'), value: experimentId },
      { key: keyword('AssayName'), value: name },
      ...(owner ? [{ key: keyword('AssayOwner'), value: owner }] : []),
    ]),
  };
}

const keyword = (name: string) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);

/** Servers refuse more than 20,000 bytes. */
const detailsBytes = 8000;
