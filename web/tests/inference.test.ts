import { fetchAuthSession } from 'aws-amplify/auth';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Answer, ask, failure, type Outcome, timings } from '../src/inference';
import { json, untilAborted } from './helpers';

vi.mock('aws-amplify/auth', () => ({ fetchAuthSession: vi.fn<() => Promise<unknown>>() }));

const INQUIRY = { partner: 'Apple', year: 2023, period: 'Q1', question: 'What was the revenue?' };
const server = vi.fn<typeof fetch>();
const session = vi.mocked(fetchAuthSession);

beforeEach(() => {
  vi.stubGlobal('fetch', server);
  session.mockResolvedValue({ tokens: { idToken: { toString: () => 'the-id-token' } } } as never);
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetAllMocks();
});

async function asked(response: Response): Promise<Outcome> {
  server.mockResolvedValueOnce(response);
  return ask('https://api.example', INQUIRY);
}

async function answered(body: unknown): Promise<Answer> {
  const outcome = await asked(json(body));
  if (outcome.kind !== 'answer') throw new Error(JSON.stringify(outcome));
  return outcome.answer;
}

describe('a question', () => {
  it('is posted as JSON with the ID token', async () => {
    await asked(json({ answer: 'much' }));
    const [url, request] = server.mock.calls[0] ?? [];
    expect(url).toBe('https://api.example/inference');
    expect(request?.method).toBe('POST');
    expect(request?.headers).toEqual({ 'Content-Type': 'application/json', Authorization: 'Bearer the-id-token' });
    expect(JSON.parse(request?.body as string)).toEqual(INQUIRY);
  });

  it('may be stopped while its answer is awaited', async () => {
    server.mockImplementationOnce(untilAborted);
    const controller = new AbortController();
    const outcome = ask('https://api.example', INQUIRY, controller.signal);
    await vi.waitFor(() => expect(server).toHaveBeenCalled());
    controller.abort();
    expect(await outcome).toEqual({ kind: 'stopped' });
  });

  it('is not sent without a sign-in', async () => {
    session.mockResolvedValue({} as never);
    expect(await ask('https://api.example', INQUIRY)).toMatchObject({ kind: 'failure', code: 'unauthorized', hint: expect.stringContaining('Sign out, sign in again') });
    expect(server).not.toHaveBeenCalled();
  });

  it('is not sent when the sign-in cannot be renewed, and that is not called a failure of the API', async () => {
    session.mockRejectedValue(new Error('Network error'));
    expect(await ask('https://api.example', INQUIRY)).toMatchObject({ kind: 'failure', code: 'session', message: 'Network error' });
    expect(server).not.toHaveBeenCalled();
  });
});

describe('an answer', () => {
  it('has a text, sources and the times that the edge measured', async () => {
    const sources = [{ title: '10-Q', url: 'https://www.sec.gov/a' }];
    const outcome = await asked(json({ answer: 'much', meta: { found: true, sources } }, 200, { 'Server-Timing': 'core;dur=9.5, edge;dur=0.4' }));
    const times = [
      { name: 'core', milliseconds: 9.5 },
      { name: 'edge', milliseconds: 0.4 },
    ];
    expect(outcome).toEqual({ kind: 'answer', answer: { text: 'much', sources }, timings: times });
  });

  it('of another core function is shown as JSON', async () => {
    expect(JSON.parse((await answered({ revenue: 1 })).text)).toEqual({ revenue: 1 });
    expect((await answered('text')).text).toBe('"text"');
    expect((await answered({})).text).toBe('{}');
    expect((await answered(null)).text).toBe('null');
  });

  it('links to web addresses only', async () => {
    const sources = [{ title: 'x', url: 'javascript:alert(1)' }, { title: 'x' }, null, 'https://a.example', { url: 'https://b.example' }];
    expect((await answered({ answer: 'a', meta: { sources } })).sources).toEqual([{ title: 'https://b.example', url: 'https://b.example' }]);
    expect((await answered({ answer: 'a', meta: { sources: 'none' } })).sources).toEqual([]);
  });

  it('that is not JSON is not taken for an answer', async () => {
    expect(await asked(new Response('<html>Welcome</html>', { status: 200 }))).toMatchObject({ kind: 'failure', code: 'unexpected_answer' });
    expect(await asked(new Response('', { status: 200 }))).toMatchObject({ kind: 'failure', code: 'unexpected_answer' });
  });
});

describe('a failure', () => {
  it.each([
    [400, 'missing_fields', 'Fill in every field'],
    [401, 'unauthorized', 'Sign out, sign in again'],
    [403, 'forbidden', 'does not have access'],
    [404, 'not_found', 'no such path'],
    [413, 'request_too_large', 'Ask a shorter question'],
    [500, 'core_not_found', 'TARGET_LAMBDA_NAME'],
    [502, 'core_error', 'The core function failed.'],
    [503, 'core_throttled', 'Try again in a moment'],
    [503, 'issuer_unreachable', 'user pool'],
    [504, 'core_timed_out', 'took too long'],
  ])('of the edge, %i %s, has its code, its request ID and a hint', async (status, code, hint) => {
    const outcome = await asked(json({ error: 'What went wrong', code, requestId: 'id-1' }, status));
    expect(outcome).toEqual({ kind: 'failure', code, message: 'What went wrong', hint: expect.stringContaining(hint), requestId: 'id-1' });
  });

  it.each([
    [401, { message: 'Unauthorized' }, 'unauthorized', 'Unauthorized'],
    [403, { Message: 'Forbidden' }, 'forbidden', 'Forbidden'],
    [403, { message: 'Missing Authentication Token' }, 'not_found', 'Missing Authentication Token'],
    [404, { message: 'Not Found' }, 'not_found', 'Not Found'],
    [413, { message: 'Request Entity Too Large' }, 'request_too_large', 'Request Entity Too Large'],
    [429, { message: 'Too Many Requests' }, 'too_many_requests', 'Too Many Requests'],
    [500, { message: 'Internal Server Error' }, 'invocation_failure', 'Internal Server Error'],
    [503, { message: 'Service Unavailable' }, 'service_unavailable', 'Service Unavailable'],
    [504, { message: 'Endpoint request timed out' }, 'service_unavailable', 'Endpoint request timed out'],
    [418, { message: null }, 'unexpected_answer', 'HTTP status 418'],
    [500, null, 'invocation_failure', 'HTTP status 500'],
    [500, ['x'], 'invocation_failure', 'HTTP status 500'],
  ])('of the gateway, %i %j, gets a code by its status', async (status, body, code, message) => {
    const outcome = await asked(json(body, status, { 'Apigw-Requestid': 'gateway-id' }));
    expect(outcome).toMatchObject({ kind: 'failure', code, message, requestId: 'gateway-id' });
  });

  it.each([
    [404, 'not_found'],
    [502, 'service_unavailable'],
  ])('with an HTML page, %i, is not called a failure of the network', async (status, code) => {
    expect(await asked(new Response('<html><h1>Oops</h1></html>', { status }))).toMatchObject({ kind: 'failure', code, message: `HTTP status ${status}` });
  });

  it('of the network names the origin list', async () => {
    server.mockRejectedValueOnce(new TypeError('Failed to fetch'));
    const outcome = await ask('https://api.example', INQUIRY);
    expect(outcome).toMatchObject({ kind: 'failure', code: 'network', message: 'Failed to fetch', hint: expect.stringContaining('ALLOWED_ORIGINS') });
  });

  it('with an unknown code still has a hint', () => {
    expect(failure('something_new', 'x').hint).toMatch(/^Try again/);
  });
});

describe('Server-Timing', () => {
  it('may be absent, or have entries without a duration', () => {
    expect(timings(null)).toEqual([]);
    expect(timings('cache;desc="hit", core;dur=1, nonsense, edge;dur=.')).toEqual([{ name: 'core', milliseconds: 1 }]);
  });
});
