// @ts-check
// The list of experiments: filters as one types, links without losing one's place, and fresh while something runs. All of it works without.

const typingMs = 250;
const refreshMs = 5000;

const form = /** @type {HTMLFormElement | null} */ (document.querySelector('#filters'));
const said = /** @type {HTMLElement} */ (document.querySelector('#said'));

/** @type {AbortController | undefined} */
let under;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let typing;

const results = () => /** @type {HTMLElement} */ (document.querySelector('#results'));
const count = () => document.querySelector('#count')?.firstChild?.textContent?.trim() ?? '';

/**
 * Shows what is at an address in place of the results. The newest call wins.
 * @param {string} address
 * @param {{ tell?: boolean }} [options]
 */
async function show(address, { tell = true } = {}) {
  under?.abort();
  const mine = (under = new AbortController());
  try {
    const answer = await fetch(address, { headers: { accept: 'text/html' }, signal: mine.signal });
    if (answer.redirected || !answer.ok) return location.assign(address);
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const next = page.querySelector('#results');
    if (mine.signal.aborted) return;
    // The first experiment brings the filters along.
    if (next === null || Boolean(page.querySelector('#filters')) !== Boolean(form)) return location.reload();
    replace(document.importNode(next, true));
    if (tell) said.textContent = count();
    else if (said.textContent === away) said.textContent = count();
  } catch {
    if (!mine.signal.aborted) said.textContent = away;
  }
}

const away = 'The server does not answer; trying again.';

/**
 * Focus stays on what has the same key.
 * @param {Element} next
 */
function replace(next) {
  const old = results();
  const key = old.contains(document.activeElement) ? document.activeElement?.getAttribute('data-key') : null;
  const scrolled = old.querySelector('.scroll')?.scrollLeft ?? 0;
  old.replaceWith(next);
  const scroll = next.querySelector('.scroll');
  if (scroll) scroll.scrollLeft = scrolled;
  if (key) /** @type {HTMLElement | null} */ (next.querySelector(`[data-key="${CSS.escape(key)}"]`))?.focus({ preventScroll: true });
}

/** @param {HTMLFormElement} filters */
function addressOf(filters) {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(filters)) if (typeof value === 'string' && value.trim() !== '') query.set(name, value);
  return query.size === 0 ? '/' : `/?${query}`;
}

/**
 * The form says what the address says.
 * @param {string} search
 */
function fill(search) {
  const query = new URLSearchParams(search);
  for (const field of form?.elements ?? []) {
    if (!(field instanceof HTMLInputElement || field instanceof HTMLSelectElement) || field.name === '') continue;
    if (field.type === 'hidden') field.remove();
    else field.value = query.get(field.name) ?? '';
  }
  for (const name of ['sort', 'order']) {
    const value = query.get(name);
    if (value === null || form === null) continue;
    const hidden = Object.assign(document.createElement('input'), { type: 'hidden', name, value });
    form.append(hidden);
  }
}

if (form !== null) {
  const go = () => {
    clearTimeout(typing);
    const address = addressOf(form);
    history.replaceState(null, '', address);
    void show(address);
  };
  form.addEventListener('input', (event) => {
    clearTimeout(typing);
    if (event.target instanceof HTMLSelectElement) go();
    else typing = setTimeout(go, typingMs);
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    go();
  });
}

document.addEventListener('click', (event) => {
  const link = event.target instanceof Element ? event.target.closest('#results a[data-key]') : null;
  if (!(link instanceof HTMLAnchorElement) || link.pathname !== '/' || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  const address = link.pathname + link.search;
  history.pushState(null, '', address);
  fill(link.search);
  void show(address);
});

addEventListener('popstate', () => {
  fill(location.search);
  void show(location.pathname + location.search);
});

// Up and down go from name to name.
document.addEventListener('keydown', (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const here = document.activeElement?.closest('#results tbody th a');
  if (step === undefined || !here) return;
  const names = [...results().querySelectorAll('tbody th a')];
  const next = names[names.indexOf(here) + step];
  if (!(next instanceof HTMLElement)) return;
  event.preventDefault();
  next.focus();
});

const refresh = () => {
  if (document.visibilityState === 'visible' && results().dataset['open'] !== undefined) void show(location.pathname + location.search, { tell: false });
};
setInterval(refresh, refreshMs);
document.addEventListener('visibilitychange', refresh);
addEventListener('online', refresh);
