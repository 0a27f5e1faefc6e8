// One call of POST /inference: an answer, or a failure with its code and what to do about it.
import { fetchAuthSession } from 'aws-amplify/auth';

export interface Inquiry {
  partner: string;
  year: number;
  period: string;
  question: string;
}

export interface SourceLink {
  title: string;
  url: string;
}

export interface Answer {
  text: string;
  sources: SourceLink[];
}

export interface Timing {
  name: string;
  milliseconds: number;
}

export type Failure = Extract<Outcome, { kind: 'failure' }>;

/** `partial` is the text that had arrived before a streamed answer failed or was stopped. */
export type Outcome =
  | { kind: 'answer'; answer: Answer; timings: Timing[] }
  | { kind: 'stopped'; partial?: string }
  | { kind: 'failure'; code: string; message: string; hint: string; requestId?: string; partial?: string };

/** What to do about a failure. First the edge's codes, then those that this page gives where an answer has none. */
const HINTS: Record<string, string> = {
  missing_body: 'The request had no body. Reload the page and try again.',
  invalid_json: 'The request was not valid JSON. Reload the page and try again.',
  not_an_object: 'The request was not a JSON object. Reload the page and try again.',
  missing_fields: 'Fill in every field and send the question again.',
  unauthorized: 'Your sign-in was not accepted. Sign out, sign in again and repeat the question.',
  forbidden: 'You are signed in, but your account does not have access. Ask the administrator of this service for it.',
  not_found: 'There is no such path at the API. Check the address of the API in the configuration of this page.',
  method_not_allowed: 'The API does not accept POST at this path. Check the address of the API in the configuration of this page.',
  request_too_large: 'The request is too large. Ask a shorter question.',
  issuer_unreachable: 'The keys that verify your sign-in could not be fetched from the user pool. Try again in a moment.',
  core_not_found: 'The API is running, but the function that answers does not exist. The administrator should check TARGET_LAMBDA_NAME.',
  core_access_denied: 'The API may not call the function that answers. The administrator should check the permissions of its role.',
  invocation_failure: 'The function that answers could not be called. Try again; if it keeps failing, give the request ID to the administrator.',
  core_unreachable: 'The function that answers could not be reached. Try again in a moment.',
  core_error: 'The core function failed. Its log, found by the request ID, says why.',
  core_answer_too_large: 'The answer is larger than the 6 MB that AWS Lambda can return. Ask for less at once.',
  core_throttled: 'Too many questions are being answered right now. Try again in a moment.',
  core_timed_out: 'The answer took too long. Try again, or ask a simpler question.',
  model_error: 'The language model stopped before its answer was complete. Try again in a moment.',
  too_many_requests: 'The API limits how many requests it accepts per second. Try again in a moment.',
  service_unavailable: 'The API did not answer in time. Try again in a moment.',
  unexpected_answer: 'The answer did not come from the API of this page. Check the address of the API in the configuration of this page.',
  incomplete_answer: 'The connection ended before the answer was complete. Try again.',
  session: 'Your sign-in could not be renewed. Check your connection; if that is fine, sign out and sign in again.',
  network:
    'The API could not be reached, or it does not allow this page to read its answers. Check your connection. If you run the API, add the origin of this page to ALLOWED_ORIGINS.',
};

/** Codes for answers that are not the edge's own: API Gateway and Lambda give a status and a message. */
const GATEWAY_CODES: Record<number, string> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  413: 'request_too_large',
  429: 'too_many_requests',
  500: 'invocation_failure',
  502: 'service_unavailable',
  503: 'service_unavailable',
  504: 'service_unavailable',
};

/** Asks, and waits for the whole answer. `signal` stops the waiting. */
export async function ask(apiUrl: string, inquiry: Inquiry, signal?: AbortSignal): Promise<Outcome> {
  const request = await requestWithIdToken(apiUrl, inquiry);
  if ('kind' in request) return request;
  try {
    return await wholeOutcome(await fetch(request.url, { ...request.init, signal }));
  } catch (error) {
    return signal?.aborted ? { kind: 'stopped' } : failure('network', messageOf(error));
  }
}

/** What `fetch` sends. */
export interface PreparedRequest {
  url: string;
  init: RequestInit;
}

/** A request to an API, with the ID token of the signed-in user, which Amplify renews when it has expired. */
export async function requestWithIdToken(apiUrl: string, inquiry: Inquiry): Promise<PreparedRequest | Failure> {
  const session = await currentSession();
  if ('kind' in session) return session;
  const token = session.tokens?.idToken?.toString();
  if (!token) return failure('unauthorized', 'Not signed in');
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` };
  return { url: `${apiUrl}/inference`, init: { method: 'POST', headers, body: JSON.stringify(inquiry) } };
}

export type Session = Awaited<ReturnType<typeof fetchAuthSession>>;

/** The tokens and credentials of the signed-in user. */
export async function currentSession(): Promise<Session | Failure> {
  try {
    return await fetchAuthSession();
  } catch (error) {
    return failure('session', messageOf(error));
  }
}

/** The outcome of a response that is read as a whole. */
export async function wholeOutcome(response: Response): Promise<Outcome> {
  const body = parsed(await response.text());
  if (!response.ok) return refused(response, body);
  if (body === undefined) return failure('unexpected_answer', 'The answer is not JSON', requestIdOf(response, {}));
  return { kind: 'answer', answer: answerOf(body), timings: timings(response.headers.get('Server-Timing')) };
}

/** The edge's failures have a code. Those of API Gateway and Lambda have a message alone, those of other servers not even JSON. */
export function refused(response: Response, body: unknown): Failure {
  const members = membersOf(body);
  const message = [members.error, members.message, members.Message].find((text) => typeof text === 'string' && text !== '');
  // With this message a REST API refuses paths and methods that it does not have.
  const gatewayCode = message === 'Missing Authentication Token' ? 'not_found' : GATEWAY_CODES[response.status];
  const code = typeof members.code === 'string' ? members.code : (gatewayCode ?? 'unexpected_answer');
  return failure(code, typeof message === 'string' ? message : `HTTP status ${response.status}`, requestIdOf(response, members));
}

/** The core function of this project answers `{"answer", "meta": {"sources"}}`; any other JSON is shown as it is. */
export function answerOf(body: unknown): Answer {
  const { answer, meta } = membersOf(body);
  const text = typeof answer === 'string' ? answer : JSON.stringify(body, null, 2);
  return { text, sources: sourcesOf(meta) };
}

/** Links of an answer. Only web addresses become links, because the text of a model decides what they are. */
export function sourcesOf(meta: unknown): SourceLink[] {
  const { sources } = membersOf(meta);
  if (!Array.isArray(sources)) return [];
  return sources.map(membersOf).flatMap(({ title, url }) => {
    if (typeof url !== 'string' || !/^https?:\/\//i.test(url)) return [];
    return [{ url, title: typeof title === 'string' && title !== '' ? title : url }];
  });
}

export function failure(code: string, message: string, requestId?: string): Failure {
  const hint = HINTS[code] ?? 'Try again; if it keeps failing, give the request ID to the administrator.';
  return { kind: 'failure', code, message, hint, requestId };
}

/** `core;dur=9.5, edge;dur=0.4` */
export function timings(header: string | null): Timing[] {
  const entries = (header ?? '').split(',').map((entry) => /^\s*([\w-]+)\s*;\s*dur=(\d+(?:\.\d+)?)/.exec(entry));
  return entries.flatMap((entry) => (entry ? [{ name: entry[1] ?? '', milliseconds: Number(entry[2]) }] : []));
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The members of an object; none for any other value. */
export function membersOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

/** JSON, or nothing. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function requestIdOf(response: Response, members: Record<string, unknown>): string | undefined {
  if (typeof members.requestId === 'string') return members.requestId;
  const names = ['X-Request-Id', 'Apigw-Requestid', 'x-amzn-RequestId'];
  return names.map((name) => response.headers.get(name)).find((id) => id !== null) ?? undefined;
}
