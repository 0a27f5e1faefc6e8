import { describe, expect, it } from 'vitest';
import { readEvents, type ServerEvent } from '../src/events';
import { bodyOf } from './helpers';

async function events(...chunks: (string | Uint8Array)[]): Promise<ServerEvent[]> {
  const found: ServerEvent[] = [];
  for await (const event of readEvents(bodyOf(...chunks))) found.push(event);
  return found;
}

const TWO = [
  { name: 'message', data: '{"text":"a"}' },
  { name: 'done', data: '{}' },
];

describe('server-sent events', () => {
  it.each([
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['CR', '\r'],
  ])('may have lines that end with %s, wherever the chunks are cut', async (_, end) => {
    const text = ['data: {"text":"a"}', '', 'event: done', 'data: {}', '', ''].join(end);
    expect(await events(text)).toEqual(TWO);
    for (let at = 1; at < text.length; at++) expect(await events(text.slice(0, at), text.slice(at)), `cut at ${at}`).toEqual(TWO);
    expect(await events(...text)).toEqual(TWO);
  });

  it('may be cut within a character', async () => {
    const bytes = new TextEncoder().encode('data: é€😀\n\n');
    const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
    expect(await events(...single)).toEqual([{ name: 'message', data: 'é€😀' }]);
  });

  it('are not comments, which keep the connection open', async () => {
    expect(await events(': keep-alive\n\n', 'data: a\n: keep-alive\n\n', ':\n\n')).toEqual([{ name: 'message', data: 'a' }]);
  });

  it('may have data of several lines, and lose one space after the colon', async () => {
    expect(await events('data:a\ndata:  b\ndata\n\n')).toEqual([{ name: 'message', data: 'a\n b\n' }]);
  });

  it('without data are none, and their name does not pass to the next', async () => {
    expect(await events('event: done\n\ndata: a\n\n')).toEqual([{ name: 'message', data: 'a' }]);
  });

  it('ignore unknown fields', async () => {
    expect(await events('id: 1\nretry: 10\nmagic: x\nnonsense\ndata: a\n\n')).toEqual([{ name: 'message', data: 'a' }]);
  });

  it('that are cut off by the end of the body are left out', async () => {
    expect(await events('data: a\n\ndata: b')).toEqual([{ name: 'message', data: 'a' }]);
    expect(await events('data: a\n\ndata: b\n')).toEqual([{ name: 'message', data: 'a' }]);
  });

  it('may begin with a byte order mark', async () => {
    expect(await events('\uFEFFdata: a\n\n')).toEqual([{ name: 'message', data: 'a' }]);
  });

  it('are no longer read after the reader has stopped', async () => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new TextEncoder().encode('data: a\n\n')),
      cancel: () => {
        cancelled = true;
      },
    });
    for await (const event of readEvents(body)) {
      expect(event.data).toBe('a');
      break;
    }
    expect(cancelled).toBe(true);
  });
});
