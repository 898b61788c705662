import { startLog } from './liveLog.js';

const apartMs = 2000;

/**
 * Takes what changed from a newer page of the server, at most every two seconds however often it is asked; what a person holds, has open or has
 * typed stays as it is.
 * @param {HTMLElement} page
 * @returns {() => Promise<'ok' | 'ended' | 'signedOut'>}
 */
export function refreshes(page) {
  /** @type {Promise<'ok' | 'ended' | 'signedOut'> | null} */
  let waiting = null;
  /** @type {Promise<unknown>} */
  let under = Promise.resolve();
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    waiting ??= under
      .then(() => new Promise((done) => setTimeout(done, Math.max(0, last + apartMs - performance.now()))))
      .then(() => {
        waiting = null;
        last = performance.now();
        const loading = load(page);
        under = loading.catch(() => undefined);
        return loading;
      });
    // Who only wants it done, and does not care how it went.
    waiting.catch(() => undefined);
    return waiting;
  };
}

/**
 * @param {HTMLElement} page
 * @returns {Promise<'ok' | 'ended' | 'signedOut'>}
 */
async function load(page) {
  const answer = await fetch(location.pathname, { headers: { accept: 'text/html' }, credentials: 'same-origin' });
  if (answer.redirected && new URL(answer.url).pathname === '/sign-in') return 'signedOut';
  if (!answer.ok) throw new Error(`answered ${answer.status}`);
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const newer = fresh.getElementById('experiment');
  if (newer === null) throw new Error('not the page of an experiment');
  for (const part of newer.querySelectorAll('[data-region]')) {
    const shown = document.getElementById(part.id);
    if (shown !== null && shown.innerHTML !== part.innerHTML) replace(shown, part);
  }
  const [log, newerLog] = [document.getElementById('log'), fresh.getElementById('log')];
  if (log !== null && newerLog !== null) updateLog(page, log, newerLog);
  document.title = fresh.title;
  page.dataset['ended'] = newer.dataset['ended'] ?? 'false';
  return page.dataset['ended'] === 'true' ? 'ended' : 'ok';
}

/**
 * @param {Element} shown
 * @param {Element} part
 */
function replace(shown, part) {
  const active = shown.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement) : null;
  const open = [...shown.querySelectorAll('details[open][id]')].map(({ id }) => id);
  const typed = [...shown.querySelectorAll('input[id], select[id]')].map((field) => held(/** @type {HTMLInputElement | HTMLSelectElement} */ (field)));
  const scrolled = [...shown.querySelectorAll('.scroll[id]')].map((box) => ({ id: box.id, left: box.scrollLeft, top: box.scrollTop }));
  const place = active === null ? null : placeOf(shown, active);
  shown.replaceChildren(...[...part.childNodes].map((node) => document.importNode(node, true)));
  for (const id of open) document.getElementById(id)?.setAttribute('open', '');
  for (const give of typed) give();
  for (const { id, left, top } of scrolled) document.getElementById(id)?.scrollTo({ left, top });
  if (place !== null) findPlace(shown, place)?.focus({ preventScroll: true });
}

/**
 * How to give back what a person entered.
 * @param {HTMLInputElement | HTMLSelectElement} field
 * @returns {() => void}
 */
function held(field) {
  const { id } = field;
  if (field instanceof HTMLSelectElement || field.type === 'checkbox') {
    const value = field instanceof HTMLSelectElement ? field.value : field.checked;
    return () => {
      const next = document.getElementById(id);
      if (next instanceof HTMLSelectElement && [...next.options].some((option) => option.value === value)) next.value = String(value);
      if (next instanceof HTMLInputElement) next.checked = value === true;
    };
  }
  const { value, defaultValue, selectionStart, selectionEnd } = field;
  return () => {
    const next = document.getElementById(id);
    if (!(next instanceof HTMLInputElement) || value === defaultValue) return;
    next.value = value;
    next.setSelectionRange(selectionStart, selectionEnd);
  };
}

/** @typedef {{ id: string } | { href: string | null, text: string | null, tag: string }} Place */

/**
 * @param {Element} _region
 * @param {HTMLElement} element
 * @returns {Place}
 */
function placeOf(_region, element) {
  if (element.id !== '') return { id: element.id };
  if (element.tagName === 'SUMMARY' && element.parentElement?.id) return { id: `${element.parentElement.id}>summary` };
  return { tag: element.tagName, href: element.getAttribute('href'), text: element.textContent };
}

/**
 * @param {Element} region
 * @param {Place} place
 * @returns {HTMLElement | null}
 */
function findPlace(region, place) {
  if ('id' in place) {
    const [id = '', inner] = place.id.split('>');
    const element = document.getElementById(id);
    // What is gone leaves its focus to the part that it was in, not to the top of the page.
    return (inner === undefined ? element : /** @type {HTMLElement | null} */ (element?.querySelector(inner) ?? null)) ?? fallback(region);
  }
  const same = [...region.querySelectorAll(place.tag)].find(
    (element) => element.getAttribute('href') === place.href && element.textContent === place.text,
  );
  return /** @type {HTMLElement | null} */ (same ?? fallback(region));
}

/**
 * @param {Element} region
 * @returns {HTMLElement | null}
 */
const fallback = (region) => region.querySelector('[tabindex="-1"]') ?? document.getElementById('main');

/**
 * Runs that are new can be chosen; what is shown stays.
 * @param {HTMLElement} page
 * @param {HTMLElement} log
 * @param {HTMLElement} newer
 */
function updateLog(page, log, newer) {
  const [select, fresh] = [log.querySelector('select'), newer.querySelector('select')];
  if (fresh === null) return;
  if (select === null) {
    log.replaceWith(document.importNode(newer, true));
    startLog(page);
    return;
  }
  const names = (/** @type {HTMLSelectElement} */ one) => [...one.options].map(({ value }) => value).join('\n');
  if (names(select) === names(fresh)) return;
  const { value } = select;
  select.replaceChildren(...[...fresh.options].map((option) => document.importNode(option, true)));
  select.value = value;
}
