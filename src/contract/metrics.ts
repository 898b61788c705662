/** Names of `evaluation.metrics`. `better` says which way is good; `source` says what it is computed from. */
export const metricCatalogue = {
  accuracy: { better: 'higher', source: 'predictions', unit: 'fraction', label: 'accuracy' },
  f1_macro: { better: 'higher', source: 'predictions', unit: 'fraction', label: 'macro F1' },
  recall_macro: { better: 'higher', source: 'predictions', unit: 'fraction', label: 'macro recall' },
  auc_ovr: { better: 'higher', source: 'predictions', unit: 'fraction', label: 'AUC (one versus rest)' },
  log_loss: { better: 'lower', source: 'predictions', unit: 'nats', label: 'log loss' },
  brier: { better: 'lower', source: 'predictions', unit: '', label: 'Brier score' },
  ece: { better: 'lower', source: 'predictions', unit: 'fraction', label: 'calibration error' },
  latency_p50: { better: 'lower', source: 'latency', unit: 'ms', label: 'median latency' },
  latency_p95: { better: 'lower', source: 'latency', unit: 'ms', label: 'p95 latency' },
  throughput: { better: 'higher', source: 'latency', unit: 'samples/s', label: 'throughput' },
  training_seconds: { better: 'lower', source: 'run', unit: 's', label: 'training time' },
  gpu_utilization: { better: 'higher', source: 'run', unit: 'fraction', label: 'GPU utilisation' },
  gpu_hours: { better: 'lower', source: 'run', unit: 'h', label: 'GPU-hours' },
  energy: { better: 'lower', source: 'run', unit: 'J', label: 'energy' },
  data_stall: { better: 'lower', source: 'run', unit: 'fraction', label: 'time waiting for data' },
  peak_memory: { better: 'lower', source: 'run', unit: 'bytes', label: 'peak memory' },
} as const satisfies Record<string, { better: 'higher' | 'lower'; source: 'predictions' | 'latency' | 'run'; unit: string; label: string }>;

export type MetricName = keyof typeof metricCatalogue;
export const metricNames = Object.keys(metricCatalogue) as MetricName[];
