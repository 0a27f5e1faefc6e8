// Where the API, the user pool and the streamed answers are. The page reads it when it starts: from config.json
// beside index.html, which the local stack serves and a deployment puts there; where no such file is, from the
// VITE_… variables of the build.

export interface Configuration {
  apiUrl: string;
  userPoolId: string;
  userPoolClientId: string;
  /** Only for a user pool that is not AWS's own, such as the local stack's. */
  userPoolEndpoint?: string;
  /** Where answers are streamed; without it, streaming is not offered. */
  stream?: StreamingApi | StreamingFunctionUrl;
}

/** A REST API that streams: it takes the ID token, as the API that does not stream. */
export interface StreamingApi {
  kind: 'api';
  url: string;
}

/** A streamed function URL, and the identity pool whose credentials sign its requests. */
export interface StreamingFunctionUrl {
  kind: 'functionUrl';
  url: string;
  region: string;
  identityPoolId: string;
  identityPoolEndpoint?: string;
}

/** What was found; `problems` are whole sentences, each with its remedy. */
export type Loaded =
  | { kind: 'configured'; configuration: Configuration }
  | { kind: 'absent' }
  | { kind: 'invalid'; source: Source; problems: string[] }
  | { kind: 'unreadable'; problem: string };

export type Source = 'config.json' | 'the VITE_ variables of the build';

type Members = Record<string, unknown>;

const VARIABLES: Record<string, string> = {
  apiUrl: 'VITE_API_URL',
  region: 'VITE_REGION',
  userPoolId: 'VITE_USER_POOL_ID',
  userPoolClientId: 'VITE_USER_POOL_CLIENT_ID',
  userPoolEndpoint: 'VITE_USER_POOL_ENDPOINT',
  identityPoolId: 'VITE_IDENTITY_POOL_ID',
  identityPoolEndpoint: 'VITE_IDENTITY_POOL_ENDPOINT',
  streamApiUrl: 'VITE_STREAM_API_URL',
  streamUrl: 'VITE_STREAM_URL',
};

/** A file that is there decides alone; only where there is none, the variables are read. */
export async function loadConfiguration(variables: Members, request: typeof fetch = fetch): Promise<Loaded> {
  const file = await fetchFile(request);
  if (file.kind === 'members') return read(file.members, 'config.json');
  if (file.kind === 'invalid') return file;
  const members = Object.fromEntries(Object.entries(VARIABLES).map(([member, variable]) => [member, variables[variable]]));
  if (Object.values(members).some((value) => !isUnset(value))) return read(members, 'the VITE_ variables of the build');
  return file;
}

/** A member that is absent, null or blank is not configured. */
function isUnset(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}

/** What became of fetching config.json. A server that answers every unknown path with its index.html has no such file. */
async function fetchFile(request: typeof fetch): Promise<Exclude<Loaded, { kind: 'configured' }> | { kind: 'members'; members: Members }> {
  let response: Response;
  let text: string;
  try {
    response = await request('config.json', { cache: 'no-store' });
    text = await response.text();
  } catch (error) {
    return { kind: 'unreadable', problem: `config.json could not be fetched: ${error instanceof Error ? error.message : String(error)}.` };
  }
  // 403 is what Amazon S3 answers for a missing object to a caller who may not list the bucket.
  if (response.status === 404 || response.status === 403) return { kind: 'absent' };
  if (!response.ok) return { kind: 'unreadable', problem: reasonOf(response.status, text) };
  if (text.trim() === '' || /^\s*</.test(text)) return { kind: 'absent' };
  return parse(text);
}

/** The development server's proxy says in `error` why it has no file to give. */
function reasonOf(status: number, text: string): string {
  try {
    const { error } = JSON.parse(text) as Members;
    if (typeof error === 'string') return error;
  } catch {
    // Not JSON: the status has to do.
  }
  return `config.json could not be fetched: the server answered with status ${status}.`;
}

function invalid(problem: string): Extract<Loaded, { kind: 'invalid' }> {
  return { kind: 'invalid', source: 'config.json', problems: [problem] };
}

function parse(text: string): Extract<Loaded, { kind: 'invalid' }> | { kind: 'members'; members: Members } {
  try {
    const members: unknown = JSON.parse(text);
    if (typeof members === 'object' && members !== null && !Array.isArray(members)) return { kind: 'members', members: members as Members };
    return invalid('config.json must hold one JSON object: { "apiUrl": "https://…", … }.');
  } catch (error) {
    return invalid(`config.json is not valid JSON (${error instanceof Error ? error.message : String(error)}). Check it for a missing quote or comma.`);
  }
}

/** Checks every member, so that all problems are reported together. */
function read(members: Members, source: Source): Loaded {
  const reader = new Reader(members, source);
  const apiUrl = reader.apiUrl('apiUrl', 'Required');
  const region = reader.text('region', /^[a-z]{2,}(-[a-z]+)+-\d+$/, 'an AWS region such as us-east-1');
  const userPoolId = reader.text('userPoolId', /^[\w-]+_[0-9A-Za-z]+$/, 'a user pool id such as us-east-1_AbCdEf123', 'Required');
  const userPoolClientId = reader.text('userPoolClientId', /^[\w+]+$/, 'an app client id: letters and digits', 'Required');
  const userPoolEndpoint = reader.url('userPoolEndpoint');
  const identityPoolId = reader.text('identityPoolId', /^[\w-]+:[0-9a-f-]+$/, 'an identity pool id such as us-east-1:01234567-89ab-cdef-0123-456789abcdef');
  const identityPoolEndpoint = reader.url('identityPoolEndpoint');
  const streamApiUrl = reader.apiUrl('streamApiUrl');
  const streamUrl = reader.url('streamUrl');
  if (reader.problems.length > 0 || !apiUrl || !userPoolId || !userPoolClientId) return { kind: 'invalid', source, problems: reader.problems };
  const configuration: Configuration = { apiUrl, userPoolId, userPoolClientId, userPoolEndpoint };
  if (streamApiUrl) {
    configuration.stream = { kind: 'api', url: streamApiUrl };
  } else if (streamUrl && identityPoolId) {
    const ownRegion = region ?? identityPoolId.split(':')[0] ?? '';
    configuration.stream = { kind: 'functionUrl', url: `${streamUrl}/`, region: ownRegion, identityPoolId, identityPoolEndpoint };
  }
  return { kind: 'configured', configuration };
}

/** Reads members one by one and collects what is wrong with them. */
class Reader {
  readonly problems: string[] = [];

  constructor(
    private readonly members: Members,
    private readonly source: Source,
  ) {}

  /** A member that matches a pattern. */
  text(member: string, pattern: RegExp, expected: string, presence?: 'Required'): string | undefined {
    const value = this.members[member];
    if (isUnset(value)) {
      if (presence) this.report(member, `is missing. Give it ${expected}.`);
      return undefined;
    }
    if (typeof value !== 'string') return this.report(member, `must be a string, but it is ${nameOf(value)}.`);
    const text = value.trim();
    return pattern.test(text) ? text : this.report(member, `must be ${expected}, but it is ${JSON.stringify(text)}.`);
  }

  /** A member that is an absolute URL, without its last slashes. */
  url(member: string, presence?: 'Required'): string | undefined {
    const expected = 'a URL that begins with https:// (or http:// on your own machine) and has no query';
    const text = this.text(member, /^https?:\/\/[^\s?#]+$/, expected, presence);
    if (text === undefined) return undefined;
    return URL.canParse(text) ? text.replace(/\/+$/, '') : this.report(member, `must be ${expected}, but it is ${JSON.stringify(text)}.`);
  }

  /** The URL of an API, to which the page adds the path. */
  apiUrl(member: string, presence?: 'Required'): string | undefined {
    const url = this.url(member, presence);
    if (url?.endsWith('/inference')) return this.report(member, 'must not end with /inference: the page adds that path itself.');
    return url;
  }

  report(member: string, problem: string): undefined {
    this.problems.push(`${this.source === 'config.json' ? member : VARIABLES[member]} ${problem}`);
  }
}

function nameOf(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `the ${typeof value} ${String(value)}`;
}
