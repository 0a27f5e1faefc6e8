// One request: the picture of its chain, what stopped it, and behind tabs its verdicts, data, logs
// and the comparison with another one.
import { picture, waterfall } from './chain.js';
import { sideBySide, unified } from './diff.js';
import { ENTRY_POINTS, announce, button, bytes, copyButton, element, milliseconds, parsed, pretty, tabs } from './dom.js';
import { isPinned, list, record as load, togglePin } from './feed.js';
import { curlOf, eventOf, exportRecord, isWhole, saveEvent } from './share.js';

let shownTab = 'verdicts';
let actions = {};

/** Says what the buttons do: edit(record), replay(record), lessonOf(name). */
export function startDetail(given) { actions = given; }

export function detail(record) {
  const status = record.state === 'open' ? 'in progress' : record.state === 'aborted' ? 'aborted' : String(record.status);
  const state = record.state === 'open' ? 'working' : record.stop ? 'bad' : 'good';
  const heading = element('h2', { className: 'record-title', tabIndex: -1, id: 'record-title' },
    element('span', { className: `status ${state}` }, status), ` ${record.method} ${record.path} `,
    element('span', { className: 'soft' }, `#${record.id} · ${ENTRY_POINTS[record.entryPoint]} · ${milliseconds(record.ms)}${record.replayOf ? ` · repeats #${record.replayOf}` : ''}`));
  const panels = [
    { name: 'verdicts', title: 'Verdicts', panel: () => verdicts(record) },
    { name: 'data', title: 'Request and response', panel: () => data(record) },
    { name: 'added', title: 'What the edge added', panel: () => added(record) },
    { name: 'logs', title: 'Logs', panel: () => logs(record) },
    { name: 'compare', title: 'Compare', panel: () => compare(record) },
  ];
  return element('article', { className: 'record', 'aria-labelledby': 'record-title' },
    heading, tools(record), lesson(record), picture(record), stop(record), waterfall(record),
    ...tabs('Parts of the request', panels, shownTab, (name) => { shownTab = name; }));
}

function tools(record) {
  const isFile = String(record.id).startsWith('file-');
  const cut = !isWhole(record.request.body);
  return element('p', { className: 'tools' },
    button('Replay', () => actions.replay(record), { disabled: isFile || cut, title: 'Send the same request again' }),
    button('Edit and replay', () => actions.edit(record), { disabled: isFile }),
    copyButton('Copy as curl', () => curlOf(record), { disabled: cut }),
    button('Save as event file', () => saveEvent(record), { disabled: !isWhole(eventOf(record)), title: 'What the function received: for sam local invoke, Invoke and tests' }),
    button('Export', () => exportRecord(record), { title: 'One file with every hop, that another console opens' }),
    button(isPinned(record.id) ? 'Unpin' : 'Pin', async (event) => { await togglePin(record.id); event.target.textContent = isPinned(record.id) ? 'Unpin' : 'Pin'; }, { disabled: isFile }));
}

function lesson(record) {
  const found = record.experiment && actions.lessonOf(record.experiment);
  return found ? element('section', { className: 'lesson', 'aria-label': 'What to learn' }, element('h3', {}, found.title), element('p', {}, found.lesson)) : null;
}

function stop(record) {
  if (!record.stop) return null;
  const { hop, rule, why, mend } = record.stop;
  return element('section', { className: 'stop', 'aria-label': 'Where it stopped, and why' },
    element('h3', {}, `Stopped at ${hop} · ${rule}`), element('p', {}, why), element('p', { className: 'mend' }, element('strong', {}, 'What to do: '), mend));
}

const WORDS = { passed: 'passed', stopped: 'stopped', notReached: 'not reached', working: 'working' };
const MARKS = { passed: '✓', stopped: '✗', notReached: '·', working: '…' };

function verdicts(record) {
  const items = record.hops.filter((hop) => hop.checks.length || hop.state !== 'passed').map((hop) => {
    const checks = hop.checks.map((check) => element('li', { className: `check ${check.state}` },
      element('span', { className: 'mark', 'aria-hidden': 'true' }, MARKS[check.state]), element('span', { className: 'unseen' }, `${WORDS[check.state]}: `),
      element('span', { className: 'rule' }, check.rule), check.detail ? element('span', { className: 'detail' }, check.detail) : null));
    const of = hop.kind === 'lambda' && hop.invocation !== null ? ` before ${record.invocations[hop.invocation]?.function}` : '';
    return element('li', { className: `hop ${hop.state}` }, element('h3', {}, `${hop.name}${of}`, element('span', { className: 'soft' }, ` ${WORDS[hop.state]}`)), element('ul', {}, checks));
  });
  return element('div', {}, element('ol', { className: 'hops' }, items), mismatch(record.mismatch));
}

function mismatch(found) {
  if (!found) return null;
  const rows = found.computed.map((line, at) => {
    const signed = found.signed?.[at];
    const differs = found.signed && signed !== line;
    return element('tr', { className: differs ? 'differs' : 'same' }, element('td', {}, line), element('td', {}, found.signed ? signed : ''));
  });
  const head = element('thead', {}, element('tr', {}, element('th', { scope: 'col' }, 'Lambda computed'), element('th', { scope: 'col' }, found.signed ? 'The client signed' : 'The client signed something else')));
  return element('section', { 'aria-label': 'Canonical request' }, element('h3', {}, 'The canonical request, line by line'),
    found.mistake ? element('p', {}, found.mistake) : null,
    element('div', { className: 'scroll', tabIndex: 0, role: 'region', 'aria-label': 'Canonical requests' }, element('table', { className: 'compare' }, head, element('tbody', {}, rows))));
}

function part(title, text, note = '') {
  const shown = pretty(text);
  return element('section', { className: 'part' }, element('h3', {}, title, note ? element('span', { className: 'soft' }, ` ${note}`) : null, copyButton('Copy', () => shown, { 'aria-label': `Copy: ${title}` })),
    element('pre', { tabIndex: 0 }, shown));
}

const size = (body) => `${bytes(body.bytes)}${body.isTruncated ? ', of which the first 64 KiB are shown' : ''}`;

function data(record) {
  const made = [part('Request headers', record.request.headers), part('Request body', record.request.body.text, size(record.request.body))];
  if (record.claims) made.push(part('Claims of the verified token', record.claims));
  if (record.event) made.push(part('Event for the edge', record.event.text, size(record.event)));
  for (const one of record.invocations) {
    made.push(part(`Payload for ${one.function}`, one.payload.text, size(one.payload)));
    if (one.reply) made.push(part(`Reply of ${one.function}`, one.reply.text, `${size(one.reply)}${one.pieces.length ? ` in ${one.pieces.length} pieces` : ''}`));
  }
  if (record.response) {
    made.push(part('Response headers', record.response.headers), part('Response body', record.response.body.text, size(record.response.body)));
    if (record.response.pieces.length > 1) made.push(pieces(record.response.pieces));
  }
  return element('div', { className: 'parts' }, made);
}

function pieces(all) {
  const rows = all.map((one, at) => element('tr', {}, element('td', {}, String(at + 1)), element('td', {}, `${one.atMs.toFixed(1)} ms`), element('td', {}, bytes(one.bytes))));
  const head = element('thead', {}, element('tr', {}, ['Piece', 'Sent after', 'Size'].map((title) => element('th', { scope: 'col' }, title))));
  return element('section', { className: 'part' }, element('h3', {}, 'Pieces of the stream'),
    element('div', { className: 'scroll pieces', tabIndex: 0, role: 'region', 'aria-label': 'Pieces of the stream' }, element('table', {}, head, element('tbody', {}, rows))));
}

function added(record) {
  const core = record.invocations.find((one) => !one.function.startsWith('edge'));
  if (!core) return element('p', {}, 'The request did not reach core, so that there is no payload to compare.');
  const [body, payload] = [parsed(record.request.body.text), parsed(core.payload.text)];
  // In an envelope the caller's body is the member `input`.
  const before = payload?.input !== undefined && payload.identity !== undefined ? { input: body } : body;
  return element('div', {}, element('p', {}, 'The caller’s body, and with + what core received besides: the identity that the platform has verified and the data of the request. Nothing the caller sends can set it.'),
    unified(pretty(before), pretty(payload)));
}

function logs(record) {
  if (!record.invocations.length) return element('p', {}, 'No function was invoked.');
  return element('div', {}, record.invocations.map((one) => {
    const report = [`request id ${one.requestId}`, one.ms === null ? 'running' : `${milliseconds(one.ms)}, ${one.billedMs} ms billed`, one.memoryMb ? `${one.maxMemoryUsedMb ?? '…'} of ${one.memoryMb} MB` : null, one.initMs === null ? null : `cold start ${milliseconds(one.initMs)}`];
    return element('section', { className: 'part' }, element('h3', {}, one.function, element('span', { className: 'soft' }, ` ${report.filter(Boolean).join(' · ')}`)),
      element('pre', { tabIndex: 0, className: 'log' }, one.log.length ? one.log.join('\n') : '(it printed nothing for this request)'),
      one.sharedLog?.length ? element('p', {}, 'Could belong to this request, or to another that the environment worked on at the same time:') : null,
      one.sharedLog?.length ? element('pre', { tabIndex: 0, className: 'log' }, one.sharedLog.join('\n')) : null);
  }));
}

/** The last request before this one that every hop let pass, if there is one; else the last one after it. */
function lastGood(record) {
  const good = list().filter((one) => String(one.id) !== String(record.id) && !one.stop && one.state === 'complete' && one.method !== 'OPTIONS').sort((a, b) => b.at - a.at);
  return good.find((one) => one.at < record.at && one.path === record.path) ?? good.find((one) => one.path === record.path) ?? good[0];
}

function asText(record) {
  const core = record.invocations.find((one) => !one.function.startsWith('edge'));
  const sections = [
    ['status', String(record.status)], ['hops', record.hops.map((hop) => `${hop.name}: ${hop.state}`).join('\n')],
    ['request', `${record.method} ${record.path}`], ['request headers', pretty(record.request.headers)], ['request body', pretty(record.request.body.text)],
    ['claims', pretty(record.claims)], ['payload for core', pretty(core?.payload.text)], ['response headers', pretty(record.response?.headers)], ['response body', pretty(record.response?.body.text)],
  ];
  return sections.map(([title, text]) => `# ${title}\n${text}`).join('\n');
}

function compare(record) {
  const others = list().filter((one) => String(one.id) !== String(record.id));
  const first = lastGood(record) ?? others[0];
  if (!first) return element('p', {}, 'There is no other request to compare with yet.');
  const select = element('select', { id: 'compare-with' }, others.map((one) => element('option', { value: String(one.id), selected: one.id === first.id },
    `#${one.id} ${one.status ?? one.state} ${one.method} ${one.path}${!one.stop ? '' : ` · ${one.stop.hop}`}`)));
  const result = element('div', {});
  const show = async () => {
    try {
      const other = await load(select.value);
      result.replaceChildren(times(other, record), sideBySide(asText(other), asText(record), [`#${other.id}`, `#${record.id}, this one`]));
    } catch (error) { result.replaceChildren(element('p', { className: 'bad' }, error.message)); }
  };
  select.addEventListener('change', () => { show(); announce(`Compared with #${select.value}`); });
  show();
  return element('div', {}, element('p', { className: 'field inline' }, element('label', { htmlFor: 'compare-with' }, 'Compare with'), select), result);
}

function times(other, record) {
  const names = [...new Set([...other.hops, ...record.hops].map((hop) => hop.name))];
  const of = (one, name) => { const found = one.hops.filter((hop) => hop.name === name && hop.state !== 'notReached'); return found.length ? milliseconds(found.reduce((sum, hop) => sum + hop.ms, 0)) : '—'; };
  const rows = [...names.map((name) => [name, of(other, name), of(record, name)]), ['Together', milliseconds(other.ms), milliseconds(record.ms)]];
  const head = element('thead', {}, element('tr', {}, ['Hop', `#${other.id}`, `#${record.id}`].map((title) => element('th', { scope: 'col' }, title))));
  return element('table', { className: 'times' }, head, element('tbody', {}, rows.map(([name, ...cells]) => element('tr', {}, element('th', { scope: 'row' }, name), cells.map((cell) => element('td', {}, cell))))));
}
