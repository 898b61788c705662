import { type Html, html } from '../report/html';
import type { ExperimentView, RunCurve } from './experimentView';
import { grouped, lossText } from './experimentWords';

/** Drawn in the curve's own units: the view box is the range that all of them share, so that variants compare at a glance. */
export function curvesRegion({ curves, curvesLeftOut, variants, id }: ExperimentView): Html | null {
  const drawn = curves.filter(({ points }) => points.some(([, loss]) => loss !== null));
  if (drawn.length === 0) return null;
  const range = rangeOf(drawn);
  const named = [...new Set([...variants, ...drawn.map(({ variant }) => variant)])];
  return html`<section aria-labelledby="curves-title"><h2 id="curves-title">Training loss</h2>
<div class="curves">${named.map((variant, i) => {
    const own = drawn.filter((curve) => curve.variant === variant);
    return own.length === 0 ? null : figure(variant, own, range, i);
  })}</div>
<details id="curves-table"><summary>The same as a table</summary><div class="scroll" id="curves-scroll" tabindex="0" role="group" aria-label="Training loss of each run"><table><thead><tr><th scope="col">Run</th><th scope="col" class="number">First</th><th scope="col" class="number">Lowest</th><th scope="col" class="number">Newest</th><th scope="col" class="number">Points</th></tr></thead>
<tbody>${drawn.map(row)}</tbody></table></div></details>
<p class="muted">Thinned to a hundred points or two a run${curvesLeftOut === 0 ? null : `; ${grouped(curvesLeftOut)} more runs are not drawn`}. <a href="/v1/experiments/${id}/curves">As JSON</a></p>
</section>`;
}

interface Range {
  steps: [number, number];
  losses: [number, number];
}

function rangeOf(curves: readonly RunCurve[]): Range {
  const steps = curves.flatMap(({ points }) => points.map(([step]) => step));
  const losses = curves.flatMap(({ points }) => points.flatMap(([, loss]) => (loss === null ? [] : [loss])));
  return { steps: [Math.min(...steps), Math.max(...steps)], losses: [Math.min(...losses), Math.max(...losses)] };
}

function figure(variant: string, curves: readonly RunCurve[], { steps, losses }: Range, colour: number): Html {
  const [from, to] = steps;
  const [low, high] = losses;
  const box = [from, -high, to - from || 1, high - low || 1].join(' ');
  return html`<figure class="curve" data-variant="${variant}"><figcaption><strong>${variant}</strong> <span class="muted" data-part="said">${curves.map(said).join('; ')}</span></figcaption>
<div class="plot"><span class="high" data-part="high">${lossText(high)}</span><span class="low" data-part="low">${lossText(low)}</span>
<svg viewBox="${box}" preserveAspectRatio="none" role="img" aria-label="Training loss of ${variant} over steps, a line a seed">${curves.map(
    (curve, i) =>
      html`<polyline class="v${Math.min(colour, 6)} s${i % 4}" data-seed="${curve.seed}" points="${pointsOf(curve)}"><title>seed ${curve.seed}</title></polyline>`,
  )}</svg></div>
<p class="axis muted"><span data-part="from">step ${grouped(from)}</span> <span data-part="to">${grouped(to)}</span></p></figure>`;
}

/** y grows downwards. */
const pointsOf = ({ points }: RunCurve): string => points.flatMap(([step, loss]) => (loss === null ? [] : [`${step},${-loss}`])).join(' ');

function said({ seed, points }: RunCurve): string {
  const [step, loss] = points.findLast(([, one]) => one !== null) ?? [0, 0];
  return `seed ${seed}: ${lossText(loss ?? 0)} at step ${grouped(step)}`;
}

function row({ variant, seed, points }: RunCurve): Html {
  const known = points.flatMap(([step, loss]) => (loss === null ? [] : [{ step, loss }]));
  const cell = (point: { step: number; loss: number } | undefined): Html =>
    html`<td class="number">${point === undefined ? '–' : `${lossText(point.loss)} (step ${grouped(point.step)})`}</td>`;
  const lowest = known.reduce<(typeof known)[number] | undefined>(
    (best, one) => (best === undefined || one.loss < best.loss ? one : best),
    undefined,
  );
  return html`<tr><th scope="row">${variant} seed ${seed}</th>${cell(known[0])}${cell(lowest)}${cell(known.at(-1))}<td class="number">${known.length}</td></tr>`;
}
