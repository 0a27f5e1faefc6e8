// The list of requests: its filter, its pins, and the arrow keys.
import { $, ENTRY_POINTS, copyButton, element, milliseconds } from './dom.js';
import { isPinned, list, mails, togglePin } from './feed.js';

let shown = null;
let select = () => {};
/** The least time between two drawings of the list, in milliseconds. */
const PAUSE = 400;
let isScheduled = false;
let lastDrawn = -PAUSE;

export function startList(onSelect) {
  select = onSelect;
  for (const id of ['filter-status', 'filter-entry', 'filter-text']) $(id).addEventListener('input', renderList);
  $('requests').addEventListener('keydown', (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined) return;
    const rows = [...$('requests').querySelectorAll('.open')];
    const at = rows.indexOf(document.activeElement);
    const next = rows[Math.min(rows.length - 1, Math.max(0, at + step))];
    next?.focus();
    next?.click();
    event.preventDefault();
  });
}

export function showAsCurrent(id) {
  shown = id === null ? null : String(id);
  renderList();
}

/** Draws the list soon, but not again within the pause, however often it changes until then. */
export function renderSoon() {
  if (isScheduled) return;
  isScheduled = true;
  const wait = Math.max(0, lastDrawn + PAUSE - performance.now());
  setTimeout(() => requestAnimationFrame(() => {
    isScheduled = false;
    lastDrawn = performance.now();
    renderList();
  }), wait);
}

function isSelected(one) {
  const [status, entry, text] = ['filter-status', 'filter-entry', 'filter-text'].map((id) => $(id).value.trim());
  const byStatus = !status || (status === 'passed' ? !one.stop : status === 'stopped' ? Boolean(one.stop) : String(one.status ?? '')[0] === status[0]);
  return byStatus && (!entry || one.entryPoint === entry) && (!text || found.has(String(one.id)) || `${one.method} ${one.path} ${one.stop?.why ?? ''}`.toLowerCase().includes(text.toLowerCase()));
}

// The stack looks for texts in bodies, which the list does not have.
let found = new Set();
let search = 0;
$('filter-text').addEventListener('input', async () => {
  const text = $('filter-text').value.trim();
  search += 1;
  const own = search;
  const answer = text ? await (await fetch(`records?text=${encodeURIComponent(text)}`)).json() : { records: [] };
  if (own !== search) return;
  found = new Set((answer.records ?? []).map((one) => String(one.id)));
  renderList();
});

export function renderList() {
  const rows = list().filter(isSelected);
  $('empty').hidden = rows.length > 0;
  $('empty').textContent = list().length ? 'No request passes the filter.' : 'Nothing yet. Send a request here, with curl or from your frontend.';
  const old = new Map([...$('requests').children].map((row) => [row.dataset.id, row]));
  const focused = document.activeElement?.closest?.('#requests li')?.dataset.id;
  const wanted = rows.map((one) => {
    // A row is made anew only when it changes: one that is replaced while it is pressed is not clicked.
    const row = old.get(String(one.id));
    const key = JSON.stringify([one.state === 'open' ? null : [one.status, one.ms], one.state, one.stop?.why, isPinned(one.id), String(one.id) === shown]);
    return row?.dataset.key === key ? row : rowOf(one, key);
  });
  $('requests').replaceChildren(...wanted);
  if (focused) $('requests').querySelector(`[data-id="${focused}"] .open`)?.focus();
  renderMail();
}

function rowOf(one, key) {
  const state = one.state === 'open' ? 'working' : one.stop ? 'bad' : 'good';
  const status = one.state === 'open' ? '…' : one.state === 'aborted' ? 'cut' : String(one.status);
  const isCurrent = String(one.id) === shown;
  const open = element('button', { type: 'button', className: 'open', 'aria-current': isCurrent ? 'true' : undefined, on: { click: () => select(one.id) } },
    element('span', { className: `status ${state}` }, status),
    element('span', { className: 'what' }, `${one.method} ${one.path}`),
    element('span', { className: 'how' }, `${ENTRY_POINTS[one.entryPoint]}${one.coldStart ? ' · cold' : ''}${one.replayOf ? ` · repeats #${one.replayOf}` : ''}`),
    element('span', { className: 'ms' }, `${one.state === 'open' ? 'in progress' : milliseconds(one.ms)} · ${new Date(one.at).toLocaleTimeString()}`));
  const pinned = isPinned(one.id);
  const pin = element('button', {
    type: 'button', className: 'pin', 'aria-pressed': String(pinned), 'aria-label': `Pin #${one.id}`, title: 'Keep on top', on: { click: () => togglePin(one.id) },
  }, pinned ? '★' : '☆');
  return element('li', { 'data-id': String(one.id), 'data-key': key }, open, pin);
}

function renderMail() {
  const all = mails();
  $('mail').hidden = all.length === 0;
  if ($('mail-list').childElementCount === all.length) return;
  $('mail-list').replaceChildren(...all.map((one) => element('li', {},
    element('strong', { className: 'mono' }, one.code), ` for ${one.to} (${one.purpose}) `, copyButton('Copy', () => one.code, { 'aria-label': `Copy the code ${one.code}` }))));
}
