import type { Content, ExperimentRecord, ProvenanceObject, Result, RunRecord, Snapshot } from '../../contract';
import { canonicalJson } from '../../store';
import { runFolder } from './list';

/** Two places that tell the same thing, and tell it differently. */
export interface Disagreement {
  name: string;
  detail: string;
}

/** What was read of an experiment; null what could not be. */
export interface Read {
  record: ExperimentRecord;
  result: Result;
  provenance: ProvenanceObject | null;
  snapshot: Snapshot | null;
  /** By the folder of the run; none for results that do not list them. */
  runs: ReadonlyMap<string, RunRecord>;
}

/** Every digest of a sound object can be right, and the record still be put together from two experiments. */
export function disagreements({ record, result, provenance, snapshot, runs }: Read): Disagreement[] {
  const found: Disagreement[] = [];
  const same = (name: string, one: [place: string, value: unknown], other: [place: string, value: unknown]): void => {
    if (text(one[1]) !== text(other[1]))
      found.push({ name, detail: `${one[0]} says ${short(one[1])}, ${other[0]} says ${short(other[1])}` });
  };
  same('experiment', ['the result', result.experiment], ['the record', record.experimentId]);
  same('name', ['the result', result.name], ['the record', record.name]);
  same('owner', ['the result', result.owner], ['the record', record.owner]);
  same('workflow', ['the result', result.workflow.id], ['the record', record.workflow.id]);
  same('verdict', ['the result', result.verdict], ['the record', record.verdict]);
  same('approval', ['the result', result.approval ?? null], ['the record', record.approval ?? null]);
  same('spec.json', ['the provenance in the result', result.provenance.spec], ['the record', record.spec.digest]);
  if (provenance !== null) {
    const { source: _, ...told } = provenance;
    same('provenance.json', ['the result', result.provenance], ['the provenance', told]);
  }
  // Results of the first version named the snapshot by its record and had no name of the data.
  const { digest, record: snapshotRecord = null } = result.snapshot as { digest: string; record?: string };
  same('snapshot', ['the result', snapshotRecord ?? digest], ['the record', record.snapshot?.digest ?? null]);
  if (snapshot !== null && snapshotRecord !== null) same('snapshot/data', ['the result', digest], ['the snapshot', snapshot.data.digest]);

  const listed = result.contents === undefined ? null : new Map(result.contents.map((content) => [content.name, content]));
  const lists = (name: string, [place, digest]: [string, string | null | undefined]): void => {
    if (listed !== null && digest != null) same(name, ['the list in the result', digestOf(listed, name)], [place, digest]);
  };
  lists('spec.json', ['the record', record.spec.digest]);
  lists('provenance.json', ['the record', record.provenance.digest]);
  lists('code', ['the record', record.code?.digest]);
  lists('snapshot', ['the record', record.snapshot?.digest]);
  for (const { name: variant, runs: results } of result.variants)
    for (const run of results) {
      const folder = runFolder({ variant, seed: run.seed });
      for (const [artifact, ref] of Object.entries(run.artifacts))
        lists(`${folder}/${artifactNames[artifact] ?? artifact}`, ['the run', ref?.digest]);
      const own = runs.get(folder);
      if (own === undefined) continue;
      same(
        `${folder}/record.json`,
        ['its experiment', own.key],
        ['the result', { experimentId: record.experimentId, variant, seed: run.seed }],
      );
      same(`${folder}/record.json`, ['its artifacts', own.artifacts], ['the result', run.artifacts]);
      same(`${folder}/record.json`, ['its image', own.image?.repoDigest ?? own.image?.id ?? null], ['the result', run.image]);
    }
  return found;
}

const artifactNames: Record<string, string> = {
  events: 'events.jsonl',
  log: 'log.txt',
  result: 'result.json',
  telemetry: 'telemetry.jsonl',
};

const digestOf = (listed: ReadonlyMap<string, Content>, name: string): string | null => listed.get(name)?.digest ?? null;
const text = (value: unknown): string => canonicalJson(value ?? null);

function short(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  const said = typeof value === 'string' ? value : canonicalJson(value);
  return said.length > 160 ? `${said.slice(0, 157)}...` : said;
}
