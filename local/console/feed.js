// What the stack has recorded: the list, kept up to date by server-sent events, and single records.
// Pinned and imported records stay here after the stack has dropped them.
import { $, showStatus } from './dom.js';

const MAX = 200;
const PINNED = 'inference-edge-pinned';
const summaries = new Map();
const kept = new Map();
const pins = new Set();
const listeners = { list: [], record: [] };
let mail = [];
let imports = 0;

export const onList = (listener) => listeners.list.push(listener);
/** Calls the listener with the ids of the records that have changed. */
export const onRecords = (listener) => listeners.record.push(listener);
export const mails = () => mail;
export const isPinned = (id) => pins.has(String(id));

/** The summaries, newest first, pinned ones on top. */
export function list() {
  const all = [...summaries.values()].sort((a, b) => b.at - a.at || b.id - a.id);
  return [...all.filter((one) => isPinned(one.id)), ...all.filter((one) => !isPinned(one.id))];
}

export async function record(id) {
  const known = kept.get(String(id));
  if (known) return known;
  const response = await fetch(`records/${encodeURIComponent(id)}`);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message);
  return answer;
}

export async function togglePin(id) {
  const key = String(id);
  if (pins.delete(key)) {
    if (!key.startsWith('file-')) kept.delete(key);
  } else {
    kept.set(key, await record(id));
    pins.add(key);
  }
  remember();
  listeners.list.forEach((listener) => listener());
}

/** Adds the record of an exported file; returns its id here. */
export function importRecord(exported) {
  if (exported?.format !== 'inference-edge-record-1' || !exported.record?.hops) throw new Error('This is no file that a console has exported.');
  imports += 1;
  const id = `file-${imports}`;
  const opened = { ...exported.record, id };
  kept.set(id, opened);
  summaries.set(id, opened);
  pins.add(id);
  listeners.list.forEach((listener) => listener());
  return id;
}

function remember() {
  try {
    const records = [...pins].filter((key) => !key.startsWith('file-')).map((key) => kept.get(key));
    sessionStorage.setItem(PINNED, JSON.stringify(records));
  } catch { /* More than a tab may store: the pins last until the page is closed. */ }
}

function recall(records) {
  // Numbers begin again with each start of the stack: a pin of another run would hide a record.
  const isOfThisRun = (one) => records.some((known) => known.id === one.id && known.at === one.at) || !records.some((known) => known.id >= one.id);
  try {
    for (const one of JSON.parse(sessionStorage.getItem(PINNED)) ?? []) {
      if (!isOfThisRun(one)) continue;
      kept.set(String(one.id), one);
      pins.add(String(one.id));
      summaries.set(String(one.id), one);
    }
  } catch { /* There are none. */ }
}

export function startFeed() {
  let isFirst = true;
  const live = new EventSource('live');
  live.addEventListener('open', () => showStatus('live', 'live'));
  live.addEventListener('error', () => showStatus('live', 'the stack does not answer', true));
  live.addEventListener('message', ({ data }) => {
    const changes = JSON.parse(data);
    if (isFirst) recall(changes.records);
    isFirst = false;
    for (const one of changes.records) summaries.set(String(one.id), one);
    const dropped = [...summaries.keys()].filter((key) => !pins.has(key) && !key.startsWith('file-'));
    dropped.sort((a, b) => Number(a) - Number(b)).slice(0, Math.max(0, dropped.length - MAX)).forEach((key) => summaries.delete(key));
    const isNew = (one) => !mail.some((known) => known.at === one.at && known.code === one.code);
    mail = [...changes.mail.filter(isNew).reverse(), ...mail].slice(0, 20);
    listeners.list.forEach((listener) => listener());
    listeners.record.forEach((listener) => listener(changes.records));
  });
  $('live').classList.add('dot');
}
