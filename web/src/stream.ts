// Streamed answers, whose text is shown while it arrives: from a REST API with the ID token, or from a function URL.
import type { Configuration, StreamingFunctionUrl } from './configuration';
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
  type PreparedRequest,
  requestWithIdToken,
  type SourceLink,
  sourcesOf,
  timings,
  wholeOutcome,
} from './inference';

/** Asks, and passes the text so far to `onText` each time that more of it has arrived. `signal` stops the stream. */
export async function askStreamed(stream: NonNullable<Configuration['stream']>, inquiry: Inquiry, onText: (text: string) => void, signal?: AbortSignal): Promise<Outcome> {
  try {
    const request = await (stream.kind === 'api' ? requestWithIdToken(stream.url, inquiry) : signedRequest(stream, inquiry));
    if ('kind' in request) return request;
    const response = await fetch(request.url, { ...request.init, signal });
    const isEventStream = /^text\/event-stream\b/i.test(response.headers.get('Content-Type') ?? '');
    if (!response.ok || !isEventStream || !response.body) return await wholeOutcome(response);
    return await streamedOutcome(response, response.body, onText, signal);
  } catch (error) {
    return signal?.aborted ? { kind: 'stopped' } : failure('network', messageOf(error));
  }
}

/** A request to a function URL, signed with the identity pool's credentials. A page that does not need it does not load the code that signs. */
async function signedRequest({ url, region }: StreamingFunctionUrl, inquiry: Inquiry): Promise<PreparedRequest | Failure> {
  const session = await currentSession();
  if ('kind' in session) return session;
  if (!session.credentials) return failure('unauthorized', 'The identity pool gave no credentials');
  const { sign } = await import('./signature');
  return { url, init: await sign(new URL(url), region, session.credentials, JSON.stringify(inquiry)) };
}

/**
 * Events with text, then `done` with the sources, or `error` with the reason for which the answer is not complete. The
 * edge closes the connection properly only after a whole answer, so an answer without `done` counts too. An event that
 * was cut off within its data is not JSON and is passed over: the one after it says why.
 */
async function streamedOutcome(response: Response, body: ReadableStream<Uint8Array>, onText: (text: string) => void, signal?: AbortSignal): Promise<Outcome> {
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
    if (signal?.aborted) return { kind: 'stopped', partial: text };
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
