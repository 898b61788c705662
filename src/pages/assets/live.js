// Keeps the page of one experiment up to date: numbers and curves from its stream of events, everything else from a newer page.
import { drawCurve } from './liveCurves.js';
import { startLog } from './liveLog.js';
import { refreshes } from './liveRegions.js';
import { follow } from './liveStream.js';
import { lossText, grouped, spanOf } from './liveWords.js';

const page = /** @type {HTMLElement} */ (document.getElementById('experiment'));
const connection = /** @type {HTMLElement} */ (document.getElementById('connection'));
const said = /** @type {HTMLElement} */ (document.getElementById('said'));

// Said once, not again when the page is loaded again.
if (location.search.includes('done=')) history.replaceState(null, '', location.pathname + location.hash);

// What a refused form answers stands at the form's address, which only takes forms.
const address = page.dataset['page'] ?? location.pathname;
if (location.pathname !== address) history.replaceState(null, '', address + location.hash);

const refresh = refreshes(page);
startLog(page);

/** What of the progress is shown by the server: when it changes, so does the page. */
let standing = '';

/** @type {Record<import('./liveStream.js').State, (since: string) => string>} */
const words = {
  connecting: () => 'Connecting…',
  live: () => 'Live: this page follows the experiment.',
  broken: (since) => `Not connected since ${since} UTC: trying again. What is shown is from before.`,
  offline: (since) => `You are offline since ${since} UTC. The page catches up by itself when you are back.`,
  signedOut: () => 'You are signed out: load the page again to sign in.',
  ended: () => 'It has ended: this page will not change.',
};

if (page.dataset['ended'] !== 'true') {
  follow(page.dataset['events'] ?? '', {
    catchUp: refresh,
    state(state, since) {
      page.dataset['connection'] = state;
      const text = words[state](since);
      if (connection.textContent !== text) connection.textContent = text;
    },
    event(name, data) {
      if (name === 'progress') progress(data);
      else if (name === 'curve') {
        const open = document.querySelector('#curves-table[open]') !== null;
        if (!drawCurve(data) || open) void refresh();
      } else {
        // What was before the page is told again when the stream begins.
        if (standing !== '' && name === 'stage') said.textContent = `Stage: ${data.stage}`;
        if (name === 'end') said.textContent = data.verdict?.sentence ?? data.message ?? `It is ${data.status}.`;
        void refresh();
      }
    },
  });
}

/** @param {any} data */
function progress({ stage, paused, waitingFor, waits, runs, steps }) {
  const states = steps.map((/** @type {any} */ step) => [step.phase, step.message]);
  const now = JSON.stringify([stage, paused, waitingFor, waits, runs, states]);
  if (now !== standing) void refresh();
  standing = now;
  for (const step of steps) {
    const row = document.querySelector(`[data-run="${CSS.escape(`${step.variant}/${step.seed}`)}"]`);
    if (row === null) continue;
    write(row, 'step', step.step === 0 && step.totalSteps === null ? '' : `${grouped(step.step)}${step.totalSteps === null ? '' : ` of ${grouped(step.totalSteps)}`}`);
    write(row, 'loss', step.loss === null ? '' : lossText(step.loss));
    write(row, 'rate', step.throughput === null ? '' : `${grouped(Math.round(step.throughput))}/s`);
    write(row, 'left', step.secondsLeft === null || step.secondsLeft < 1 ? '' : spanOf(step.secondsLeft));
  }
}

/**
 * @param {Element} row
 * @param {string} name
 * @param {string} text
 */
function write(row, name, text) {
  const cell = row.querySelector(`[data-cell="${name}"]`);
  // A column that no run filled before comes with the newer page.
  if (cell === null) {
    if (text !== '') void refresh();
  } else if (cell.textContent !== text) cell.textContent = text;
}
