const everyMs = 3000;
const lines = 200;

/**
 * Shows the last lines of the run that is chosen, as they come, without loading the page again.
 * @param {HTMLElement} page
 */
export function startLog(page) {
  const form = document.getElementById('log-form');
  const [select, note, shown] = [document.getElementById('log-run'), document.getElementById('log-note'), document.getElementById('log-lines')];
  if (!(form instanceof HTMLFormElement) || !(select instanceof HTMLSelectElement) || note === null || shown === null) return;
  const at = (page.dataset['events'] ?? '').replace(/\/events$/, '');
  const choice = select;
  /** Grows with each choice: what an older one still brings is not shown. */
  let turn = 0;
  /** @type {number | undefined} */
  let timer;

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    choose();
  });
  select.addEventListener('change', choose);
  // The names in the table of runs lead here.
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a[href*="?log="]') : null;
    if (link === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    choice.value = new URL(/** @type {HTMLAnchorElement} */ (link).href).searchParams.get('log') ?? choice.value;
    choice.focus();
    choose();
  });
  if (!shown.hidden) choose();

  function choose() {
    turn += 1;
    clearTimeout(timer);
    void look(turn, true);
  }

  /**
   * @param {number} own
   * @param {boolean} first
   */
  async function look(own, first) {
    if (own !== turn || !choice.isConnected) return;
    const run = choice.value;
    const [, variant = '', seed = ''] = /^(.*)\/(\d+)$/.exec(run) ?? [];
    const state = () => document.querySelector(`[data-run="${CSS.escape(run)}"]`)?.getAttribute('data-state');
    try {
      // One that waits between two starts has no log just now: what it wrote last stays in sight.
      if (!document.hidden && (first || state() !== 'waiting')) {
        const answer = await fetch(`${at}/runs/${encodeURIComponent(variant)}/${seed}/log?tail=${lines}`, { headers: { accept: 'text/plain' } });
        const text = await answer.text();
        if (own !== turn) return;
        if (answer.ok) show(text, text === '' ? 'Nothing has been written yet.' : '', first);
        else show(null, JSON.parse(text).detail, first);
      }
    } catch {
      // The connection is lost, which the page says already: the next look finds it again.
    }
    if (own !== turn || state() === 'done' || page.dataset['ended'] === 'true') return;
    timer = setTimeout(() => void look(own, false), everyMs);
  }

  /**
   * @param {string | null} text
   * @param {string} problem
   * @param {boolean} first
   */
  function show(text, problem, first) {
    if (note !== null && note.textContent !== problem) note.textContent = problem;
    if (shown === null || (text !== null && shown.textContent === text && !shown.hidden)) return;
    const atEnd = first || shown.hidden || shown.scrollTop + shown.clientHeight >= shown.scrollHeight - 4;
    shown.hidden = text === null || text === '';
    shown.textContent = text ?? '';
    if (atEnd) shown.scrollTop = shown.scrollHeight;
  }
}
