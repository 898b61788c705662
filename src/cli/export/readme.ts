import type { Result } from '../../contract';
import { answer } from '../../report/answer';
import type { Part } from './parts';

/** What lies where, and how to read it. */
export function readme(result: Result, { parts, signature }: { parts: ReadonlySet<Part>; signature: string }): string {
  const rows = files.filter(([part]) => part === null || parts.has(part));
  return `# ${plain(result.name)}: ${result.experiment}

${plain(answer(result))}

| file | |
| --- | --- |
${rows.map(([, name, what]) => `| \`${name}\` | ${what} |`).join('\n')}

\`assay verify .\` hashes all of it. The result's digest, which signs every object that \`result.json\` lists, is \`${signature}\`.
${parts.has('predictions') ? readers : ''}`;
}

const files: [part: Part | null, name: string, what: string][] = [
  [null, 'result.json', 'every number, with its interval; `contents` lists what it was made from'],
  [null, 'MODEL_CARD.md', 'the model to ship: what it was trained and tested on, how well it did, what to beware of'],
  ['report', 'report.html', 'the report: one page, opens from disk'],
  [null, 'spec.yaml, spec.json', 'the experiment as it was written, and with every default filled in'],
  [null, 'provenance.json, environment.json, requirements.txt', 'who ran it, from which commit, with which versions'],
  [null, 'experiment.json', 'the record in the store'],
  ['predictions', 'runs/VARIANT/seed-N/predictions.parquet', 'variant, seed, id, label, prediction, score_CLASS'],
  ['predictions', 'runs/VARIANT/seed-N/predictions/', 'the same as the trainer wrote it: `ids.npy`, `labels.npy`, `scores.npy`'],
  [null, 'runs/VARIANT/seed-N/result.json', 'what the trainer said at its end'],
  ['logs', 'runs/VARIANT/seed-N/events.jsonl, log.txt', 'steps with their loss; the trainer’s output'],
  ['telemetry', 'runs/VARIANT/seed-N/telemetry.jsonl', 'devices, once a second'],
  ['models', 'runs/VARIANT/seed-N/model/', 'the trained model'],
  ['tables', 'tables/*.parquet', 'metrics, run_metrics, runs, curves, comparisons, classes'],
  ['latency', 'latency/VARIANT.jsonl', 'the time of each request'],
  ['splits', 'snapshot/{train,validation,test}.jsonl', 'id and label of each row; `assay snapshot get` brings the data'],
  ['code', 'code/', 'the trainer’s code'],
];

const readers = `
## Read it

\`\`\`python
import pandas as pd
from pathlib import Path

runs = pd.concat(pd.read_parquet(file) for file in sorted(Path("runs").glob("*/*/predictions.parquet")))
runs["correct"] = runs["prediction"] == runs["label"]
accuracy = runs.groupby(["variant", "seed"])["correct"].mean().unstack("seed")
print(accuracy)
print(accuracy.mean(axis="columns"))
print(pd.read_parquet("tables/comparisons.parquet")[["variant", "metric", "difference", "low", "high"]])
\`\`\`

\`\`\`sql
CREATE VIEW runs AS FROM 'runs/*/*/predictions.parquet';
SELECT variant, seed, avg((prediction = label)::INT) AS accuracy, count(*) AS n
FROM runs GROUP BY ALL ORDER BY ALL;
SELECT a.id, a.label, a.variant, a.prediction, b.variant, b.prediction
FROM runs a JOIN runs b ON a.id = b.id AND a.seed = b.seed AND a.variant < b.variant
WHERE a.prediction <> b.prediction ORDER BY ALL LIMIT 10;
FROM 'tables/comparisons.parquet' SELECT variant, metric, difference, low, high;
\`\`\`
`;

/** Text of a user, on one line and without markup. */
const plain = (text: string): string => text.replaceAll(/\s+/g, ' ').replaceAll(/[\\`*_[\]<>|#]/g, '\\$&');
