import { restated } from './claims.mjs';
import { latencySituations } from './latency.mjs';
import { lookSituations } from './looks.mjs';
import { modelSituations } from './models.mjs';
import { otherSituations } from './others.mjs';

/** Every situation: a name, `make(random)` that draws one experiment, and the rows of the table that look at it. */
export const situations = [...modelSituations, ...otherSituations, ...latencySituations, ...lookSituations];

for (const [method, metric, situation, claim] of restated) {
  const row = situations.find(({ name }) => name === situation)?.rows.find((each) => each.method === method && each.metric === metric);
  if (row === undefined) throw new Error(`claims.mjs states a claim for "${method}, ${metric}, ${situation}", of which there is no row`);
  row.claim = claim;
}
