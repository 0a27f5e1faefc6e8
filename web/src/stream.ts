// The streamed door: a function URL with IAM, signed with the identity pool's credentials, whose text is shown as it comes.
import { Sha256 } from '@aws-crypto/sha256-js';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import { fetchAuthSession } from 'aws-amplify/auth';
import { type Answer, type Failure, type Inquiry, type Outcome, failure, refused, timings } from './inference';

/** Asks, and hands on the text so far each time that there is more of it. */
export async function askStreamed(streamUrl: string, region: string, inquiry: Inquiry, onText: (text: string) => void): Promise<Outcome> {
  try {
    const { credentials } = await fetchAuthSession();
    if (!credentials) return failure('unauthorized', 'No credentials: is there an identity pool?');
    const request = await sign(new URL(streamUrl), region, credentials, JSON.stringify(inquiry));
    const response = await fetch(streamUrl, request);
    if (!response.ok) return refused(response, (await response.json()) as Record<string, unknown>);
    const isEventStream = response.headers.get('Content-Type')?.startsWith('text/event-stream');
    const answer = isEventStream ? await readEvents(response, onText) : ((await response.json()) as Answer);
    if ('kind' in answer) return answer;
    return { kind: 'answer', answer, timings: timings(response.headers.get('Server-Timing')) };
  } catch (error) {
    return failure('network', error instanceof Error ? error.message : String(error));
  }
}

type Credentials = NonNullable<Awaited<ReturnType<typeof fetchAuthSession>>['credentials']>;

/** Signature Version 4 for service `lambda`. The browser writes `Host` itself. */
async function sign(url: URL, region: string, credentials: Credentials, body: string): Promise<RequestInit> {
  const signer = new SignatureV4({ service: 'lambda', region, credentials, sha256: Sha256 });
  const headers = { host: url.host, 'content-type': 'application/json' };
  const port = url.port === '' ? undefined : Number(url.port);
  const request = new HttpRequest({ method: 'POST', protocol: url.protocol, hostname: url.hostname, port, path: url.pathname, headers, body });
  const signed = await signer.sign(request);
  const { host: _, ...sent } = signed.headers;
  return { method: 'POST', headers: sent, body };
}

/** Server-sent events: text, then how it came about, or why it broke off. */
async function readEvents(response: Response, onText: (text: string) => void): Promise<Answer | Failure> {
  let text = '';
  for await (const { name, data } of events(response)) {
    if (name === 'done') return { answer: text, meta: data.meta as Answer['meta'] };
    if (name === 'error') return failure(String(data.code ?? 'core_error'), String(data.error ?? 'The answer broke off'), data.requestId as string);
    text += String(data.text ?? '');
    onText(text);
  }
  return { answer: text };
}

async function* events(response: Response): AsyncGenerator<{ name: string; data: Record<string, unknown> }> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let buffered = '';
  while (reader) {
    const { value, done } = await reader.read();
    if (done) return;
    buffered += value;
    const complete = buffered.split('\n\n');
    buffered = complete.pop() ?? '';
    for (const event of complete.filter((event) => event.trim() !== '')) yield parse(event);
  }
}

/** An event that was cut off within its data says nothing; the one after it says why. */
function parse(event: string): { name: string; data: Record<string, unknown> } {
  const lines = event.split('\n');
  const values = (field: string) => lines.filter((line) => line.startsWith(`${field}:`)).map((line) => line.slice(field.length + 1).trim());
  const name = values('event')[0] ?? 'message';
  try {
    return { name, data: JSON.parse(values('data').join('\n') || '{}') as Record<string, unknown> };
  } catch {
    return { name, data: {} };
  }
}
