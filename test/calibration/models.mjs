/** Situations of trained models: which data, which methods, what each claims. */
import {
  bootstrapBy,
  closedBootstrap,
  components,
  crossed,
  delong,
  influences,
  mcnemar,
  permutation,
  pooledRows,
  rowsAlone,
  seedsAlone,
  unclustered,
} from './comparisons.mjs';
import { error, mistake } from './measures.mjs';
import { manyClasses, rareShares, seedEffects, threeShares, twoClasses } from './worlds.mjs';

const labelMetrics = ['accuracy', 'f1_macro', 'recall_macro'];
const sizes = Object.entries(seedEffects);

/** The artifact question: the truth is that of these models. */
const ofModels = (metric) => (data) => data.ofModels(metric);
/** The algorithm question: over the seeds there could be. */
const ofAlgorithms = (metric) => (data) => data.ofAlgorithms(metric);

const names = {
  bca: 'bootstrap BCa',
  percentile: 'bootstrap percentile',
  expanded: 'bootstrap percentile, widened',
  basic: 'bootstrap basic',
  studentised: 'bootstrap studentised',
};
const by = (method) => (metric, claim) => error(names[method], metric, bootstrapBy(metric, method), ofModels(metric), claim);
const vc = (metric, claim) => error('variance components', metric, components(metric), ofAlgorithms(metric), claim);

const world = (options) => (random) => twoClasses(random, options);
const manyWorld = (options) => (random) => manyClasses(random, options);

/** Resamples of a metric read by every method named. */
const both = (...metrics) => metrics.flatMap((metric) => [...rowsBy(metric, ['bca', 'percentile']), ...closedForm(metric)]);
const all = (...metrics) =>
  metrics.flatMap((metric) => [...rowsBy(metric, ['bca', 'percentile', 'basic', 'studentised']), ...closedForm(metric)]);
const ofUsers = (...metrics) => metrics.flatMap((metric) => [...rowsBy(metric, ['bca', 'percentile', 'expanded']), ...closedForm(metric)]);
const rowsBy = (metric, methods) => methods.map((method) => by(method)(metric));
const closedForms = (...metrics) => metrics.flatMap(closedForm);
const closedForm = (metric) => (metric === 'ece' ? [] : [error('t on influence values', metric, influences(metric), ofModels(metric))]);
const test = (metric) => error('permutation', metric, permutation(metric));
const ofDelong = error('DeLong', 'auc_ovr', delong, ofModels('auc_ovr'));
const closed = error('bootstrap percentile, closed form', 'accuracy', closedBootstrap, ofModels('accuracy'));
const mcnemars = [error('McNemar exact', 'accuracy', mcnemar('exact')), error('McNemar mid-p', 'accuracy', mcnemar('mid-p'))];

const oneSeed = [
  {
    name: '500 rows, 1 seed, equal models',
    make: world({}),
    rows: [
      ...mcnemars,
      closed,
      ...all('accuracy'),
      ...both('f1_macro'),
      test('f1_macro'),
      ofDelong,
      ...both('auc_ovr'),
      test('auc_ovr'),
      ...both('log_loss', 'brier', 'ece'),
    ],
  },
  ...sizes.slice(1).map(([size, effect]) => ({
    name: `500 rows, 1 seed, ${size} seed effect`,
    make: world({ effect }),
    rows: [...both('accuracy'), ...closedForms('f1_macro', 'log_loss'), ofDelong],
  })),
  {
    name: '100 rows, 1 seed, equal models 95 % right',
    make: world({ rows: 100, skill: 1.645 }),
    rows: [...mcnemars, closed, ...both('accuracy', 'f1_macro', 'log_loss')],
  },
  {
    name: '500 rows, 1 seed, 3 % positives',
    make: world({ positives: 0.03 }),
    rows: [ofDelong, ...both('auc_ovr', 'f1_macro')],
  },
  { name: '500 rows, 1 seed, AUC 0.995', make: world({ skill: 1.82 }), rows: [ofDelong, ...both('auc_ovr')] },
  {
    name: '300 rows, 1 seed, 3 classes',
    make: manyWorld({ shares: threeShares }),
    rows: [...both('f1_macro', 'ece'), ...closedForms('auc_ovr', 'recall_macro', 'log_loss')],
  },
  {
    name: '300 rows, 1 seed, rare and absent classes',
    make: manyWorld({ shares: rareShares }),
    rows: [...both('accuracy', 'recall_macro'), ...all('f1_macro'), test('f1_macro')],
  },
];

const threeSeeds = [
  ...sizes.map(([size, effect]) => ({
    name: `500 rows, 3 seeds, ${size} seed effect`,
    make: world({ seeds: 3, effect }),
    rows: [...both('accuracy', ...(effect === 0 ? ['ece'] : [])), ...closedForms('f1_macro', 'log_loss')],
  })),
  {
    name: '300 rows, 3 seeds, large seed effect',
    make: world({ rows: 300, seeds: 3, effect: seedEffects.large }),
    rows: closedForms('auc_ovr'),
  },
  {
    name: '300 rows, 3 seeds, rare and absent classes',
    make: manyWorld({ shares: rareShares, seeds: 3 }),
    rows: [...both('accuracy', 'recall_macro'), ...closedForms('f1_macro')],
  },
];

const clustered = [
  {
    name: '300 users, 1 seed, equal models',
    make: world({ units: 300 }),
    rows: [
      ...ofUsers('accuracy', 'f1_macro', 'recall_macro', 'log_loss', 'brier', 'auc_ovr', 'ece'),
      test('f1_macro'),
      mistake('McNemar on rows of users', 'accuracy', mcnemar('exact')),
      mistake('bootstrap on rows of users', 'accuracy', unclustered(bootstrapBy('accuracy', 'percentile')), ofModels('accuracy')),
      mistake('DeLong on rows of users', 'auc_ovr', delong, ofModels('auc_ovr')),
    ],
  },
  {
    name: '300 users, 3 seeds, large seed effect',
    make: world({ units: 300, seeds: 3, effect: seedEffects.large }),
    rows: ofUsers('accuracy', 'f1_macro', 'recall_macro', 'log_loss', 'auc_ovr'),
  },
  {
    name: '50 users, 1 seed, equal models',
    make: world({ units: 50 }),
    rows: [...all('accuracy'), by('expanded')('accuracy'), ...ofUsers('f1_macro', 'log_loss')],
  },
];

const algorithm = [5, 10].flatMap((seeds) => [
  ...sizes.flatMap(([size, effect]) => [
    {
      name: `500 rows, ${seeds} seeds, ${size} seed effect`,
      make: world({ seeds, effect }),
      rows: [
        ...[...labelMetrics, 'auc_ovr', 'log_loss', 'brier'].map((metric) => vc(metric)),
        ...(effect === 0 ? [] : [mistake('rows x seeds pooled', 'accuracy', pooledRows)]),
        ...(effect === seedEffects.large ? [mistake('rows resampled, seeds not', 'accuracy', rowsAlone)] : []),
        ...(effect === seedEffects.small ? [mistake('t over seeds, rows not', 'accuracy', seedsAlone)] : []),
        ...(seeds === 10 ? [error('crossed bootstrap', 'accuracy', crossed('accuracy'))] : []),
        ...(seeds === 5 && effect === seedEffects.large ? [mistake('crossed bootstrap of 5 seeds', 'accuracy', crossed('accuracy'))] : []),
      ],
    },
    {
      name: `300 users, ${seeds} seeds, ${size} seed effect`,
      make: world({ seeds, effect, units: 300 }),
      rows: [...labelMetrics, 'auc_ovr', 'log_loss'].map((metric) => vc(metric)),
    },
  ]),
  {
    name: `300 rows, ${seeds} seeds, rare and absent classes, large seed effect`,
    make: manyWorld({ shares: rareShares, seeds, effect: seedEffects.large }),
    rows: [...labelMetrics, 'log_loss', ...(seeds === 5 ? ['auc_ovr'] : [])].map((metric) => vc(metric)),
  },
  {
    name: `500 rows, ${seeds} seeds, ECE of equal models`,
    make: world({ seeds }),
    rows: seeds === 5 ? both('ece') : [],
  },
]);

/** Arm B is better: the interval has to hold the true difference. */
const gains = [
  {
    name: '500 rows, 1 seed, B 4 points better',
    make: world({ gain: 0.185 }),
    rows: [...both('accuracy'), ...closedForms('f1_macro', 'log_loss'), ofDelong],
  },
  {
    name: '300 users, 1 seed, B 4 points better',
    make: world({ gain: 0.185, units: 300 }),
    rows: ofUsers('accuracy', 'f1_macro', 'log_loss'),
  },
  ...[5, 10].map((seeds) => ({
    name: `500 rows, ${seeds} seeds, large seed effect, B 4 points better`,
    make: world({ gain: 0.185, seeds, effect: seedEffects.large }),
    rows: [...labelMetrics, 'auc_ovr', 'log_loss'].map((metric) => vc(metric)),
  })),
];

export const modelSituations = [...oneSeed, ...threeSeeds, ...clustered, ...algorithm, ...gains].filter(({ rows }) => rows.length > 0);
