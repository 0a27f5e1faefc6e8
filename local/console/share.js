// What a record becomes outside of the page: a curl line, an event file, an exported file.
import { saveFile } from './dom.js';
import { idToken } from './session.js';

/** What browsers add, and a caller need not send. */
const NOISE = /^(host|content-length|connection|accept|accept-encoding|accept-language|origin|referer|user-agent|cache-control|pragma|priority|dnt|x-amzn-trace-id|sec-.*|upgrade-insecure-requests|access-control-request-.*)$/;

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** A line that works when it is pasted: with the token of this session, where the request had one. */
export function curlOf(record) {
  const { request } = record;
  const lines = Object.entries(request.headers).flatMap(([name, value]) => {
    if (NOISE.test(name) && !(record.method === 'OPTIONS' && /^(origin|access-control)/.test(name))) return [];
    if (/^(x-amz-|authorization$)/.test(name) && request.headers.authorization?.startsWith('AWS4')) return [];
    if (name === 'authorization') return [`  -H ${idToken() ? quoted(`authorization: Bearer ${idToken()}`) : '"authorization: Bearer $TOKEN"'}`];
    return [`  -H ${quoted(`${name}: ${value}`)}`];
  });
  const signed = request.headers.authorization?.startsWith('AWS4') ? ['  --aws-sigv4 aws:amz:us-east-1:lambda --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" -H "x-amz-security-token: $AWS_SESSION_TOKEN"'] : [];
  const body = request.body.text ? [`  --data-raw ${quoted(request.body.text)}`] : [];
  const method = record.method === 'POST' && body.length ? '' : ` -X ${record.method}`;
  return [`curl -sS${method} ${quoted(request.url)}`, ...lines, ...signed, ...body].join(' \\\n');
}

export const isWhole = (body) => Boolean(body) && !body.isTruncated;

/** What the function received: the event that the API made, or the payload of an Invoke. */
export const eventOf = (record) => record.event ?? (record.entryPoint === 'invoke' ? record.request.body : null);

/** Saves the event byte by byte as it was recorded: to read and write JSON anew could change numbers. */
export const saveEvent = (record) => saveFile('event.json', eventOf(record).text);

export function exportRecord(record) {
  const file = { format: 'inference-edge-record-1', exportedAt: new Date().toISOString(), record };
  saveFile(`request-${record.id}.json`, JSON.stringify(file, null, 2));
}
