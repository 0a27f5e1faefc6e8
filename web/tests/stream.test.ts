import { fetchAuthSession } from 'aws-amplify/auth';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { askStreamed } from '../src/stream';
import { bodyOf, json, untilAborted } from './helpers';

vi.mock('aws-amplify/auth', () => ({ fetchAuthSession: vi.fn<() => Promise<unknown>>() }));

const INQUIRY = { partner: 'Apple', year: 2023, period: 'Q1', question: 'What was the revenue?' };
const API = { kind: 'api', url: 'https://api.example/prod' } as const;
const FUNCTION_URL = { kind: 'functionUrl', url: 'https://abc.lambda-url.us-east-1.on.aws/', region: 'us-east-1', identityPoolId: 'us-east-1:0' } as const;
const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'the-session-token' };
const server = vi.fn<typeof fetch>();
const session = vi.mocked(fetchAuthSession);
const shown = vi.fn<(text: string) => void>();

beforeEach(() => {
  vi.stubGlobal('fetch', server);
  session.mockResolvedValue({ credentials: CREDENTIALS, tokens: { idToken: { toString: () => 'the-id-token' } } } as never);
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetAllMocks();
});

function asked(response: Response, stream: Parameters<typeof askStreamed>[0] = API) {
  server.mockResolvedValueOnce(response);
  return askStreamed(stream, INQUIRY, shown);
}

function eventStream(...chunks: string[]): Response {
  return new Response(bodyOf(...chunks), { headers: { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Request-Id': 'id-1', 'Server-Timing': 'edge;dur=0.4' } });
}

describe('a question to a REST API that streams', () => {
  it('is posted as JSON with the ID token alone', async () => {
    await asked(json({ answer: 'a' }));
    const [url, request] = server.mock.calls[0] ?? [];
    expect(url).toBe('https://api.example/prod/inference');
    expect(request?.method).toBe('POST');
    expect(request?.headers).toEqual({ 'Content-Type': 'application/json', Authorization: 'Bearer the-id-token' });
    expect(JSON.parse(request?.body as string)).toEqual(INQUIRY);
  });

  it('is not sent without a sign-in', async () => {
    session.mockResolvedValueOnce({ credentials: CREDENTIALS } as never);
    expect(await asked(json({}))).toMatchObject({ kind: 'failure', code: 'unauthorized', message: 'Not signed in' });
    expect(server).not.toHaveBeenCalled();
  });
});

describe('a question to a streamed function URL', () => {
  it('is signed for Lambda with the session token, and the browser writes the host', async () => {
    await asked(json({ answer: 'a' }), FUNCTION_URL);
    const [url, request] = server.mock.calls[0] ?? [];
    const headers = request?.headers as Record<string, string>;
    expect(url).toBe('https://abc.lambda-url.us-east-1.on.aws/');
    expect(headers.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/us-east-1\/lambda\/aws4_request, SignedHeaders=[^,]*host[^,]*, Signature=[0-9a-f]{64}$/);
    expect(headers['x-amz-security-token']).toBe('the-session-token');
    expect(headers.host).toBeUndefined();
    expect(JSON.parse(request?.body as string)).toEqual(INQUIRY);
  });

  it('is not sent without credentials', async () => {
    session.mockResolvedValueOnce({} as never);
    expect(await asked(json({}), FUNCTION_URL)).toMatchObject({ kind: 'failure', code: 'unauthorized' });
    session.mockRejectedValueOnce(new Error('the identity pool is away'));
    expect(await asked(json({}), FUNCTION_URL)).toMatchObject({ kind: 'failure', code: 'session', message: 'the identity pool is away' });
    expect(server).not.toHaveBeenCalled();
  });
});

describe('a streamed answer', () => {
  it('is shown while it arrives, with comments passed over, and ends with its sources', async () => {
    const sources = [{ title: '10-Q', url: 'https://www.sec.gov/a' }];
    const done = `event: done\r\ndata: ${JSON.stringify({ meta: { sources } })}\r\n\r\n`;
    const outcome = await asked(eventStream('data: {"text":"one "}\r\n\r\n: keep-alive\r\n\r', '\ndata: {"te', 'xt":"two"}\r\n\r\n', done));
    expect(shown.mock.calls).toEqual([['one '], ['one two']]);
    expect(outcome).toEqual({ kind: 'answer', answer: { text: 'one two', sources }, timings: [{ name: 'edge', milliseconds: 0.4 }] });
  });

  it('may end without a last event, because the connection is closed properly after whole answers alone', async () => {
    expect(await asked(eventStream('data: {"text":"one"}\n\n'))).toMatchObject({ kind: 'answer', answer: { text: 'one' } });
  });

  it('without any text is a failure', async () => {
    expect(await asked(eventStream())).toMatchObject({ kind: 'failure', code: 'incomplete_answer', requestId: 'id-1' });
  });

  it('that fails midway keeps the text so far and gives the reason', async () => {
    const error = { error: 'Core lambda timed out', code: 'core_timed_out', requestId: 'id-2' };
    const outcome = await asked(eventStream('data: {"text":"one"}\n\ndata: {"text":"tw', `\n\nevent: error\ndata: ${JSON.stringify(error)}\n\n`));
    expect(outcome).toMatchObject({ kind: 'failure', code: 'core_timed_out', message: 'Core lambda timed out', requestId: 'id-2', partial: 'one', hint: expect.stringContaining('too long') });
  });

  it('with an error event that is not JSON is a failure all the same', async () => {
    expect(await asked(eventStream('event: error\ndata: oops\n\n'))).toMatchObject({ kind: 'failure', code: 'core_error', requestId: 'id-1' });
  });

  it('whose connection breaks keeps the text so far', async () => {
    let pulls = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (pulls++ === 0) controller.enqueue(new TextEncoder().encode('data: {"text":"one"}\n\n'));
        else controller.error(new TypeError('network error'));
      },
    });
    const response = new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
    expect(await asked(response)).toMatchObject({ kind: 'failure', code: 'incomplete_answer', message: 'network error', partial: 'one' });
  });

  it('that is stopped keeps the text so far, and the connection is closed', async () => {
    const controller = new AbortController();
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      start(stream) {
        stream.enqueue(new TextEncoder().encode('data: {"text":"one"}\n\n'));
        // A browser ends the body of an aborted request with the signal's reason.
        controller.signal.addEventListener('abort', () => {
          cancelled = true;
          stream.error(controller.signal.reason);
        });
      },
    });
    server.mockResolvedValueOnce(new Response(body, { headers: { 'Content-Type': 'text/event-stream' } }));
    const outcome = askStreamed(API, INQUIRY, shown, controller.signal);
    await vi.waitFor(() => expect(shown).toHaveBeenCalledWith('one'));
    controller.abort();
    expect(await outcome).toEqual({ kind: 'stopped', partial: 'one' });
    expect(cancelled).toBe(true);
    expect(server.mock.calls[0]?.[1]?.signal).toBe(controller.signal);
  });

  it('may be stopped before any of it has arrived', async () => {
    server.mockImplementationOnce(untilAborted);
    const controller = new AbortController();
    const outcome = askStreamed(API, INQUIRY, shown, controller.signal);
    await vi.waitFor(() => expect(server).toHaveBeenCalled());
    controller.abort();
    expect(await outcome).toEqual({ kind: 'stopped' });
  });

  it('passes over data that is not an object with a text', async () => {
    expect(await asked(eventStream('data: 1\n\ndata: null\n\ndata: {"text":2}\n\ndata: {"text":"one"}\n\n'))).toMatchObject({ kind: 'answer', answer: { text: 'one' } });
    expect(shown.mock.calls).toEqual([['one']]);
  });
});

describe('an answer that is no event stream', () => {
  it('is read as a whole, whatever members it has', async () => {
    expect(await asked(json({ answer: 'a', kind: 'failure' }))).toMatchObject({ kind: 'answer', answer: { text: 'a' } });
  });

  it('may be a failure of the edge, of the gateway, of Lambda, or a page of HTML', async () => {
    expect(await asked(json({ message: 'The incoming token has expired' }, 401))).toMatchObject({ code: 'unauthorized', message: 'The incoming token has expired' });
    expect(await asked(json({ error: 'Forbidden', code: 'forbidden', requestId: 'id-3' }, 403))).toMatchObject({ code: 'forbidden', requestId: 'id-3' });
    expect(await asked(json({ Message: 'Forbidden' }, 403))).toMatchObject({ code: 'forbidden', message: 'Forbidden' });
    expect(await asked(new Response('<html></html>', { status: 502 }))).toMatchObject({ code: 'service_unavailable' });
  });

  it('may be nothing: the network failed', async () => {
    server.mockRejectedValueOnce(new TypeError('Failed to fetch'));
    expect(await askStreamed(API, INQUIRY, shown)).toMatchObject({ kind: 'failure', code: 'network', message: 'Failed to fetch' });
  });
});
