// One call of POST /inference: an answer, or a failure with its code and what to do about it.
import { fetchAuthSession } from 'aws-amplify/auth';

export interface Inquiry {
  partner: string;
  year: number;
  period: string;
  question: string;
}

export interface Answer {
  answer: string;
  meta?: { found?: boolean; sources?: { title: string; url: string }[] };
}

export interface Timing {
  name: string;
  milliseconds: number;
}

export type Failure = Extract<Outcome, { kind: 'failure' }>;

export type Outcome =
  | { kind: 'answer'; answer: Answer; timings: Timing[] }
  | { kind: 'failure'; code: string; message: string; hint: string; requestId?: string };

const HINTS: Record<string, string> = {
  unauthorized: 'Sign in again.',
  forbidden: 'Your account may not ask. Ask whoever runs this for access.',
  missing_fields: 'Fill in every field.',
  request_too_large: 'Ask a shorter question.',
  core_error: 'The core function failed. The request id leads to its log.',
  core_timed_out: 'The core function took too long. Try a simpler question.',
  core_throttled: 'Many ask at once. Try again in a moment.',
  core_unreachable: 'The core function could not be reached. Try again in a moment.',
  model_error: 'The model broke off. Try again in a moment.',
  network: 'No answer could be read: the API is not there, or this page’s origin is not on its list (ALLOWED_ORIGINS).',
};

/** Asks, with the ID token of whoever is signed in; Amplify renews it where its time is over. */
export async function ask(apiUrl: string, inquiry: Inquiry): Promise<Outcome> {
  try {
    const { tokens } = await fetchAuthSession();
    if (!tokens?.idToken) return failure('unauthorized', 'Not signed in');
    const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${tokens.idToken.toString()}` };
    const response = await fetch(`${apiUrl}/inference`, { method: 'POST', headers, body: JSON.stringify(inquiry) });
    const body: unknown = await response.json();
    if (response.ok) return { kind: 'answer', answer: body as Answer, timings: timings(response.headers.get('Server-Timing')) };
    return refused(response, body as Record<string, unknown>);
  } catch (error) {
    return failure('network', error instanceof Error ? error.message : String(error));
  }
}

/** A failure of the edge has a code; one of the gateway has a message alone. */
export function refused(response: Response, body: Record<string, unknown>): Failure {
  const gatewayCode = { 401: 'unauthorized', 403: 'forbidden', 404: 'network', 413: 'request_too_large', 429: 'core_throttled', 503: 'core_throttled' }[response.status] ?? 'core_error';
  const code = typeof body.code === 'string' ? body.code : gatewayCode;
  const message = String(body.error ?? body.message ?? body.Message ?? response.statusText);
  return failure(code, message, response.headers.get('X-Request-Id') ?? undefined);
}

export function failure(code: string, message: string, requestId?: string): Failure {
  return { kind: 'failure', code, message, hint: HINTS[code] ?? 'Try again.', requestId };
}

/** `core;dur=9.5, edge;dur=0.4` */
export function timings(header: string | null): Timing[] {
  const entries = (header ?? '').split(',').map((entry) => /^\s*([\w-]+)\s*;\s*dur=([\d.]+)/.exec(entry));
  return entries.flatMap((entry) => (entry ? [{ name: entry[1] ?? '', milliseconds: Number(entry[2]) }] : []));
}
