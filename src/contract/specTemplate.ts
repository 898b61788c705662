/** What `assay init` writes: the keys one has to think about, everything else left to its default. */
export const template = (): string => `# yaml-language-server: $schema=./node_modules/assay/experiment.schema.json
# Every key: docs/experiment.md. Check with \`assay validate experiment.yaml\`, run with \`assay run experiment.yaml\`.
name: my-experiment
hypothesis: The larger model is at least 1 point more accurate, at no more than 20 % more latency.

data:
  source: ./data/examples.csv    # a file (csv, parquet, jsonl, npz) or a folder
  label: label                   # the column with the class
  id: id                         # the column that identifies an example
  # unit: user_id                # what was sampled independently, if not the rows
  split: {test: 0.2, validation: 0.1, seed: 7}

# runtime: {executor: docker, image: "name@sha256:..."}    # without it trainers run as processes of the host
training:
  command: [python, train.py]    # gets ASSAY_RUN, the path of run.json
  seeds: [1, 2, 3, 4, 5]         # 5 or more answer for the algorithm, fewer only for the trained models
  batchSize: 64
  budget: {epochs: 5}            # the same for every variant; also steps, wallClock
  params: {lr: 0.001}            # handed to every variant's trainer

variants:
  - {name: small, control: true, params: {hidden: 32}}
  - {name: large, params: {hidden: 256}}
  # - {name: old, model: ./models/old.bin}     # already trained: evaluated only
varies: [hidden]                 # the only parameters that may differ

evaluation:
  metrics: [accuracy, f1_macro, log_loss, latency_p95]

analysis:
  primary: accuracy
  test: superiority              # or non-inferiority, equivalence, with a margin above 0
  margin: 0.01                   # what matters, in the metric's unit; or a share of the control's value, "2%"
  guardrails: [{metric: latency_p95, maxIncrease: 20%}]
`;
