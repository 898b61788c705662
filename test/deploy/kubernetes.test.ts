// deploy/kubernetes, rendered by kustomize and held to Kubernetes' own schemas; kinds of others to a list of fields of ours.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { settings } from '../../workers/settings';
import { check, deploy, yamlFile } from './tools';

interface Container {
  name: string;
  image: string;
  args?: string[];
  env?: { name: string; value?: string }[];
  envFrom?: { configMapRef: { name: string } }[];
  ports?: { name: string; containerPort: number }[];
  resources: { limits: Record<string, string> };
  securityContext: object;
  startupProbe?: object;
  livenessProbe?: object;
  readinessProbe?: object;
  volumeMounts: { name: string }[];
}
interface Pod {
  metadata: { labels: Record<string, string> };
  spec: {
    terminationGracePeriodSeconds: number;
    securityContext: object;
    containers: Container[];
    volumes: { name: string }[];
    nodeSelector?: object;
  };
}
interface Thing {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  // oxlint-disable-next-line typescript/no-explicit-any -- each kind has a form of its own.
  spec: any;
  data?: Record<string, string>;
}

const overlays = ['small', 'gpu'] as const;
const rendered = new Map<string, { text: string; things: Thing[] }>();
function render(overlay: string): { text: string; things: Thing[] } {
  const text = rendered.get(overlay)?.text ?? check('KUSTOMIZE', ['build', deploy('kubernetes', 'overlays', overlay)]);
  const made = rendered.get(overlay) ?? { text, things: parseAllDocuments(text).map((document) => document.toJS() as Thing) };
  rendered.set(overlay, made);
  return made;
}
const of = (overlay: string, kind: string): Thing[] => render(overlay).things.filter((thing) => thing.kind === kind);
const pools = (overlay: string): (Thing & { spec: { template: Pod } })[] => [...of(overlay, 'Deployment'), ...of(overlay, 'StatefulSet')];

const versions = ['1.31', '1.34', '1.37'];

test.each(overlays)(
  'overlay %s is what the schemas of three versions of Kubernetes take, strictly',
  (overlay) => {
    const folder = mkdtempSync(join(tmpdir(), 'assay-kubernetes-'));
    try {
      const file = join(folder, `${overlay}.yaml`);
      writeFileSync(file, render(overlay).text);
      const told = check('KUBERNETES_VALIDATE', ['--strict', ...versions.flatMap((version) => ['-k', version]), file]);
      const unknown = [...told.matchAll(/Couldn't find schema for kind (\w+)/g)].map(([, kind]) => kind);
      expect(new Set(unknown)).toEqual(new Set(overlay === 'gpu' ? ['PodMonitor', 'ScaledObject', 'TriggerAuthentication'] : []));
      const own = render(overlay).things.filter(({ apiVersion }) => !/keda|coreos/.test(apiVersion));
      expect(told.match(/ passed for resource /g)).toHaveLength(own.length * versions.length);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  120_000,
);

test.each(overlays)('pods of overlay %s are nobody, bounded, probed, and mount what there is', (overlay) => {
  expect(pools(overlay)).toHaveLength(4);
  for (const { metadata, spec } of pools(overlay)) {
    const { spec: pod } = spec.template;
    const container = pod.containers[0] as Container;
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 10001, seccompProfile: { type: 'RuntimeDefault' } });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect([metadata.name, container.resources.limits.memory]).toEqual([metadata.name, expect.stringMatching(/Gi$/)]);
    const port = container.ports?.[0]?.name;
    expect(container.livenessProbe).toMatchObject({ httpGet: { path: '/healthz', port } });
    expect(container.startupProbe).toBeDefined();
    if (metadata.name === 'assay-api') expect(container.readinessProbe).toMatchObject({ httpGet: { path: '/readyz', port } });
    const claimed = ((spec.volumeClaimTemplates ?? []) as Thing[]).map(({ metadata: { name } }) => name);
    const volumes = [...pod.volumes.map(({ name }: { name: string }) => name), ...claimed];
    expect(new Set(volumes)).toEqual(new Set(container.volumeMounts.map(({ name }) => name)));
    expect(container.image).toMatch(/^registry\.example\/assay(?:-gpu)?:\d/);
  }
});

test.each(overlays)('a pod of overlay %s is given longer than its grace', (overlay) => {
  for (const { metadata, spec } of pools(overlay)) {
    const container = spec.template.spec.containers[0] as Container;
    const given = of(overlay, 'ConfigMap').find(({ metadata: { name } }) => name === container.envFrom?.[0]?.configMapRef.name)?.data ?? {};
    const own = Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value ?? metadata.name]));
    const { graceSeconds, home, host, slots } = settings({ ...given, ...own });
    expect(home).toBe('/var/lib/assay');
    expect(spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThan(graceSeconds + 15);
    if (metadata.name === 'assay-gpu') expect([host, slots]).toEqual(['assay-gpu', overlay === 'gpu' ? 8 : 2]);
  }
});

test.each(overlays)('a budget of overlay %s covers each pool, and lets a node be drained', (overlay) => {
  const replicas = new Map(pools(overlay).map(({ metadata, spec }) => [metadata.name, spec.replicas as number]));
  const budgets = of(overlay, 'PodDisruptionBudget');
  expect(budgets.map(({ metadata }) => metadata.name).sort()).toEqual([...replicas.keys()].sort());
  for (const { metadata, spec } of budgets) {
    expect([metadata.name, spec.maxUnavailable === 1 || spec.minAvailable < (replicas.get(metadata.name) ?? 0)]).toEqual([
      metadata.name,
      true,
    ]);
    expect(spec.selector.matchLabels['app.kubernetes.io/component']).toBe(metadata.name.replace('assay-', ''));
  }
});

test('the GPU overlay has devices, TLS in every pod and in the job, and the API asked over HTTPS', () => {
  const gpu = pools('gpu').find(({ metadata }) => metadata.name === 'assay-gpu');
  expect(gpu?.spec.template.spec.containers[0]?.resources.limits['nvidia.com/gpu']).toBe('8');
  expect(gpu?.spec.template.spec.nodeSelector).toEqual({ 'nvidia.com/gpu.present': 'true' });
  for (const { spec } of [...pools('gpu'), ...of('gpu', 'Job')]) {
    expect(spec.template.spec.containers[0].volumeMounts).toContainEqual({ name: 'tls', mountPath: '/etc/assay/tls', readOnly: true });
  }
  const api = pools('gpu').find(({ metadata }) => metadata.name === 'assay-api')?.spec.template.spec.containers[0];
  for (const probe of [api?.livenessProbe, api?.readinessProbe, api?.startupProbe])
    expect(probe).toMatchObject({ httpGet: { scheme: 'HTTPS' } });
});

test('what scales is there, and by triggers with the fields that KEDA 2.17 documents', () => {
  const fields: Record<string, string[]> = {
    temporal: [
      'endpoint',
      'namespace',
      'taskQueue',
      'queueTypes',
      'targetQueueSize',
      'activationTargetQueueSize',
      'workerDeploymentName',
      'workerDeploymentBuildId',
    ],
    prometheus: ['serverAddress', 'query', 'threshold', 'activationThreshold'],
  };
  const spec = ['scaleTargetRef', 'minReplicaCount', 'maxReplicaCount', 'pollingInterval', 'cooldownPeriod', 'advanced', 'triggers'];
  const authentications = of('gpu', 'TriggerAuthentication').map(({ metadata }) => metadata.name);
  const targets = new Map(pools('gpu').map(({ kind, metadata }) => [metadata.name, kind]));
  expect(of('gpu', 'ScaledObject')).toHaveLength(3);
  for (const { apiVersion, spec: scaled } of of('gpu', 'ScaledObject')) {
    expect(apiVersion).toBe('keda.sh/v1alpha1');
    for (const key of Object.keys(scaled)) expect(spec).toContain(key);
    expect(targets.get(scaled.scaleTargetRef.name)).toBe(scaled.scaleTargetRef.kind);
    expect(scaled.minReplicaCount).toBeGreaterThan(0);
    expect(scaled.maxReplicaCount).toBeGreaterThan(scaled.minReplicaCount);
    for (const { type, metadata, authenticationRef } of scaled.triggers) {
      for (const [key, value] of Object.entries(metadata))
        expect([type, fields[type]?.includes(key), typeof value]).toEqual([type, true, 'string']);
      if (authenticationRef) expect(authentications).toContain(authenticationRef.name);
      if (type === 'temporal') expect(['assay-control', 'assay-analysis']).toContain(metadata.taskQueue);
    }
  }
});

test('monitors name the jobs that the rules ask for, at ports that the pods have', () => {
  const ports = new Set(
    pools('gpu').flatMap(({ spec }) => (spec.template.spec.containers[0]?.ports ?? []).map(({ name }: { name: string }) => name)),
  );
  const jobs = of('gpu', 'PodMonitor').flatMap(({ spec }) => {
    expect(Object.keys(spec).sort()).toEqual(['podMetricsEndpoints', 'selector']);
    expect(ports).toContain(spec.podMetricsEndpoints[0].port);
    return spec.podMetricsEndpoints[0].relabelings.map(({ replacement }: { replacement: string }) => replacement);
  });
  expect(jobs).toEqual(expect.arrayContaining(['assay-$1', 'assay-api']));
  const scraped = yamlFile(deploy('prometheus', 'prometheus.yml')).scrape_configs.map(({ job_name }: { job_name: string }) => job_name);
  for (const { spec } of pools('gpu')) expect(scraped).toContain(`assay-${spec.template.metadata.labels['app.kubernetes.io/component']}`);
});
