/** One metric as `/metrics` shows it. */
export interface MetricRow {
  name: string;
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  /** Each has few values: hosts, devices, queues, owners and series that people name; never an experiment or a run. */
  labels: readonly string[];
  /** Who serves it: a pool, or the API. */
  from: readonly ('control' | 'gpu' | 'analysis' | 'api')[];
  /** Upper bounds of a histogram's buckets. */
  buckets?: readonly number[];
}

/** Seconds that people wait. */
const waits = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400, 43_200, 86_400];
/** Seconds that work takes. */
const works = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400, 43_200, 86_400];
/** Seconds of one request. */
const requests = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

const all = ['control', 'gpu', 'analysis', 'api'] as const;
const pools = ['control', 'gpu', 'analysis'] as const;

/**
 * Every metric of assay. docs/observability.md, the rules and the dashboards in deploy/ are held to it. What a control worker asks of the
 * server (`from` is control, type gauge) is the same in every control worker: take its `max`. Everything else is of one process: `sum` it.
 */
export const metricTable = [
  row('assay_build_info', 'gauge', 'Always 1; the build that serves this.', ['version', 'build', 'pool'], all),
  row('assay_log_lines_total', 'counter', 'Log lines by level (warn, error, fatal).', ['level'], all),

  // The queue for hosts and devices.
  row('assay_queue_wait_seconds', 'histogram', 'From the request for a lease to its grant.', ['qos', 'owner'], ['control'], waits),
  row('assay_queue_waiting_requests', 'gauge', 'Requests for a lease that wait.', ['qos', 'owner'], ['control']),
  row('assay_queue_oldest_wait_seconds', 'gauge', 'How long the oldest request waits; 0 where none does.', ['qos'], ['control']),
  row('assay_leases_held', 'gauge', 'Leases given out.', ['qos', 'owner'], ['control']),
  row('assay_quota_devices', 'gauge', 'Devices (places on the CPU) that an owner may hold at once.', ['owner'], ['control']),
  row('assay_quota_used_devices', 'gauge', 'Devices (places on the CPU) that an owner with a quota holds.', ['owner'], ['control']),
  row('assay_host_places', 'gauge', 'Trainers that a host takes at once.', ['host'], ['control']),
  row('assay_host_places_used', 'gauge', 'Places of a host in use.', ['host'], ['control']),
  row('assay_host_reporting', 'gauge', '1 while a host reports to the pool, 0 once it has not for a lease term.', ['host'], ['control']),
  row('assay_host_drained', 'gauge', '1 while a host gets no new lease.', ['host'], ['control']),
  row('assay_host_report_failures_total', 'counter', 'Times that reports of this host stopped reaching the pool.', ['host'], ['gpu']),
  row(
    'assay_task_queue_backlog_tasks',
    'gauge',
    'Tasks that no worker has taken yet, by queue and kind (workflow, activity).',
    ['queue', 'kind'],
    ['control'],
  ),
  row(
    'assay_task_queue_backlog_age_seconds',
    'gauge',
    'Age of the oldest task that no worker has taken yet.',
    ['queue', 'kind'],
    ['control'],
  ),
  row(
    'assay_server_polls_total',
    'counter',
    'Questions of a control worker to the server for these gauges (result ok, error).',
    ['result'],
    ['control'],
  ),

  // Experiments and runs.
  row('assay_experiments_open', 'gauge', 'Experiments under way, by stage.', ['stage'], ['control']),
  row('assay_experiments_finished_total', 'counter', 'Experiments that ended (status done, failed, cancelled).', ['status'], ['control']),
  row('assay_experiment_failures_total', 'counter', 'Experiments that failed, by type of error.', ['error'], ['control']),
  row('assay_experiment_stage_duration_seconds', 'histogram', 'Time that experiments spent in a stage.', ['stage'], ['control'], works),
  row(
    'assay_experiment_duration_seconds',
    'histogram',
    'From start to end (status done, failed, cancelled).',
    ['status'],
    ['control'],
    works,
  ),
  row('assay_verdicts_total', 'counter', 'Verdicts by outcome (adopt, keep, equivalent, inconclusive, invalid).', ['outcome'], ['control']),
  row('assay_runs_open', 'gauge', 'Runs under way (state waiting, training).', ['state'], ['control']),
  row('assay_runs_finished_total', 'counter', 'Runs that ended (status done, failed, cancelled).', ['status'], ['control']),
  row(
    'assay_run_restarts_total',
    'counter',
    'Epochs of runs that ended early, by cause (crash, infrastructure, preemption, outOfMemory).',
    ['cause'],
    ['control'],
  ),
  row('assay_run_epoch_failures_total', 'counter', 'Epochs of runs that ended early, by type of error.', ['error'], ['control']),
  row(
    'assay_host_runs',
    'gauge',
    'Runs that a host works on, by phase (checking, restoring, starting, training, collecting).',
    ['host', 'phase'],
    ['gpu'],
  ),
  row(
    'assay_run_progress_age_seconds',
    'gauge',
    'Of the run on this host that has been silent longest: seconds since its last step or change of phase; 0 where none runs.',
    ['host'],
    ['gpu'],
  ),
  row(
    'assay_run_checkpoint_age_seconds',
    'gauge',
    'Of the training on this host that would lose most: seconds since its last stored checkpoint, or since its start; 0 where none runs.',
    ['host'],
    ['gpu'],
  ),
  row('assay_train_steps_total', 'counter', 'Steps that trainers made; its rate is steps per second.', ['host'], ['gpu']),
  row('assay_trainer_exits_total', 'counter', 'Trainers that ended (result ok, or the type of error).', ['host', 'result'], ['gpu']),
  row(
    'assay_activity_duration_seconds',
    'histogram',
    'Time of one attempt of an activity (result ok, error, cancelled).',
    ['activity', 'result'],
    pools,
    works,
  ),
  row('assay_activity_failures_total', 'counter', 'Attempts of activities that failed, by type of error.', ['activity', 'error'], pools),
  row('assay_activity_retries_total', 'counter', 'Attempts of activities after the first.', ['activity'], pools),

  // Devices, by host and uuid: of a MIG instance what its device shares with it.
  row('assay_gpu_info', 'gauge', 'Always 1; a device of this host.', ['host', 'uuid', 'model', 'driver'], ['gpu']),
  row('assay_gpu_healthy', 'gauge', '1 healthy, 0.5 suspect, 0 faulty.', ['host', 'uuid'], ['gpu']),
  row('assay_gpu_utilization_ratio', 'gauge', 'Share of time in which a kernel ran, 0 to 1.', ['host', 'uuid'], ['gpu']),
  row('assay_gpu_memory_used_bytes', 'gauge', 'Device memory in use.', ['host', 'uuid'], ['gpu']),
  row('assay_gpu_memory_size_bytes', 'gauge', 'Device memory.', ['host', 'uuid'], ['gpu']),
  row('assay_gpu_temperature_celsius', 'gauge', 'Temperature of the device.', ['host', 'uuid'], ['gpu']),
  row('assay_gpu_power_watts', 'gauge', 'Power that the device draws.', ['host', 'uuid'], ['gpu']),
  row('assay_gpu_energy_joules_total', 'counter', 'Energy that the device has used since the worker started.', ['host', 'uuid'], ['gpu']),
  row('assay_gpu_clock_hertz', 'gauge', 'Clock of the multiprocessors.', ['host', 'uuid'], ['gpu']),
  row(
    'assay_gpu_throttled_seconds_total',
    'counter',
    'Time under a throttle reason, e.g. hw_thermal_slowdown, sw_power_cap.',
    ['host', 'uuid', 'reason'],
    ['gpu'],
  ),
  row('assay_gpu_lost_total', 'counter', 'Devices that stopped answering.', ['host', 'uuid'], ['gpu']),

  // Schedules and series.
  row('assay_schedules', 'gauge', 'Schedules of series (state active, paused).', ['state'], ['control']),
  row(
    'assay_schedule_missed_runs_total',
    'counter',
    'Times that a schedule missed by more than its catch-up window.',
    ['series'],
    ['control'],
  ),
  row(
    'assay_schedule_skipped_runs_total',
    'counter',
    'Times that a schedule skipped since the run before was still under way.',
    ['series'],
    ['control'],
  ),
  row('assay_schedule_late_seconds', 'gauge', 'How long the next run of a schedule is overdue; 0 where none is.', ['series'], ['control']),
  row(
    'assay_series_runs_total',
    'counter',
    'Runs of a series that ended (status done, failed, cancelled, skipped).',
    ['series', 'status'],
    ['control'],
  ),
  row('assay_series_alerts_total', 'counter', 'Alerts of a series: its verdict turned.', ['series'], ['control']),
  row(
    'assay_series_last_success_timestamp_seconds',
    'gauge',
    'When a look of the series was last recorded by this process.',
    ['series'],
    ['control'],
  ),

  // Data.
  row(
    'assay_data_checks_total',
    'counter',
    'Checks of data (status pass, warn, fail; kind: name of the check).',
    ['check', 'status'],
    ['analysis'],
  ),
  row('assay_drift_alarms_total', 'counter', 'Checks for drift that raised an alarm.', ['check'], ['analysis']),

  // The store.
  row('assay_store_requests_total', 'counter', 'Operations on one replica (result ok, error).', ['operation', 'replica', 'result'], all),
  row(
    'assay_store_request_duration_seconds',
    'histogram',
    'Time of an operation on one replica, to its last byte.',
    ['operation', 'backend'],
    all,
    requests,
  ),
  row('assay_store_transferred_bytes_total', 'counter', 'Bytes of objects (direction read, written).', ['backend', 'direction'], all),
  row('assay_store_replica_up', 'gauge', '1 if the last operation of this process on the replica was answered, else 0.', ['replica'], all),
  row('assay_store_objects', 'gauge', 'Objects that the last scrub read.', [], ['analysis']),
  row('assay_store_size_bytes', 'gauge', 'Bytes that the last scrub read.', [], ['analysis']),
  row('assay_store_lost_objects', 'gauge', 'Objects that no replica has whole, as the last scrub found.', [], ['analysis']),
  row('assay_store_repaired_objects_total', 'counter', 'Copies that scrubs repaired.', [], ['analysis']),
  row('assay_store_scrub_last_success_timestamp_seconds', 'gauge', 'When a scrub last ended; absent until one has.', [], ['analysis']),
  row('assay_store_freed_bytes_total', 'counter', 'Bytes that garbage collections freed.', [], ['analysis']),
  row('assay_store_freed_objects_total', 'counter', 'Objects that garbage collections deleted.', [], ['analysis']),
  row(
    'assay_store_gc_last_success_timestamp_seconds',
    'gauge',
    'When a garbage collection last ended; absent until one has.',
    [],
    ['analysis'],
  ),
  row(
    'assay_checkpoint_upload_duration_seconds',
    'histogram',
    'From a finished checkpoint on the host to its record in the store.',
    [],
    ['gpu'],
    works,
  ),
  row('assay_checkpoint_uploads_total', 'counter', 'Checkpoints (result ok, error).', ['result'], ['gpu']),
  row('assay_checkpoint_uploaded_bytes_total', 'counter', 'Bytes of stored checkpoints.', [], ['gpu']),

  // Outward.
  row(
    'assay_webhook_deliveries_total',
    'counter',
    'Tries to deliver a message (result delivered, failed, refused).',
    ['event', 'result'],
    ['control'],
  ),
  row(
    'assay_mlflow_publications_total',
    'counter',
    'Tries to publish an experiment to MLflow (result published, failed, refused).',
    ['result'],
    ['control'],
  ),
  row('assay_webhook_delivery_duration_seconds', 'histogram', 'Time of one try.', ['result'], ['control'], requests),
  row(
    'assay_api_requests_total',
    'counter',
    'Requests by route as the API names it, e.g. /v1/experiments/:id.',
    ['route', 'method', 'status'],
    ['api'],
  ),
  row(
    'assay_api_request_duration_seconds',
    'histogram',
    'Time to the last byte of an answer; streams of events are left out.',
    ['route', 'method'],
    ['api'],
    requests,
  ),
  row('assay_api_event_streams', 'gauge', 'Open streams of events.', [], ['api']),
] as const satisfies readonly MetricRow[];

export type MetricName = (typeof metricTable)[number]['name'];

function row<const Name extends string, const Type extends MetricRow['type'], const Labels extends readonly string[]>(
  name: Name,
  type: Type,
  help: string,
  labels: Labels,
  from: MetricRow['from'],
  buckets?: readonly number[],
) {
  return { name, type, help, labels, from, ...(buckets === undefined ? {} : { buckets }) };
}
