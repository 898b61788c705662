/** Looking while data come in: every new row, 20 looks, and nights that share most of their rows. */
import { alpha, error, mistake } from './measures.mjs';
import { stats } from './stats.mjs';
import { discordantRow } from './worlds.mjs';

const rows = 2000;
const looks = 20;
const discordance = 0.2;

const stream = (random) => Float64Array.from({ length: rows }, () => discordantRow(random, discordance));
/** Losses: skewed, and of no known bound. */
const losses = (random) => Float64Array.from({ length: rows }, () => Math.exp(random.normal()) - Math.exp(random.normal()));

const rejecting = (rejects) => ({ pValue: rejects ? 0 : 1 });

const eProcess = (gaps) => ({ pValue: stats.discordantEProcess(gaps.filter((gap) => gap !== 0).map((gap) => (gap > 0 ? 1 : 0))).pValue });

/** The first look at row `from`, then at every `step` rows. */
const alwaysValid = (from, step) => (gaps) => {
  let rejects = false;
  eachLook(gaps, from, step, (n, difference, variance) => {
    rejects ||= stats.alwaysValidInterval({ difference, variance, n }, { tuning: 1000 }).pValue <= alpha;
  });
  return rejecting(rejects);
};

const information = Array.from({ length: looks }, (_, look) => (look + 1) / looks);
const groupSequential = (spending) => {
  const bounds = stats.groupSequentialBounds({ information, alpha, spending }).z;
  return (gaps) => rejecting(reached(gaps, bounds));
};

/** Mistake: the fixed test at each of 20 looks. */
const peeking = (gaps) => rejecting(reached(gaps, new Array(looks).fill(1.959963984540054)));

function reached(gaps, bounds) {
  let rejects = false;
  let look = 0;
  eachLook(gaps, rows / looks, rows / looks, (n, difference, variance) => {
    if (variance > 0 && Math.abs(difference) / Math.sqrt(variance) >= bounds[look]) rejects = true;
    look++;
  });
  return rejects;
}

function eachLook(gaps, from, step, look) {
  let [sum, squares] = [0, 0];
  for (let n = 1; n <= gaps.length; n++) {
    const gap = gaps[n - 1];
    sum += gap;
    squares += gap * gap;
    if (n >= from && (n - from) % step === 0) look(n, sum / n, (squares - (sum * sum) / n) / (n - 1) / n);
  }
}

/** Twenty nights, each on the last 1,000 rows, 50 of them new; exact McNemar at each. */
const nights = (spend) => (gaps) => {
  for (let night = 1; night <= looks; night++) {
    const [from, to] = [50 * (night - 1), 50 * (night - 1) + 1000];
    let [b, c] = [0, 0];
    for (let i = from; i < to; i++) {
      if (gaps[i] > 0) c++;
      else if (gaps[i] < 0) b++;
    }
    const table = [
      [to - from - b - c, b],
      [c, 0],
    ];
    if (stats.mcnemar(table, { method: 'mid-p' }).pValue <= spend(night)) return rejecting(true);
  }
  return rejecting(false);
};

export const lookSituations = [
  {
    name: 'a look at every one of 2,000 rows',
    make: stream,
    rows: [
      error('e-process', 'accuracy', eProcess),
      error('always-valid interval, from row 50', 'accuracy', alwaysValid(50, 1)),
      mistake('fixed test at every row from 50', 'accuracy', (gaps) => {
        let rejects = false;
        eachLook(gaps, 50, 1, (_, difference, variance) => {
          rejects ||= Math.abs(difference) > 1.959963984540054 * Math.sqrt(variance);
        });
        return rejecting(rejects);
      }),
    ],
  },
  {
    name: 'a look at every one of 2,000 rows',
    make: losses,
    rows: [error('always-valid interval, from row 50', 'log_loss', alwaysValid(50, 1))],
  },
  {
    name: '20 looks at 2,000 rows',
    make: stream,
    rows: [
      error('always-valid interval', 'accuracy', alwaysValid(100, 100)),
      error("group-sequential, O'Brien-Fleming", 'accuracy', groupSequential('obrien-fleming')),
      error('group-sequential, Pocock', 'accuracy', groupSequential('pocock')),
      mistake('fixed test at every look', 'accuracy', peeking),
    ],
  },
  {
    name: '20 nights, 95 % of the rows as the night before',
    make: stream,
    rows: [
      error(
        'overlapping ledger',
        'accuracy',
        nights((night) => stats.spendOverlapping(night, { alpha })),
      ),
      mistake(
        'fixed test every night',
        'accuracy',
        nights(() => alpha),
      ),
    ],
  },
];
