// The form that sends requests: by the browser itself where it can, so that its own rules apply, and
// by the stack where the request must be signed.
import { $, claimsOf, showStatus } from './dom.js';
import { idToken } from './session.js';
import { onRecords } from './feed.js';

const SAMPLE = { partner: 'Apple', year: 2023, period: 'Q1', question: 'What was the revenue?' };
let configuration;
let onSent = () => {};
/** The record that is edited, if one is. */
let edited = null;

const TARGETS = [
  ['http-api', 'HTTP API', (urls) => `${urls.apiUrl}/inference`],
  ['rest-api', 'REST API', (urls) => `${urls.restApiUrl}/inference`],
  ['rest-stream', 'REST API, streamed', (urls) => `${urls.streamApiUrl}/inference`],
  ['open', 'Function URL with bearer token', (urls) => urls.openFunctionUrl],
  ['edge', 'Function URL, signed'],
  ['edge-stream', 'Function URL, signed and streamed'],
  ['invoke', 'Invoke, signed'],
];

export function startComposer(given, sent) {
  configuration = given;
  onSent = sent;
  for (const [value, text] of TARGETS) $('target').append(new Option(text, value));
  fill();
  $('sample').addEventListener('click', fill);
  $('request').addEventListener('submit', (event) => { event.preventDefault(); send(); });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); send(); }
  });
}

function fill() {
  edited = null;
  $('body').value = JSON.stringify(SAMPLE, null, 2);
  showStatus('send-status', '');
}

/** Puts a recorded request into the form; it is sent with this session's token, or signed anew. */
export function edit(record) {
  edited = record;
  $('target').value = record.entryPoint === 'http-api' ? 'http-api' : record.entryPoint === 'rest-api' ? 'rest-api' : $('target').value;
  let body = record.request.body.text;
  try { body = JSON.stringify(JSON.parse(body), null, 2); } catch { /* It is sent as it is. */ }
  $('body').value = body;
  showStatus('send-status', `Edits #${record.id}: change the body and send it.`);
  $('body').focus();
}

export async function replay(record, changes) {
  showStatus('send-status', `Sending #${record.id} again…`);
  await ask(`records/${record.id}/replay`, changes);
}

export async function ask(path, body) {
  const response = await fetch(path, { method: 'POST', body: body === undefined ? undefined : JSON.stringify(body) });
  const answer = await response.json();
  showStatus('send-status', response.ok ? `${answer.status ?? 'No response'}: #${answer.id}${answer.note ? `; ${answer.note}` : ''}` : answer.message, !response.ok);
  if (response.ok) onSent(answer.id);
}

export async function send() {
  if ($('send').disabled) return;
  const [name, , url] = TARGETS.find(([value]) => value === $('target').value);
  $('send').disabled = true;
  showStatus('send-status', 'Sending…');
  try {
    if (edited && !['http-api', 'rest-api'].includes(edited.entryPoint)) await replay(edited, { body: $('body').value });
    else if (url) await byBrowser(name, url(configuration));
    else await ask('send', { target: name, body: $('body').value, user: idToken() ? claimsOf(idToken()).email : undefined });
  } catch (error) {
    showStatus('send-status', error.message, true);
  } finally {
    $('send').disabled = false;
  }
}

async function byBrowser(name, url) {
  expectRecord({ open: 'function-url', 'rest-stream': 'rest-api' }[name] ?? name);
  const headers = { 'content-type': 'application/json' };
  if (idToken()) headers.authorization = `Bearer ${idToken()}`;
  let response;
  try {
    response = await fetch(url, { method: 'POST', headers, body: $('body').value });
  } catch {
    showStatus('send-status', 'The browser blocked the response: see where it stopped.', true);
    return;
  }
  const text = await response.text();
  let body = {};
  try { body = JSON.parse(text); } catch { /* Shown as it is. */ }
  showStatus('send-status', `${response.status}: ${body.answer ?? body.error ?? body.message ?? text.slice(0, 200)}`, !response.ok);
}

/** Shows the record of what the browser sends now, which is the next one through this entry point. */
let expected = null;
function expectRecord(entryPoint) { expected = { entryPoint, since: Date.now() - 1000 }; }

onRecords((records) => {
  if (!expected) return;
  const fits = (one) => one.entryPoint === expected.entryPoint && one.at >= expected.since && !seen.has(one.id) && (one.method !== 'OPTIONS' || one.stop);
  const found = records.find(fits);
  records.forEach((one) => seen.add(one.id));
  if (!found) return;
  expected = null;
  onSent(found.id);
});
const seen = new Set();
