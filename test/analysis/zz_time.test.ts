import { analyse } from '../../src/analysis';
import { experiment } from './simulate';
const all = ['accuracy', 'f1_macro', 'recall_macro', 'auc_ovr', 'log_loss', 'ece'];
test.each([[359, 10, [1, 2, 3, 4, 5]], [359, 10, [1]], [359, 10, [1,2,3]], [20000, 10, [1]]])('t %j %j %j', (rows, classes, seeds) => {
  for (const m of all) {
    const input = experiment({ seed: 1, rows, classes, seeds, arms: [{ name: 'a' }, { name: 'b' }], plan: { resamples: 20000, primary: m, metrics: [m] } });
    const t = Date.now();
    const r = analyse(input);
    process.stdout.write(`${rows} ${seeds.length} ${m} ${Date.now() - t} ms ${r.comparisons[0]!.resamples}\n`);
  }
});
