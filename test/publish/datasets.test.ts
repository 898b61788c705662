// Proves: what other systems are told of a snapshot has the form that they ask for, and the numbers of the data.
import { join } from 'node:path';
import type { Provenance, SnapshotRecord, TableProfile } from '../../src/contract';
import { findSnapshot, snapshotData } from '../../src/data';
import { mlflowDataset, openLineageDataset } from '../../src/publish';
import { room } from '../data/helpers';
import { removeTemporaryFolders } from '../store/helpers';

afterAll(removeTemporaryFolders);

type Published = Parameters<typeof openLineageDataset>[0];
type Facet = Record<string, unknown> & { _producer: string; _schemaURL: string };

let table: Published;
let folder: Published;

beforeAll(async () => {
  const at = room();
  at.write('rows.csv', 'id,label,x,day\nr1,a,1.5,2025-01-01\nr2,b,,2025-01-02\nr3,a,4.5,2025-01-03\nr4,a,-1,2025-01-04\n');
  at.write('files/one.bin', Buffer.from([0, 1]));
  at.write('files/two.bin', Buffer.from([2]));
  const taken = async (source: string): Promise<Published> => {
    const work = { workDir: join(at.root, 'work'), indexDir: join(at.root, 'index') };
    const { digest } = await snapshotData({ source, root: at.root, store: at.store, provenance: null, ...work });
    const { record } = await findSnapshot(at.store, digest);
    const profile = record.profile === null ? null : await at.store.getJson<TableProfile>(record.profile);
    return { digest, record, profile, provenance, store: `${at.store.url},s3://bucket/other` };
  };
  table = await taken('rows.csv');
  folder = await taken('files');
});

describe('OpenLineage', () => {
  // Of the facet schemas in openlineage.io/spec/facets: what each needs, and the kinds of what may stand in it.
  const needed: Record<string, string[]> = {
    DatasetVersionDatasetFacet: ['datasetVersion'],
    DatasourceDatasetFacet: ['name', 'uri'],
    StorageDatasetFacet: ['storageLayer', 'fileFormat'],
    SchemaDatasetFacet: ['fields'],
    OwnershipDatasetFacet: ['owners'],
    DataQualityMetricsInputDatasetFacet: ['rowCount', 'bytes', 'fileCount', 'columnMetrics'],
  };
  const keys: Record<string, string> = {
    ...{ version: 'DatasetVersionDatasetFacet', dataSource: 'DatasourceDatasetFacet', storage: 'StorageDatasetFacet' },
    ...{ schema: 'SchemaDatasetFacet', ownership: 'OwnershipDatasetFacet', dataQualityMetrics: 'DataQualityMetricsInputDatasetFacet' },
  };
  const facetsOf = (published: Published): Record<string, Facet> => {
    const { facets, inputFacets } = openLineageDataset(published) as Record<'facets' | 'inputFacets', Record<string, Facet>>;
    return { ...facets, ...inputFacets };
  };

  it('gets facets with the keys that their schemas ask for, each naming its schema and producer', () => {
    const facets = facetsOf(table);
    expect(Object.keys(facets).sort()).toEqual(Object.keys(keys).sort());
    for (const [key, facet] of Object.entries(facets)) {
      const name = keys[key] ?? '';
      expect(facet._schemaURL).toMatch(new RegExp(`^https://openlineage\\.io/spec/facets/\\d+-\\d+-\\d+/${name}\\.json#/\\$defs/${name}$`));
      expect(URL.canParse(facet._producer)).toBe(true);
      expect(Object.keys(facet).sort()).toEqual(['_producer', '_schemaURL', ...(needed[name] ?? [])].sort());
    }
  });

  it('gets the version, the columns, the owner and the place', () => {
    const facets = facetsOf(table);
    expect(openLineageDataset(table)).toMatchObject({ namespace: 'file', name: 'rows.csv' });
    expect(facets.version?.datasetVersion).toBe(table.digest);
    expect(facets.dataSource?.uri).toBe(`${table.store.split(',')[0]}#${table.digest}`);
    expect(URL.canParse(String(facets.dataSource?.uri))).toBe(true);
    expect(facets.storage).toMatchObject({ fileFormat: 'csv' });
    expect(facets.schema?.fields).toEqual([
      { name: 'id', type: 'category' },
      { name: 'label', type: 'category' },
      { name: 'x', type: 'number' },
      { name: 'day', type: 'time' },
    ]);
    expect(facets.ownership?.owners).toEqual([{ name: 'ada', type: 'CREATOR' }]);
  });

  it('gets the quality of each column as numbers', () => {
    const metrics = facetsOf(table).dataQualityMetrics;
    expect(metrics).toMatchObject({ rowCount: 4, fileCount: 1, bytes: table.record.bytes });
    const columns = metrics?.columnMetrics as Record<string, Record<string, unknown>>;
    expect(Object.keys(columns)).toEqual(['id', 'label', 'x', 'day']);
    expect(columns.label).toEqual({ nullCount: 0, distinctCount: 2, count: 4 });
    expect(columns.x).toEqual({
      ...{ nullCount: 1, distinctCount: 3, count: 3, min: -1, max: 4.5, sum: 5 },
      quantiles: { 0.1: -1, 0.25: 1.5, 0.5: 1.5, 0.75: 4.5, 0.9: 4.5 },
    });
    for (const { quantiles = {}, ...column } of Object.values(columns))
      for (const value of [...Object.values(column), ...Object.values(quantiles as object)]) expect(value).toEqual(expect.any(Number));
  });

  it('gets files of no table without columns, and an unnamed user without an owner', () => {
    const facets = facetsOf({ ...folder, provenance: { ...provenance, user: null } });
    expect(Object.keys(facets).sort()).toEqual(['dataSource', 'storage', 'version']);
    expect(facets.storage?.fileFormat).toBe('files');
  });

  it('gets names by its own rules: the bucket, or the kind of source, is the namespace', () => {
    const named = (source: string) => openLineageDataset(from(source));
    expect(named('s3://bucket/a/b.csv')).toMatchObject({ namespace: 's3://bucket', name: 'a/b.csv' });
    expect(named('s3://bucket')).toMatchObject({ namespace: 's3://bucket', name: '/' });
    expect(named('builtin:digits')).toMatchObject({ namespace: 'builtin', name: 'digits' });
    expect(named('/srv/data.csv')).toMatchObject({ namespace: 'file', name: '/srv/data.csv' });
  });
});

describe('MLflow', () => {
  interface Input {
    tags: { key: string; value: string }[];
    dataset: Record<string, string>;
  }
  const input = (published: Published): Input => mlflowDataset(published) as unknown as Input;

  it('gets a dataset input as runs/log-inputs takes it: texts within its bounds', () => {
    const { tags, dataset } = input(table);
    expect(tags).toEqual([{ key: 'mlflow.data.context', value: 'training' }]);
    expect(Object.keys(dataset).sort()).toEqual(['digest', 'name', 'profile', 'schema', 'source', 'source_type']);
    for (const text of Object.values(dataset)) expect(text).toEqual(expect.any(String));
    expect(dataset.digest).toBe(table.digest.slice('sha256:'.length, 'sha256:'.length + 36));
    expect(dataset).toMatchObject({ name: 'rows.csv', source_type: 'local' });
  });

  it('gets what leads back to the snapshot, its columns and its size', () => {
    const { dataset } = input(table);
    expect(JSON.parse(dataset.source ?? '')).toEqual({ uri: 'rows.csv', snapshot: table.digest, store: table.store.split(',')[0] });
    expect(JSON.parse(dataset.schema ?? '')).toEqual({
      mlflow_colspec: [
        { type: 'string', name: 'id', required: true },
        { type: 'string', name: 'label', required: true },
        { type: 'double', name: 'x', required: false },
        { type: 'datetime', name: 'day', required: true },
      ],
    });
    expect(JSON.parse(dataset.profile ?? '')).toEqual({ num_rows: 4, num_files: 1, num_bytes: table.record.bytes });
  });

  it('gets files of no table without columns', () => {
    const { dataset } = input(folder);
    expect(dataset).not.toHaveProperty('schema');
    expect(JSON.parse(dataset.profile ?? '')).toEqual({ num_rows: null, num_files: 2, num_bytes: 3 });
  });
});

const from = (source: string): Published => ({ ...table, record: { ...table.record, source } satisfies SnapshotRecord });

const provenance: Provenance = {
  assay: '1.0.0',
  git: { commit: null, dirty: false, remote: null, diff: null },
  dvc: null,
  spec: '',
  host: 'host-a',
  user: 'ada',
  command: ['assay', 'snapshot', 'create', 'rows.csv'],
  environment: { node: process.version, platform: 'linux x64' },
};
