// The streamed function URL: signed with the identity pool's credentials; its text is shown while it arrives.
import { Sha256 } from '@aws-crypto/sha256-js';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import { readEvents } from './events';
import {
  currentSession,
  type Failure,
  failure,
  type Inquiry,
  membersOf,
  messageOf,
  type Outcome,
  parsed,
  type Session,
  type SourceLink,
  sourcesOf,
  timings,
  wholeOutcome,
} from './inference';

/** Asks, and passes the text so far to `onText` each time that more of it has arrived. */
export async function askStreamed(streamUrl: string, region: string, inquiry: Inquiry, onText: (text: string) => void): Promise<Outcome> {
  const session = await currentSession();
  if ('kind' in session) return session;
  if (!session.credentials) return failure('unauthorized', 'The identity pool gave no credentials');
  try {
    const request = await sign(new URL(streamUrl), region, session.credentials, JSON.stringify(inquiry));
    const response = await fetch(streamUrl, request);
    const isEventStream = /^text\/event-stream\b/i.test(response.headers.get('Content-Type') ?? '');
    if (!response.ok || !isEventStream || !response.body) return await wholeOutcome(response);
    return await streamedOutcome(response, response.body, onText);
  } catch (error) {
    return failure('network', messageOf(error));
  }
}

/** Signature Version 4 for service `lambda`. The browser writes `Host` itself. */
async function sign(url: URL, region: string, credentials: NonNullable<Session['credentials']>, body: string): Promise<RequestInit> {
  const signer = new SignatureV4({ service: 'lambda', region, credentials, sha256: Sha256 });
  const headers = { host: url.host, 'content-type': 'application/json' };
  const port = url.port === '' ? undefined : Number(url.port);
  const request = new HttpRequest({ method: 'POST', protocol: url.protocol, hostname: url.hostname, port, path: url.pathname, headers, body });
  const signed = await signer.sign(request);
  const { host: _, ...sent } = signed.headers;
  return { method: 'POST', headers: sent, body };
}

/**
 * Events with text, then `done` with the sources, or `error` with the reason for which the answer is not complete. The
 * edge closes the connection properly only after a whole answer, so an answer without `done` counts too. An event that
 * was cut off within its data is not JSON and is passed over: the one after it says why.
 */
async function streamedOutcome(response: Response, body: ReadableStream<Uint8Array>, onText: (text: string) => void): Promise<Outcome> {
  const requestId = response.headers.get('X-Request-Id') ?? undefined;
  const answer = (text: string, sources: SourceLink[]): Outcome => ({ kind: 'answer', answer: { text, sources }, timings: timings(response.headers.get('Server-Timing')) });
  let text = '';
  try {
    for await (const event of readEvents(body)) {
      const data = membersOf(parsed(event.data));
      if (event.name === 'done') return answer(text, sourcesOf(data.meta));
      if (event.name === 'error') return { ...brokenOff(data, requestId), partial: text };
      if (typeof data.text === 'string') {
        text += data.text;
        onText(text);
      }
    }
  } catch (error) {
    return { ...failure('incomplete_answer', messageOf(error), requestId), partial: text };
  }
  return text === '' ? failure('incomplete_answer', 'The answer has no text', requestId) : answer(text, []);
}

/** The failure that an `error` event describes. */
function brokenOff(data: Record<string, unknown>, requestId: string | undefined): Failure {
  const code = typeof data.code === 'string' ? data.code : 'core_error';
  const message = typeof data.error === 'string' ? data.error : 'The answer could not be completed';
  return failure(code, message, typeof data.requestId === 'string' ? data.requestId : requestId);
}
