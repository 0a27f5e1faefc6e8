// The picture of the chain: the hops that a request passes, each with its own time, and below it
// when each of them worked.
import { element, milliseconds } from './dom.js';

const STATES = { passed: 'passed', stopped: 'stopped here', notReached: 'not reached', working: 'working' };
const MARKS = { passed: '✓', stopped: '✗', notReached: '', working: '…' };

/** The nodes: the client, the API, the authorizer and the functions. Lambda is part of the function behind it. */
function nodes(record) {
  const client = { name: record.request.headers.origin ? 'Browser' : 'Client', state: record.state === 'aborted' && record.stop?.hop === 'Client' ? 'stopped' : 'passed', sub: record.method };
  const hops = [];
  let lambda = null;
  for (const hop of record.hops) {
    if (hop.kind === 'lambda') { lambda = hop; continue; }
    const name = hop.name.replace(/^Function URL of .*/, 'Function URL');
    const ms = hop.ms + (lambda?.ms ?? 0);
    const stopped = lambda?.state === 'stopped';
    hops.push({ name, ms, state: stopped && hop.state === 'notReached' ? 'stopped' : hop.state, invocation: hop.invocation, kind: hop.kind });
    lambda = null;
  }
  if (lambda?.state === 'stopped' && !hops.some((hop) => hop.state === 'stopped')) {
    const next = hops.find((hop) => hop.kind === 'function' && hop.state === 'notReached');
    if (next) next.state = 'stopped';
    else hops.push({ name: 'Lambda', ms: lambda.ms, state: 'stopped' });
  }
  return [client, ...hops];
}

export function picture(record) {
  const items = nodes(record).map((node, at) => {
    const init = record.invocations[node.invocation]?.initMs;
    const time = node.state === 'notReached' ? 'not reached' : node.ms === undefined ? node.sub : milliseconds(node.ms);
    return element('li', { className: `node ${node.state}` },
      at > 0 && element('span', { className: 'wire', 'aria-hidden': 'true' }),
      element('span', { className: 'box' },
        element('span', { className: 'name' }, node.name),
        element('span', { className: 'time' }, time),
        element('span', { className: 'mark', 'aria-hidden': 'true' }, MARKS[node.state]),
        element('span', { className: 'unseen' }, STATES[node.state]),
        init ? element('span', { className: 'cold' }, `cold start ${milliseconds(init)}`) : null));
  });
  return element('ol', { className: 'chain', 'aria-label': 'The chain of the request' }, items);
}

/** The hops with bars: exclusive times, which add up to the whole. */
export function waterfall(record) {
  const whole = Math.max(record.ms, 0.001);
  const rows = record.hops.filter((hop) => hop.state !== 'notReached').map((hop) => {
    const bars = hop.segments.map(([start, length]) => {
      const bar = element('span', { className: `bar ${hop.kind} ${hop.state}` });
      bar.style.left = `${(100 * start) / whole}%`;
      bar.style.width = `max(2px, ${(100 * length) / whole}%)`;
      return bar;
    });
    const of = hop.kind === 'lambda' && hop.invocation !== null ? ` before ${record.invocations[hop.invocation]?.function}` : '';
    const init = hop.kind === 'function' && record.invocations[hop.invocation]?.initMs;
    return element('tr', {},
      element('th', { scope: 'row' }, `${hop.name}${of}`, init ? element('span', { className: 'cold' }, 'cold') : null),
      element('td', { className: 'track' }, element('span', { className: 'lane', 'aria-hidden': 'true' }, bars)),
      element('td', { className: 'ms' }, milliseconds(hop.ms)));
  });
  const sum = element('tr', { className: 'sum' }, element('th', { scope: 'row' }, 'Together'), element('td', {}), element('td', { className: 'ms' }, milliseconds(record.ms)));
  return element('table', { className: 'waterfall' },
    element('caption', { className: 'unseen' }, 'The time that each hop took itself'), element('tbody', {}, rows, sum));
}
