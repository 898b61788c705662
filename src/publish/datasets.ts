import type { ColumnProfile, Provenance, SnapshotRecord, TableProfile } from '../contract';

/** What is published of one snapshot. */
export interface PublishedSnapshot {
  digest: string;
  record: SnapshotRecord;
  profile: TableProfile | null;
  provenance: Provenance | null;
  /** The store that has it, as in ASSAY_STORE. */
  store: string;
}

const producer = 'https://github.com/assay';
const facet = (name: string, version: string): { _producer: string; _schemaURL: string } => ({
  _producer: producer,
  _schemaURL: `https://openlineage.io/spec/facets/${version}/${name}.json#/$defs/${name}`,
});

/** An `InputDataset` of OpenLineage 1.x with its schema, version, source, ownership and data quality facets. */
export function openLineageDataset({ digest, record, profile, provenance, store }: PublishedSnapshot): Record<string, unknown> {
  const { namespace, name } = named(record.source);
  return {
    namespace,
    name,
    facets: {
      version: { ...facet('DatasetVersionDatasetFacet', '1-0-1'), datasetVersion: digest },
      dataSource: { ...facet('DatasourceDatasetFacet', '1-0-1'), name: 'assay', uri: `${store.split(',')[0]}#${digest}` },
      storage: { ...facet('StorageDatasetFacet', '1-0-1'), storageLayer: 'assay', fileFormat: record.format ?? 'files' },
      ...(profile === null
        ? {}
        : {
            schema: {
              ...facet('SchemaDatasetFacet', '1-1-1'),
              fields: profile.columns.map((column) => ({ name: column.name, type: column.kind })),
            },
          }),
      ...(provenance?.user == null
        ? {}
        : { ownership: { ...facet('OwnershipDatasetFacet', '1-0-1'), owners: [{ name: provenance.user, type: 'CREATOR' }] } }),
    },
    inputFacets:
      profile === null
        ? {}
        : {
            dataQualityMetrics: {
              ...facet('DataQualityMetricsInputDatasetFacet', '1-0-2'),
              rowCount: profile.rows,
              bytes: record.bytes,
              fileCount: record.files,
              columnMetrics: Object.fromEntries(profile.columns.map((column) => [column.name, quality(column)])),
            },
          },
  };
}

function quality(column: ColumnProfile): Record<string, unknown> {
  const { sample, min, max, missing, distinct, count, mean } = column;
  return {
    nullCount: missing,
    distinctCount: distinct,
    count,
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(mean === undefined ? {} : { sum: mean * count }),
    ...(sample === undefined || sample.length === 0
      ? {}
      : {
          quantiles: Object.fromEntries([0.1, 0.25, 0.5, 0.75, 0.9].map((p) => [String(p), sample[Math.round(p * (sample.length - 1))]])),
        }),
  };
}

/** A dataset as MLflow's `runs/log-inputs` takes it: digest, source, schema and profile as JSON text. */
export function mlflowDataset({ digest, record, profile, store }: PublishedSnapshot): Record<string, unknown> {
  return {
    tags: [{ key: 'mlflow.data.context', value: 'training' }],
    dataset: {
      name: named(record.source).name,
      // MLflow shows 36 characters at most.
      digest: digest.replace('sha256:', '').slice(0, 36),
      source_type: record.origin.kind,
      source: JSON.stringify({ uri: record.source, snapshot: digest, store: store.split(',')[0] }),
      ...(profile === null
        ? {}
        : {
            schema: JSON.stringify({
              mlflow_colspec: profile.columns.map(({ name, kind, missing }) => ({
                type: mlflowTypes[kind],
                name,
                required: missing === 0,
              })),
            }),
          }),
      profile: JSON.stringify({ num_rows: profile?.rows ?? null, num_files: record.files, num_bytes: record.bytes }),
    },
  };
}

const mlflowTypes = { number: 'double', category: 'string', time: 'datetime' } as const;

/** OpenLineage's naming: the bucket or `file` is the namespace, the path the name. */
export function named(source: string): { namespace: string; name: string } {
  const bucket = /^(s3:\/\/[^/]+)\/?(.*)$/.exec(source);
  if (bucket) return { namespace: bucket[1] ?? '', name: bucket[2] || '/' };
  const scheme = /^([a-z]+):(.+)$/.exec(source);
  return scheme ? { namespace: scheme[1] ?? '', name: scheme[2] ?? '' } : { namespace: 'file', name: source };
}
