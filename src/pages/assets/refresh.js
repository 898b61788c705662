// @ts-check
// Keeps `<div id=… data-refresh="seconds">` fresh while the page is seen. Without it the page shows what was so when it was loaded.

const region = /** @type {HTMLElement | null} */ (document.querySelector('[data-refresh]'));
const said = /** @type {HTMLElement | null} */ (document.querySelector('#said'));
const away = 'The server does not answer; trying again.';
let under = false;

async function refresh() {
  const old = region && document.getElementById(region.id);
  // What someone writes or is about to press must not move.
  const busy = old?.contains(document.activeElement) && document.activeElement?.matches('input, button, select');
  if (!old || under || busy || document.visibilityState !== 'visible') return;
  under = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: 'text/html' } });
    if (answer.redirected) return location.reload();
    const next = new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById(old.id);
    if (!answer.ok || next === null) throw new Error(String(answer.status));
    const at = [...old.querySelectorAll('a')].findIndex((link) => link === document.activeElement);
    old.replaceWith(document.importNode(next, true));
    if (at >= 0) document.getElementById(old.id)?.querySelectorAll('a')[at]?.focus({ preventScroll: true });
    if (said?.textContent === away) said.textContent = '';
  } catch {
    if (said) said.textContent = away;
  } finally {
    under = false;
  }
}

if (region) {
  const now = () => void refresh();
  setInterval(now, Number(region.dataset['refresh']) * 1000);
  document.addEventListener('visibilitychange', now);
  addEventListener('online', now);
}
