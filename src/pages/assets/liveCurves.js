import { grouped, lossText } from './liveWords.js';

/**
 * Draws the newer curve of a run, and all others anew in the range that they now share. False where the page has no line for it.
 * @param {{ variant: string, seed: number, points: [number, number | null][] }} curve
 */
export function drawCurve({ variant, seed, points }) {
  const known = points.filter(([, loss]) => loss !== null);
  const figure = document.querySelector(`figure[data-variant="${CSS.escape(variant)}"]`);
  const line = figure?.querySelector(`polyline[data-seed="${seed}"]`);
  if (!line) return known.length === 0;
  line.setAttribute('points', known.map(([step, loss]) => `${step},${-Number(loss)}`).join(' '));
  const figures = [...document.querySelectorAll('figure[data-variant]')];
  const lines = figures.map((one) => [...one.querySelectorAll('polyline')].map((each) => ({ seed: each.dataset['seed'], points: pointsOf(each) })));
  const steps = lines.flat().flatMap((one) => one.points.map(([step]) => step));
  const losses = lines.flat().flatMap((one) => one.points.map(([, loss]) => loss));
  const [from, to, low, high] = [Math.min(...steps), Math.max(...steps), Math.min(...losses), Math.max(...losses)];
  for (const [i, one] of figures.entries()) {
    one.querySelector('svg')?.setAttribute('viewBox', [from, -high, to - from || 1, high - low || 1].join(' '));
    put(one, 'high', lossText(high));
    put(one, 'low', lossText(low));
    put(one, 'from', `step ${grouped(from)}`);
    put(one, 'to', grouped(to));
    const said = (lines[i] ?? []).map((each) => {
      const [step, loss] = each.points.at(-1) ?? [0, 0];
      return `seed ${each.seed}: ${lossText(loss)} at step ${grouped(step)}`;
    });
    put(one, 'said', said.join('; '));
  }
  return true;
}

/**
 * @param {SVGPolylineElement} line
 * @returns {[number, number][]}
 */
const pointsOf = (line) =>
  (line.getAttribute('points') ?? '')
    .split(' ')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const [step = 0, loss = 0] = pair.split(',').map(Number);
      return [step, -loss];
    });

/**
 * @param {Element} figure
 * @param {string} part
 * @param {string} text
 */
function put(figure, part, text) {
  const element = figure.querySelector(`[data-part="${part}"]`);
  if (element !== null && element.textContent !== text) element.textContent = text;
}
