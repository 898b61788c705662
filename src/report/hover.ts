/**
 * The one script of a page, allowed by its hash: what a mark of a drawing says (`data-tip`) beside the pointer, and by the arrow keys once the
 * drawing has the focus; the drawings of a table are one stop. Every value stands in a table as well, so that nothing is lost without it.
 * For the printer it opens what is folded.
 */
export const hoverScript = `
(() => {
  'use strict';
  const reach = 48;
  const tip = document.createElement('div');
  tip.className = 'tip';
  tip.hidden = true;
  tip.setAttribute('role', 'status');
  document.body.append(tip);
  let told = null;

  function hide() {
    told?.classList.remove('told');
    told = null;
    tip.hidden = true;
  }

  function show(mark) {
    if (mark === told) return;
    hide();
    told = mark;
    mark.classList.add('told');
    tip.textContent = mark.dataset.tip;
    tip.hidden = false;
    place();
  }

  function place() {
    if (!told) return;
    const box = told.getBoundingClientRect();
    const left = box.x + box.width / 2 - tip.offsetWidth / 2;
    const above = box.y - tip.offsetHeight - 8;
    tip.style.left = Math.max(4, Math.min(left, document.documentElement.clientWidth - tip.offsetWidth - 4)) + 'px';
    tip.style.top = (above < 4 ? box.bottom + 8 : above) + 'px';
  }

  function distance(mark, { clientX, clientY }) {
    const box = mark.getBoundingClientRect();
    const beside = (from, to, at) => Math.max(from - at, at - to, 0);
    const near = Math.hypot(beside(box.left, box.right, clientX), beside(box.top, box.bottom, clientY));
    return near + Math.hypot(box.x + box.width / 2 - clientX, box.y + box.height / 2 - clientY) / 1e4;
  }

  function nearest(event) {
    let found = null;
    let least = reach;
    for (const mark of event.currentTarget.querySelectorAll('[data-tip]')) {
      const away = distance(mark, event);
      if (away < least) [found, least] = [mark, away];
    }
    if (found) show(found);
    else hide();
  }

  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

  function step(event) {
    if (event.key === 'Escape') return hide();
    const by = steps[event.key];
    if (!by) return;
    event.preventDefault();
    const svg = event.currentTarget;
    const marks = [...(svg.closest('table') ?? svg).querySelectorAll('[data-tip]')];
    const next = marks[(marks.indexOf(told) + by + marks.length) % marks.length];
    next.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    show(next);
  }

  const tables = new Set();
  for (const svg of document.querySelectorAll('svg')) {
    const first = svg.querySelector('[data-tip]');
    if (!first) continue;
    svg.addEventListener('pointermove', nearest);
    svg.addEventListener('pointerdown', nearest);
    svg.addEventListener('pointerleave', hide);
    const table = svg.closest('table');
    if (table && tables.has(table)) continue;
    tables.add(table);
    svg.tabIndex = 0;
    svg.addEventListener('focus', () => svg.matches(':focus-visible') && show(first));
    svg.addEventListener('blur', hide);
    svg.addEventListener('keydown', step);
  }
  addEventListener('scroll', place, { capture: true, passive: true });

  let opened = [];
  addEventListener('beforeprint', () => {
    hide();
    opened = [...document.querySelectorAll('details:not([open])')];
    for (const part of opened) part.open = true;
  });
  addEventListener('afterprint', () => {
    for (const part of opened) part.open = false;
  });
})();
`;
