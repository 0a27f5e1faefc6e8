// Server-sent events, read as the HTML standard says (section "Interpreting an event stream").

export interface ServerEvent {
  name: string;
  data: string;
}

/** The events of a body, each as soon as it is complete. One that the end of the body cuts off is left out. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  let name = '';
  let data: string[] = [];
  for await (const line of lines(body)) {
    if (line === '') {
      if (data.length > 0) yield { name: name || 'message', data: data.join('\n') };
      [name, data] = ['', []];
      continue;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    // A line that begins with a colon is a comment, such as those that keep a connection open: its field is empty.
    if (field === 'event') name = value;
    if (field === 'data') data.push(value);
  }
}

/** Complete lines, which end with CRLF, LF or CR. */
async function* lines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      rest += decoder.decode(value, { stream: true });
      // A CR at the end of a chunk may be the first half of a CRLF.
      const end = rest.endsWith('\r') ? rest.length - 1 : rest.length;
      const complete = rest.slice(0, end).split(/\r\n|\n|\r/);
      rest = (complete.pop() ?? '') + rest.slice(end);
      yield* complete;
    }
    if (rest.endsWith('\r')) yield rest.slice(0, -1);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
