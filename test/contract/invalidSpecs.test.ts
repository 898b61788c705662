import { AssayError } from '../../src/contract';
import { loadSpec } from '../../src/contract/loadSpec';
import { changed } from './fixtures';

/** What is wrong, the file, and the whole message, with the place, the line and the caret. */
const cases: [what: string, file: string, message: string][] = [
  [
    'an empty file',
    '',
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:1:1: the file is empty; `assay init` writes one to start from',
      '  1 | ',
      '    | ^',
    ].join('\n'),
  ],
  [
    'a file of comments',
    '# nothing yet\n',
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:1:1: the file is empty; `assay init` writes one to start from',
      '  1 | # nothing yet',
      '    | ^',
    ].join('\n'),
  ],
  [
    'a list at the top',
    '- name: digits\n',
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:1:1: expected a mapping with keys such as name, data, variants at the top, got a list',
      '  1 | - name: digits',
      '    | ^',
    ].join('\n'),
  ],
  [
    'a single value at the top',
    'digits\n',
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:1:1: expected a mapping with keys such as name, data, variants at the top, got a single value',
      '  1 | digits',
      '    | ^',
    ].join('\n'),
  ],
  [
    'a second document',
    changed(['varies: [h]\n', 'varies: [h]\n---\nname: other\n']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:10:1: a second document starts here; one file holds one experiment',
      '  10 | ---',
      '     | ^',
    ].join('\n'),
  ],
  [
    'an open bracket',
    changed(['[python, train.py]', '[python, train.py']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:5:3: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
      '  5 |   budget: {epochs: 5}',
      '    |   ^',
    ].join('\n'),
  ],
  [
    'a tab as indentation',
    changed(['  command:', '\tcommand:']),
    [
      '2 problems in experiment.yaml',
      'experiment.yaml:4:1: a tab indents this line; YAML wants spaces',
      '  4 | \tcommand: [python, train.py]',
      '    | ^',
      'experiment.yaml:5:1: not valid YAML: All mapping items must start at the same column',
      '  5 |   budget: {epochs: 5}',
      '    | ^',
    ].join('\n'),
  ],
  [
    'bytes that are no UTF-8',
    changed(['name: digits', 'name: d\uFFFDgits']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:1:8: expected UTF-8 text, got a byte that is none; save the file as UTF-8',
      '  1 | name: d\uFFFDgits',
      '    |        ^',
    ].join('\n'),
  ],
  [
    'a key that stands twice',
    changed(['varies: [h]\n', 'varies: [h]\nname: other\n']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:10:1: name: the key stands here a second time; keep one',
      '  10 | name: other',
      '     | ^',
    ].join('\n'),
  ],
  [
    'an alias without its anchor',
    changed(['h: 2', 'h: *width']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:8:27: the alias *width has no anchor &width before it',
      '  8 |   - {name: b, params: {h: *width}}',
      '    |                           ^',
    ].join('\n'),
  ],
  [
    'aliases that multiply',
    'a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\n',
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:1:1: aliases repeat their anchors too often; write the values out',
      '  1 | a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]',
      '    | ^',
    ].join('\n'),
  ],
  [
    'an anchor that contains itself',
    changed(['{h: 1}', '&p {h: *p}']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:1:1: an anchor contains itself; write the values out',
      '  1 | name: digits',
      '    | ^',
    ].join('\n'),
  ],
  [
    'a list as a key',
    changed(['varies: [h]\n', 'varies: [h]\n? [a, b]\n: 1\n']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:10:3: expected a plain key, got a list or mapping',
      '  10 | ? [a, b]',
      '     |   ^',
    ].join('\n'),
  ],
  [
    'an unknown tag',
    changed(['name: digits', 'name: !digits digits']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:1:7: unknown tag: !digits; leave it out',
      '  1 | name: !digits digits',
      '    |       ^',
    ].join('\n'),
  ],
  [
    'a misspelt key',
    changed(['budget:', 'bugdet:']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:5:3: training.bugdet: unknown key; did you mean "budget"?',
      '  5 |   bugdet: {epochs: 5}',
      '    |   ^',
    ].join('\n'),
  ],
  [
    'a key of another section',
    changed(['varies: [h]\n', 'varies: [h]\nseeds: [1, 2, 3]\n']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:10:1: seeds: unknown key here; did you mean training.seeds?',
      '  10 | seeds: [1, 2, 3]',
      '     | ^',
    ].join('\n'),
  ],
  [
    'a key like nothing else',
    changed(['{source: ./data}', '{source: ./data, colour: red}']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:2:24: data.colour: unknown key; valid here: source, label, id, unit, split, slices',
      '  2 | data: {source: ./data, colour: red}',
      '    |                        ^',
    ].join('\n'),
  ],
  [
    'a parameter beside params',
    changed(['name: b, params: {h: 2}', 'name: b, hidden: 2']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:8:15: variants[1].hidden: unknown key; valid here: name, control, params, model; a parameter of the trainer goes under params',
      '  8 |   - {name: b, hidden: 2}',
      '    |               ^',
    ].join('\n'),
  ],
  [
    'a key almost like a refused one',
    changed(['{source: ./data}', '{source: ./data, slice: [age]}']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:2:24: data.slice: unknown key; did you mean "slices"?',
      '  2 | data: {source: ./data, slice: [age]}',
      '    |                        ^',
    ].join('\n'),
  ],
  [
    'a missing section',
    changed(['data: {source: ./data}\n', '']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:1:1: data: missing; expected a mapping with source, label, id, unit, split, slices',
      '  1 | name: digits',
      '    | ^',
    ].join('\n'),
  ],
  [
    'a missing name',
    changed(['name: digits\n', '']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:1:1: name: missing; expected a name of lower-case letters, digits, ".", "_", "-", at most 63, a letter or digit at both ends',
      '  1 | data: {source: ./data}',
      '    | ^',
    ].join('\n'),
  ],
  [
    'a name with capitals and spaces',
    changed(['name: digits', 'name: My Digits']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:1:7: name: expected a name of lower-case letters, digits, ".", "_", "-", at most 63, a letter or digit at both ends, got "My Digits"',
      '  1 | name: My Digits',
      '    |       ^',
    ].join('\n'),
  ],
  [
    'text for a whole number',
    changed(['varies: [h]\n', 'varies: [h]\nevaluation: {batchSize: "32"}\n']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:10:25: evaluation.batchSize: expected a whole number above 0, got "32"; take the quotes off',
      '  10 | evaluation: {batchSize: "32"}',
      '     |                         ^',
    ].join('\n'),
  ],
  [
    'a fraction for a whole number',
    changed(['varies: [h]\n', 'varies: [h]\nevaluation: {warmupSteps: 1.5}\n']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:10:27: evaluation.warmupSteps: expected a whole number of at least 0, got 1.5',
      '  10 | evaluation: {warmupSteps: 1.5}',
      '     |                           ^',
    ].join('\n'),
  ],
  [
    'a number out of its range',
    changed(['varies: [h]\n', 'varies: [h]\nevaluation: {testRatio: 2}\n']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:10:25: evaluation.testRatio: expected a number above 0 and at most 1, got 2',
      '  10 | evaluation: {testRatio: 2}',
      '     |                         ^',
    ].join('\n'),
  ],
  [
    'a percentage for a level of confidence',
    changed(['varies: [h]\n', 'varies: [h]\nanalysis: {confidence: 95}\n']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:10:24: analysis.confidence: expected a number of at least 0.5 and below 1, got 95',
      '  10 | analysis: {confidence: 95}',
      '     |                        ^',
    ].join('\n'),
  ],
  [
    'text for a list',
    changed(['[python, train.py]', 'python train.py']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:4:12: training.command: expected a list of at least 1, got "python train.py"; write [python, train.py]',
      '  4 |   command: python train.py',
      '    |            ^',
    ].join('\n'),
  ],
  [
    'a number for a mapping',
    changed(['varies: [h]\n', 'varies: [h]\nchecks: 5\n']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:10:9: checks: expected a mapping with srm, covariates, leaks, drift, got 5',
      '  10 | checks: 5',
      '     |         ^',
    ].join('\n'),
  ],
  [
    'nothing for a mapping',
    changed(['varies: [h]\n', 'varies: [h]\nchecks:\n']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:10:1: checks: expected a mapping with srm, covariates, leaks, drift, got nothing',
      '  10 | checks:',
      '     | ^',
    ].join('\n'),
  ],
  [
    'yes for true',
    changed(['control: true', 'control: yes']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:7:24: variants[0].control: expected true or false, got "yes"; write true',
      '  7 |   - {name: a, control: yes, params: {h: 1}}',
      '    |                        ^',
    ].join('\n'),
  ],
  [
    'a duration without a unit',
    changed(['epochs: 5', 'wallClock: 30']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:5:23: training.budget.wallClock: expected a duration above 0 such as 30s, 10m, 2h, got 30',
      '  5 |   budget: {wallClock: 30}',
      '    |                       ^',
    ].join('\n'),
  ],
  [
    'a duration of zero',
    changed(['epochs: 5', 'epochs: 5, wallClock: 0s']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:5:34: training.budget.wallClock: expected a duration above 0 such as 30s, 10m, 2h, got "0s"',
      '  5 |   budget: {epochs: 5, wallClock: 0s}',
      '    |                                  ^',
    ].join('\n'),
  ],
  [
    'a misspelt metric',
    changed(['varies: [h]\n', 'varies: [h]\nevaluation: {metrics: [accurcy]}\n']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:10:24: evaluation.metrics[0]: expected one of accuracy, f1_macro, recall_macro, auc_ovr, log_loss, brier, ece, latency_p50, latency_p95, throughput, training_seconds, gpu_utilization, gpu_hours, energy, data_stall, peak_memory, got "accurcy"; did you mean "accuracy"?',
      '  10 | evaluation: {metrics: [accurcy]}',
      '     |                        ^',
    ].join('\n'),
  ],
  [
    'a misspelt choice',
    changed(['varies: [h]\n', 'varies: [h]\nanalysis: {test: superority}\n']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:10:18: analysis.test: expected one of superiority, non-inferiority, equivalence, got "superority"; did you mean "superiority"?',
      '  10 | analysis: {test: superority}',
      '     |                  ^',
    ].join('\n'),
  ],
  [
    'a seed that NumPy refuses',
    changed(['budget:', 'seeds: [4294967296]\n  budget:']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:5:11: training.seeds[0]: expected a whole number of at least 0 and at most 4294967295, got 4294967296',
      '  5 |   seeds: [4294967296]',
      '    |           ^',
    ].join('\n'),
  ],
  [
    'a margin of another form',
    changed(['varies: [h]\n', 'varies: [h]\nanalysis: {margin: 2 points}\n']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:10:20: analysis.margin: expected a number of at least 0, or a share such as "20%", got "2 points"',
      '  10 | analysis: {margin: 2 points}',
      '     |                    ^',
    ].join('\n'),
  ],
  [
    'a margin below 0',
    changed(['varies: [h]\n', 'varies: [h]\nanalysis: {margin: -0.1}\n']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:10:20: analysis.margin: expected a number of at least 0, or a share such as "20%", got -0.1',
      '  10 | analysis: {margin: -0.1}',
      '     |                    ^',
    ].join('\n'),
  ],
  [
    'one variant',
    changed(['  - {name: b, params: {h: 2}}\n', '']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:7:3: variants: expected a list of at least 2, got a list of 1',
      '  7 |   - {name: a, control: true, params: {h: 1}}',
      '    |   ^',
    ].join('\n'),
  ],
  [
    'no control',
    changed(['control: true, ', '']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:6:1: variants: expected control: true on exactly one variant, got none',
      '  6 | variants:',
      '    | ^',
    ].join('\n'),
  ],
  [
    'two controls',
    changed(['name: b,', 'name: b, control: true,']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:8:15: variants[1].control: expected control: true on exactly one variant, got it on a already',
      '  8 |   - {name: b, control: true, params: {h: 2}}',
      '    |               ^',
    ].join('\n'),
  ],
  [
    'two variants of one name',
    changed(['name: b,', 'name: a,']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:8:12: variants[1].name: "a" is the name of variants[0] already',
      '  8 |   - {name: a, params: {h: 2}}',
      '    |            ^',
    ].join('\n'),
  ],
  [
    'a seed listed twice',
    changed(['budget:', 'seeds: [1, 2, 1]\n  budget:']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:5:17: training.seeds[2]: 1 is listed twice; keep one',
      '  5 |   seeds: [1, 2, 1]',
      '    |                 ^',
    ].join('\n'),
  ],
  [
    'a metric listed twice',
    changed(['varies: [h]\n', 'varies: [h]\nevaluation: {metrics: [accuracy, accuracy]}\n']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:10:34: evaluation.metrics[1]: "accuracy" is listed twice; keep one',
      '  10 | evaluation: {metrics: [accuracy, accuracy]}',
      '     |                                  ^',
    ].join('\n'),
  ],
  [
    'two guardrails on one metric',
    changed([
      'varies: [h]\n',
      'varies: [h]\nanalysis: {guardrails: [{metric: log_loss, maxIncrease: 1%}, {metric: log_loss, maxIncrease: 2%}]}\n',
    ]),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:10:71: analysis.guardrails[1].metric: "log_loss" has two guardrails; keep one',
      '  10 | analysis: {guardrails: [{metric: log_loss, maxIncrease: 1%}, {metric: log_loss, maxIncrease: 2%}]}',
      '     |                                                                       ^',
    ].join('\n'),
  ],
  [
    'an undeclared difference',
    changed(['varies: [h]\n', '']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:8:24: variants[1].params.h: differs between variants without being declared: a has 1, b has 2; add h to varies, or give every variant the same',
      '  8 |   - {name: b, params: {h: 2}}',
      '    |                        ^',
    ].join('\n'),
  ],
  [
    'a parameter that one variant lacks',
    changed(['{h: 2}', '{h: 2, width: 3}']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:8:30: variants[1].params.width: differs between variants without being declared: a has none, b has 3; add width to varies, or give every variant the same',
      '  8 |   - {name: b, params: {h: 2, width: 3}}',
      '    |                              ^',
    ].join('\n'),
  ],
  [
    'a shared parameter that one variant replaces',
    changed(['budget:', 'params: {lr: 0.1}\n  budget:'], ['{h: 2}', '{h: 2, lr: 0.2}']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:9:30: variants[1].params.lr: differs between variants without being declared: a has 0.1, b has 0.2; add lr to varies, or give every variant the same',
      '  9 |   - {name: b, params: {h: 2, lr: 0.2}}',
      '    |                              ^',
    ].join('\n'),
  ],
  [
    'a declared parameter that no variant has',
    changed(['varies: [h]', 'varies: [h, width]']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:9:13: varies[1]: no variant has a parameter "width"; there are h',
      '  9 | varies: [h, width]',
      '    |             ^',
    ].join('\n'),
  ],
  [
    'a misspelt declared parameter',
    'name: digits\ndata: {source: ./data}\ntraining:\n  command: [python, train.py]\n  budget: {epochs: 5}\nvariants:\n  - {name: a, control: true, params: {hidden: 1}}\n  - {name: b, params: {hidden: 2}}\nvaries: [hidden, hiden]\n',
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:9:18: varies[1]: no variant has a parameter "hiden"; did you mean "hidden"?',
      '  9 | varies: [hidden, hiden]',
      '    |                  ^',
    ].join('\n'),
  ],
  [
    'a parameter that JSON cannot hold',
    changed(['{h: 1}', '{h: .inf}']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:7:42: variants[0].params.h: expected a finite number, got Infinity; JSON has no such number',
      '  7 |   - {name: a, control: true, params: {h: .inf}}',
      '    |                                          ^',
    ].join('\n'),
  ],
  [
    'no command to train with',
    changed(['  command: [python, train.py]\n', '']),
    [
      '1 problem in experiment.yaml',
      "experiment.yaml:3:1: training.command: missing; expected the trainer's program, since a is to be trained: [python, train.py]",
      '  3 | training:',
      '    | ^',
    ].join('\n'),
  ],
  [
    'no command to evaluate with',
    'name: old\ndata: {source: ./data}\nvariants:\n  - {name: a, control: true, model: a.bin}\n  - {name: b, model: b.bin}\n',
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:1:1: training.command: missing; expected this or evaluation.command, to evaluate the models with: [python, train.py]',
      '  1 | name: old',
      '    | ^',
    ].join('\n'),
  ],
  [
    'no budget',
    changed(['  budget: {epochs: 5}\n', '']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:3:1: training.budget: missing; expected at least one of epochs, steps, wallClock, since a is to be trained: {epochs: 5}',
      '  3 | training:',
      '    | ^',
    ].join('\n'),
  ],
  [
    'splits that leave nothing to train on',
    changed(['{source: ./data}', '{source: ./data, split: {test: 0.9, validation: 0.1}}']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:2:24: data.split: expected test and validation to leave rows to train on, got 0.9 + 0.1, which is 1 or more',
      '  2 | data: {source: ./data, split: {test: 0.9, validation: 0.1}}',
      '    |                        ^',
    ].join('\n'),
  ],
  [
    'a percentage as a split',
    changed(['{source: ./data}', '{source: ./data, split: {test: 20}}']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:2:38: data.split.test: expected a number above 0 and below 1, got 20',
      '  2 | data: {source: ./data, split: {test: 20}}',
      '    |                                      ^',
    ].join('\n'),
  ],
  [
    'a number as a split',
    changed(['{source: ./data}', '{source: ./data, split: 0.2}']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:2:31: data.split: expected a mapping such as {test: 0.2, validation: 0.1}, {train: FILE, test: FILE} or {time: COLUMN, before: TIME}, got 0.2',
      '  2 | data: {source: ./data, split: 0.2}',
      '    |                               ^',
    ].join('\n'),
  ],
  [
    'a split by files without a test file',
    changed(['{source: ./data}', '{source: ./data, split: {train: train.csv}}']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:2:24: data.split.test: missing; expected text',
      '  2 | data: {source: ./data, split: {train: train.csv}}',
      '    |                        ^',
    ].join('\n'),
  ],
  [
    'fractions and files in one split',
    changed(['{source: ./data}', '{source: ./data, split: {train: a.csv, test: b.csv, seed: 1}}']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:2:59: data.split.seed: belongs to another form of a split; give fractions (test, validation, by, seed, stratify), files (train, validation, test) or a time (time, before, validationFrom)',
      '  2 | data: {source: ./data, split: {train: a.csv, test: b.csv, seed: 1}}',
      '    |                                                           ^',
    ].join('\n'),
  ],
  [
    'a split by a unit that is not named',
    changed(['{source: ./data}', '{source: ./data, split: {by: unit}}']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:2:36: data.split.by: expected data.unit to name the column, since the split is by unit, got nothing',
      '  2 | data: {source: ./data, split: {by: unit}}',
      '    |                                    ^',
    ].join('\n'),
  ],
  [
    'a primary metric that is not reported',
    changed(['varies: [h]\n', 'varies: [h]\nanalysis: {primary: ece}\n']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:10:21: analysis.primary: expected the primary metric ece to be in evaluation.metrics, got accuracy, f1_macro, auc_ovr, log_loss, latency_p95; add it there',
      '  10 | analysis: {primary: ece}',
      '     |                     ^',
    ].join('\n'),
  ],
  [
    'a guardrail that is not reported',
    changed(['varies: [h]\n', 'varies: [h]\nanalysis: {guardrails: [{metric: ece, maxIncrease: 0.01}]}\n']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:10:34: analysis.guardrails[0].metric: expected the guardrail ece to be in evaluation.metrics, got accuracy, f1_macro, auc_ovr, log_loss, latency_p95; add it there',
      '  10 | analysis: {guardrails: [{metric: ece, maxIncrease: 0.01}]}',
      '     |                                  ^',
    ].join('\n'),
  ],
  [
    'non-inferiority without a margin',
    changed(['varies: [h]\n', 'varies: [h]\nanalysis: {test: non-inferiority}\n']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:10:1: analysis.margin: expected a margin above 0 for non-inferiority, got 0; say what difference would matter, such as 0.01 or "2%"',
      '  10 | analysis: {test: non-inferiority}',
      '     | ^',
    ].join('\n'),
  ],
  [
    'equivalence with a share of 0',
    changed(['varies: [h]\n', 'varies: [h]\nanalysis: {test: equivalence, margin: 0%}\n']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:10:39: analysis.margin: expected a margin above 0 for equivalence, got "0%"; say what difference would matter, such as 0.01 or "2%"',
      '  10 | analysis: {test: equivalence, margin: 0%}',
      '     |                                       ^',
    ].join('\n'),
  ],
  [
    'a margin in points',
    changed(['varies: [h]\n', 'varies: [h]\nanalysis: {margin: 2}\n']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:10:20: analysis.margin: expected less than 1, since accuracy is a fraction, got 2; write 0.01 for one point, or "20%" for a share of the control\'s value',
      '  10 | analysis: {margin: 2}',
      '     |                    ^',
    ].join('\n'),
  ],
  [
    'a guardrail without a limit',
    changed(['varies: [h]\n', 'varies: [h]\nanalysis: {guardrails: [{metric: log_loss}]}\n']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:10:25: analysis.guardrails[0]: expected a limit, such as maxIncrease: 20%, since log_loss gets worse as it rises, got none',
      '  10 | analysis: {guardrails: [{metric: log_loss}]}',
      '     |                         ^',
    ].join('\n'),
  ],
  [
    'a guardrail with both limits',
    changed(['varies: [h]\n', 'varies: [h]\nanalysis: {guardrails: [{metric: log_loss, maxIncrease: 1%, maxDecrease: 1%}]}\n']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:10:61: analysis.guardrails[0].maxDecrease: expected exactly one limit, got both; log_loss gets worse as it rises, so keep maxIncrease',
      '  10 | analysis: {guardrails: [{metric: log_loss, maxIncrease: 1%, maxDecrease: 1%}]}',
      '     |                                                             ^',
    ].join('\n'),
  ],
  [
    'a guardrail in the direction that is better',
    changed(['varies: [h]\n', 'varies: [h]\nanalysis: {guardrails: [{metric: f1_macro, maxIncrease: 1%}]}\n']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:10:44: analysis.guardrails[0].maxIncrease: expected maxDecrease, since f1_macro gets worse as it falls, got maxIncrease',
      '  10 | analysis: {guardrails: [{metric: f1_macro, maxIncrease: 1%}]}',
      '     |                                            ^',
    ].join('\n'),
  ],
  [
    'the algorithm asked of too few seeds',
    changed(['varies: [h]\n', 'varies: [h]\nanalysis: {question: algorithm}\n'], ['budget:', 'seeds: [1, 2, 3]\n  budget:']),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:11:22: analysis.question: algorithm needs at least 5 seeds, got 3; add seeds, or use artifact',
      '  11 | analysis: {question: algorithm}',
      '     |                      ^',
    ].join('\n'),
  ],
  [
    'the algorithm asked of a trained model',
    changed(
      ['{name: b, params: {h: 2}}', '{name: b, params: {h: 2}, model: b.bin}'],
      ['varies: [h]\n', 'varies: [h]\nanalysis: {question: algorithm}\n'],
    ),
    [
      '1 problem in experiment.yaml',
      'experiment.yaml:10:22: analysis.question: algorithm asks about training again, and b is an already trained model; use artifact',
      '  10 | analysis: {question: algorithm}',
      '     |                      ^',
    ].join('\n'),
  ],
];

test.each(cases)('%s is refused with its place and mend', (_, file, message) => {
  let thrown: unknown;
  try {
    loadSpec(file, { file: 'experiment.yaml', root: '/experiment' });
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(AssayError);
  expect((thrown as AssayError).type).toBe('SpecInvalid');
  expect((thrown as AssayError).message).toBe(message);
});
