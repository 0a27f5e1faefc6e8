// The lines in which two texts differ.
import { element } from './dom.js';

const MAX_LINES = 600;
const CONTEXT = 2;

/** The lines of both: [{ kind: 'same' | 'old' | 'new', text }]. */
export function lines(before, after) {
  const [a, b] = [before, after].map((text) => text.split('\n').slice(0, MAX_LINES));
  const table = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) table[i][j] = a[i] === b[j] ? table[i + 1][j + 1] + 1 : Math.max(table[i + 1][j], table[i][j + 1]);
  }
  const made = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) { made.push({ kind: 'same', text: a[i] }); i += 1; j += 1; }
    else if (j >= b.length || (i < a.length && table[i + 1][j] >= table[i][j + 1])) { made.push({ kind: 'old', text: a[i] }); i += 1; }
    else { made.push({ kind: 'new', text: b[j] }); j += 1; }
  }
  return made;
}

/** One column: what is new is marked with +, what is gone with -. */
export function unified(before, after) {
  const marks = { same: ' ', old: '-', new: '+' };
  const words = { same: '', old: 'gone: ', new: 'new: ' };
  const made = lines(before, after).map(({ kind, text }) => element('span', { className: `line ${kind}` },
    element('span', { className: 'unseen' }, words[kind]), element('span', { 'aria-hidden': 'true' }, marks[kind]), ` ${text}\n`));
  return element('pre', { tabIndex: 0, className: 'diff' }, made);
}

/** Two columns with what differs beside each other; long runs of equal lines are left out. */
export function sideBySide(before, after, titles) {
  const rows = [];
  const all = lines(before, after);
  for (let at = 0; at < all.length;) {
    if (all[at].kind === 'same') { rows.push([all[at].text, all[at].text, 'same']); at += 1; continue; }
    const [old, fresh] = [[], []];
    while (at < all.length && all[at].kind !== 'same') { (all[at].kind === 'old' ? old : fresh).push(all[at].text); at += 1; }
    for (let n = 0; n < Math.max(old.length, fresh.length); n += 1) rows.push([old[n], fresh[n], 'differs']);
  }
  const isNear = (at) => rows.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).some(([, , kind]) => kind === 'differs');
  const made = [];
  let left = 0;
  const gap = () => { if (left) made.push(element('tr', { className: 'gap' }, element('td', { colSpan: 2 }, left === 1 ? '1 equal line' : `${left} equal lines`))); left = 0; };
  rows.forEach(([old, fresh, kind], at) => {
    if (!isNear(at)) { left += 1; return; }
    gap();
    made.push(element('tr', { className: kind }, element('td', {}, old ?? ''), element('td', {}, fresh ?? '')));
  });
  gap();
  const head = element('thead', {}, element('tr', {}, titles.map((title) => element('th', { scope: 'col' }, title))));
  return element('div', { className: 'scroll', tabIndex: 0, role: 'region', 'aria-label': `${titles[0]} beside ${titles[1]}` }, element('table', { className: 'compare' }, head, element('tbody', {}, made)));
}
