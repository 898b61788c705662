// node deploy/grafana/build.mjs [--check]: writes dashboards/*.json from the tables below, one line a panel.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';

const rate = '$__rate_interval';
/** Gauges that every control worker asks the server for: the same in each. */
const max = (by, metric) => `max by (${by}) (${metric})`;
const p = (quantile, by, metric, range = rate) => `histogram_quantile(${quantile}, sum by (le, ${by}) (rate(${metric}_bucket[${range}])))`;

/** Rows of panels: [title, unit, width of 24, { legend: expression }, kind]. */
const dashboards = {
  experiments: {
    title: 'assay / Experiments',
    variables: {},
    rows: {
      Now: [
        ['Experiments under way', 'short', 4, { '': `sum(${max('stage', 'assay_experiments_open')})` }, 'stat'],
        ['Runs under way', 'short', 4, { '{{state}}': max('state', 'assay_runs_open') }, 'stat'],
        ['Finished in a day', 'short', 4, { '{{status}}': 'sum by (status) (increase(assay_experiments_finished_total[1d]))' }, 'stat'],
        ['Oldest wait', 's', 4, { '{{qos}}': max('qos', 'assay_queue_oldest_wait_seconds') }, 'stat'],
        ['Longest silence of a run', 's', 4, { '{{host}}': max('host', 'assay_run_progress_age_seconds') }, 'stat'],
        ['Schedules', 'short', 4, { '{{state}}': max('state', 'assay_schedules') }, 'stat'],
      ],
      Experiments: [
        ['By stage', 'short', 12, { '{{stage}}': max('stage', 'assay_experiments_open') }],
        ['Verdicts a day', 'short', 12, { '{{outcome}}': 'sum by (outcome) (increase(assay_verdicts_total[1d]))' }],
        ['Failures by type of error', 'short', 12, { '{{error}}': 'sum by (error) (increase(assay_experiment_failures_total[1h]))' }],
        [
          'Duration, half and 95 %',
          's',
          12,
          {
            'half {{status}}': p(0.5, 'status', 'assay_experiment_duration_seconds', '1d'),
            '95 % {{status}}': p(0.95, 'status', 'assay_experiment_duration_seconds', '1d'),
          },
        ],
        ['Time in a stage, 95 %', 's', 12, { '{{stage}}': p(0.95, 'stage', 'assay_experiment_stage_duration_seconds', '1d') }],
        ['Steps a second', 'ops', 12, { '{{host}}': `sum by (host) (rate(assay_train_steps_total[${rate}]))` }],
      ],
      'Runs that begin again': [
        ['Restarts by cause, an hour', 'short', 12, { '{{cause}}': 'assay:run_restarts:increase1h' }],
        [
          'Epochs that ended early, by type of error',
          'short',
          12,
          { '{{error}}': 'sum by (error) (increase(assay_run_epoch_failures_total[1h]))' },
        ],
        ['Silence of runs', 's', 12, { '{{host}}': max('host', 'assay_run_progress_age_seconds') }],
        ['Age of the last checkpoint', 's', 12, { '{{host}}': max('host', 'assay_run_checkpoint_age_seconds') }],
      ],
      'Series and data': [
        [
          'Runs of series, a day',
          'short',
          8,
          { '{{series}} {{status}}': 'sum by (series, status) (increase(assay_series_runs_total[1d]))' },
        ],
        [
          'Missed and skipped, a day',
          'short',
          8,
          {
            'missed {{series}}': 'sum by (series) (increase(assay_schedule_missed_runs_total[1d]))',
            'skipped {{series}}': 'sum by (series) (increase(assay_schedule_skipped_runs_total[1d]))',
          },
        ],
        ['Overdue', 's', 8, { '{{series}}': max('series', 'assay_schedule_late_seconds') }],
        ['Alarms of drift, an hour', 'short', 8, { '{{check}}': 'sum by (check) (increase(assay_drift_alarms_total[1h]))' }],
        [
          'Checks of data, an hour',
          'short',
          8,
          { '{{check}} {{status}}': 'sum by (check, status) (increase(assay_data_checks_total[1h]))' },
        ],
        ['Verdicts that turned, a day', 'short', 8, { '{{series}}': 'sum by (series) (increase(assay_series_alerts_total[1d]))' }],
      ],
    },
  },
  queues: {
    title: 'assay / Pools and queues',
    variables: {},
    rows: {
      'Who waits': [
        ['Wait for a lease, 95 % of an hour', 's', 12, { '{{owner}} {{qos}}': 'assay:queue_wait_seconds:p95_1h' }],
        ['Requests that wait', 'short', 12, { '{{owner}} {{qos}}': 'assay:queue_waiting_requests:max' }],
        ['Leases held', 'short', 12, { '{{owner}} {{qos}}': max('qos, owner', 'assay_leases_held') }],
        [
          'Quota in use',
          'percentunit',
          12,
          { '{{owner}}': `${max('owner', 'assay_quota_used_devices')} / ${max('owner', 'assay_quota_devices')}` },
        ],
      ],
      Hosts: [
        ['Reporting', 'short', 6, { '{{host}}': max('host', 'assay_host_reporting') }],
        [
          'Places in use',
          'percentunit',
          6,
          { '{{host}}': `${max('host', 'assay_host_places_used')} / ${max('host', 'assay_host_places')}` },
        ],
        ['Runs by phase', 'short', 6, { '{{host}} {{phase}}': 'sum by (host, phase) (assay_host_runs)' }],
        ['Trainers that ended, an hour', 'short', 6, { '{{result}}': 'sum by (result) (increase(assay_trainer_exits_total[1h]))' }],
      ],
      'Task queues': [
        ['Backlog', 'short', 8, { '{{queue}} {{kind}}': max('queue, kind', 'assay_task_queue_backlog_tasks') }],
        ['Age of the oldest task', 's', 8, { '{{queue}} {{kind}}': max('queue, kind', 'assay_task_queue_backlog_age_seconds') }],
        [
          'Schedule to start of activities, 99 %',
          's',
          8,
          { '{{task_queue}}': p(0.99, 'task_queue', 'temporal_activity_schedule_to_start_latency_seconds') },
        ],
        [
          'Free slots',
          'short',
          8,
          {
            '{{task_queue}} {{worker_type}}':
              'min by (task_queue, worker_type) (temporal_worker_task_slots_available{worker_type=~"WorkflowWorker|ActivityWorker"})',
          },
        ],
        ['Pollers', 'short', 8, { '{{task_queue}} {{poller_type}}': 'sum by (task_queue, poller_type) (temporal_num_pollers)' }],
        [
          'Schedule to start of workflow tasks, 99 %',
          's',
          8,
          { '{{task_queue}}': p(0.99, 'task_queue', 'temporal_workflow_task_schedule_to_start_latency_seconds') },
        ],
      ],
      Activities: [
        ['Time of an attempt, 95 %', 's', 8, { '{{activity}}': p(0.95, 'activity', 'assay_activity_duration_seconds') }],
        ['Failures', 'ops', 8, { '{{activity}} {{error}}': `sum by (activity, error) (rate(assay_activity_failures_total[${rate}]))` }],
        ['Retries', 'ops', 8, { '{{activity}}': `sum by (activity) (rate(assay_activity_retries_total[${rate}]))` }],
      ],
      Temporal: [
        [
          'Workflow tasks that fail',
          'ops',
          8,
          { '{{task_queue}}': `sum by (task_queue) (rate(temporal_workflow_task_execution_failed_total[${rate}]))` },
        ],
        [
          'Calls to the server that fail',
          'ops',
          8,
          { '{{operation}}': `sum by (operation) (rate(temporal_request_failure_total[${rate}]))` },
        ],
        ['Workflows in memory', 'short', 8, { '{{task_queue}}': 'sum by (task_queue) (temporal_sticky_cache_size)' }],
        ['Requests to the server', 'reqps', 8, { '{{operation}}': `sum by (operation) (rate(service_requests{job="temporal"}[${rate}]))` }],
        ['Database: time, 95 %', 's', 8, { '{{operation}}': p(0.95, 'operation', 'persistence_latency') }],
        ['Database: errors', 'ops', 8, { '{{operation}}': `sum by (operation) (rate(persistence_errors{job="temporal"}[${rate}]))` }],
      ],
    },
  },
  gpus: {
    title: 'assay / GPUs',
    variables: { host: 'label_values(assay_gpu_info, host)' },
    rows: {
      Now: [
        ['Devices', 'short', 6, { '{{model}}': 'count by (model) (max by (host, uuid, model) (assay_gpu_info{host=~"$host"}))' }, 'stat'],
        ['Healthy', 'short', 6, { '': 'sum(min by (host, uuid) (assay_gpu_healthy{host=~"$host"}))' }, 'stat'],
        ['Use, mean', 'percentunit', 6, { '': 'avg(assay_gpu_utilization_ratio{host=~"$host"})' }, 'stat'],
        ['Power', 'watt', 6, { '': 'sum(assay_gpu_power_watts{host=~"$host"})' }, 'stat'],
      ],
      Use: [
        ['Utilisation', 'percentunit', 12, { '{{host}} {{uuid}}': 'assay_gpu_utilization_ratio{host=~"$host"}' }],
        [
          'Memory in use',
          'percentunit',
          12,
          { '{{host}} {{uuid}}': 'assay_gpu_memory_used_bytes{host=~"$host"} / assay_gpu_memory_size_bytes' },
        ],
        ['Power', 'watt', 12, { '{{host}} {{uuid}}': 'assay_gpu_power_watts{host=~"$host"}' }],
        ['Energy an hour', 'joule', 12, { '{{host}}': 'sum by (host) (increase(assay_gpu_energy_joules_total{host=~"$host"}[1h]))' }],
      ],
      'Held down': [
        [
          'Share of time under a throttle reason',
          'percentunit',
          12,
          { '{{host}} {{uuid}} {{reason}}': 'assay:gpu_throttled:ratio10m{host=~"$host"}' },
        ],
        ['Clock', 'hertz', 12, { '{{host}} {{uuid}}': 'assay_gpu_clock_hertz{host=~"$host"}' }],
        ['Temperature', 'celsius', 12, { '{{host}} {{uuid}}': 'assay_gpu_temperature_celsius{host=~"$host"}' }],
        ['Health (1 healthy, 0.5 suspect, 0 faulty)', 'short', 12, { '{{host}} {{uuid}}': 'assay_gpu_healthy{host=~"$host"}' }],
      ],
      'By NVIDIA’s exporter, where a host runs it': [
        ['Utilisation', 'percent', 8, { '{{Hostname}} {{UUID}}': 'DCGM_FI_DEV_GPU_UTIL{Hostname=~"$host"}' }],
        ['Memory in use', 'decmbytes', 8, { '{{Hostname}} {{UUID}}': 'DCGM_FI_DEV_FB_USED{Hostname=~"$host"}' }],
        ['Last XID', 'short', 8, { '{{Hostname}} {{UUID}}': 'DCGM_FI_DEV_XID_ERRORS{Hostname=~"$host"}' }],
      ],
    },
  },
  store: {
    title: 'assay / Store and API',
    variables: {},
    rows: {
      Store: [
        ['Replicas', 'short', 6, { '{{replica}}': 'min by (replica) (assay_store_replica_up)' }],
        ['Errors', 'percentunit', 6, { '{{replica}}': 'assay:store_errors:ratio10m' }],
        ['Time of an operation, 95 %', 's', 6, { '{{operation}} {{backend}}': 'assay:store_request_duration_seconds:p95_15m' }],
        [
          'Bytes a second',
          'Bps',
          6,
          { '{{backend}} {{direction}}': `sum by (backend, direction) (rate(assay_store_transferred_bytes_total[${rate}]))` },
        ],
        ['Size', 'bytes', 6, { '': 'max(assay_store_size_bytes)' }],
        ['Objects', 'short', 6, { stored: 'max(assay_store_objects)', lost: 'max(assay_store_lost_objects)' }],
        ['Repaired copies, a day', 'short', 6, { '': 'sum(increase(assay_store_repaired_objects_total[1d]))' }],
        ['Freed by garbage collection, a day', 'bytes', 6, { '': 'sum(increase(assay_store_freed_bytes_total[1d]))' }],
      ],
      Checkpoints: [
        [
          'Time to store, 95 %',
          's',
          8,
          { '': 'histogram_quantile(0.95, sum by (le) (rate(assay_checkpoint_upload_duration_seconds_bucket[15m])))' },
        ],
        ['Uploads', 'ops', 8, { '{{result}}': `sum by (result) (rate(assay_checkpoint_uploads_total[${rate}]))` }],
        ['Bytes a second', 'Bps', 8, { '': `sum(rate(assay_checkpoint_uploaded_bytes_total[${rate}]))` }],
      ],
      API: [
        ['Requests', 'reqps', 8, { '{{method}} {{route}}': `sum by (method, route) (rate(assay_api_requests_total[${rate}]))` }],
        ['By status', 'reqps', 8, { '{{status}}': `sum by (status) (rate(assay_api_requests_total[${rate}]))` }],
        ['Time to the last byte, 99 %', 's', 8, { '{{route}}': 'assay:api_request_duration_seconds:p99_5m' }],
        ['Streams of events', 'short', 8, { '{{instance}}': 'sum by (instance) (assay_api_event_streams)' }],
        ['Webhooks', 'ops', 8, { '{{event}} {{result}}': `sum by (event, result) (rate(assay_webhook_deliveries_total[${rate}]))` }],
        ['Log lines', 'ops', 8, { '{{job}} {{level}}': `sum by (job, level) (rate(assay_log_lines_total[${rate}]))` }],
      ],
    },
  },
};

const datasource = { type: 'prometheus', uid: '${datasource}' };
let stale = 0;
for (const [name, dashboard] of Object.entries(dashboards)) {
  const file = join(dirname(fileURLToPath(import.meta.url)), 'dashboards', `${name}.json`);
  const made = build(name, dashboard);
  if (!process.argv.includes('--check')) writeFileSync(file, `${JSON.stringify(made, null, 2)}\n`);
  // As values: the formatter has its own mind about lines.
  else if (!isDeepStrictEqual(JSON.parse(readFileSync(file, 'utf8')), made)) {
    console.error(`${file} is not what deploy/grafana/build.mjs makes: run it`);
    stale = 1;
  }
}
process.exitCode = stale;

function build(name, { title, variables, rows }) {
  const panels = [];
  let id = 0;
  let y = 0;
  for (const [row, entries] of Object.entries(rows)) {
    panels.push({ id: ++id, type: 'row', title: row, collapsed: false, gridPos: { h: 1, w: 24, x: 0, y: y++ }, panels: [] });
    let x = 0;
    let height = 0;
    for (const [panelTitle, unit, width, expressions, kind = 'timeseries'] of entries) {
      const h = kind === 'stat' ? 4 : 8;
      if (x + width > 24) {
        x = 0;
        y += height;
      }
      panels.push(panel(++id, kind, panelTitle, unit, expressions, { h, w: width, x, y }));
      x += width;
      height = h;
    }
    y += height;
  }
  return {
    uid: `assay-${name}`,
    title,
    tags: ['assay'],
    schemaVersion: 39,
    version: 1,
    editable: false,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    timezone: 'browser',
    links: [{ title: 'assay', type: 'dashboards', tags: ['assay'], asDropdown: true, includeVars: true, keepTime: true }],
    annotations: {
      list: [
        {
          name: 'Alerts',
          enable: true,
          iconColor: 'red',
          datasource,
          expr: 'ALERTS{alertstate="firing", severity="critical"}',
          titleFormat: '{{alertname}}',
        },
      ],
    },
    templating: {
      list: [
        { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus', current: {}, hide: 0 },
        ...Object.entries(variables).map(([variable, query]) => ({
          ...{ name: variable, label: variable, type: 'query', datasource, query: { query, refId: variable }, refresh: 2, sort: 1 },
          ...{ includeAll: true, multi: true, allValue: '.*', current: { text: 'All', value: '$__all' } },
        })),
      ],
    },
    panels,
  };
}

function panel(id, type, title, unit, expressions, gridPos) {
  const targets = Object.entries(expressions).map(([legend, expr], index) => ({
    ...{ refId: String.fromCharCode(65 + index), datasource, expr, legendFormat: legend || '__auto' },
    ...(type === 'stat' ? { instant: true } : { range: true }),
  }));
  const options =
    type === 'stat'
      ? { reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false }, colorMode: 'none', graphMode: 'none', textMode: 'auto' }
      : { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } };
  const custom = type === 'stat' ? {} : { custom: { lineWidth: 1, fillOpacity: 5, showPoints: 'never' } };
  return { id, type, title, datasource, gridPos, fieldConfig: { defaults: { unit, min: 0, ...custom }, overrides: [] }, options, targets };
}
