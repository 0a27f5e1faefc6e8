import { describe, expect, it } from 'vitest';
import { type Loaded, loadConfiguration } from '../src/configuration';

const LOCAL = {
  apiUrl: 'http://localhost:4001',
  region: 'us-east-1',
  userPoolId: 'us-east-1_InferEdge',
  userPoolClientId: '3inferenceedgelocalclient1',
  userPoolEndpoint: 'http://localhost:4002',
  identityPoolId: 'us-east-1:6d1e4b6a-0f4c-4c1e-9a53-1f2e3d4c5b6a',
  identityPoolEndpoint: 'http://localhost:4003',
  streamApiUrl: 'http://localhost:4009/stream',
  streamUrl: 'http://localhost:4008/',
};
const FUNCTION_URL = { ...LOCAL, streamApiUrl: undefined };
const DEPLOYED = { apiUrl: 'https://a1b2.execute-api.us-east-1.amazonaws.com/v1/', userPoolId: 'us-east-1_AbCdEf123', userPoolClientId: '1h57kf5cpq17m0eml12example' };
const VARIABLES = { VITE_API_URL: 'https://built.example', VITE_USER_POOL_ID: 'eu-west-1_Built', VITE_USER_POOL_CLIENT_ID: 'builtclient' };

/** A server that answers config.json like this. */
function server(body: string, status = 200, type = 'application/json'): typeof fetch {
  return async (input, init) => {
    expect(input).toBe('config.json');
    expect(init?.cache).toBe('no-store');
    return new Response(body, { status, headers: { 'Content-Type': type } });
  };
}

const refuses: typeof fetch = async () => {
  throw new TypeError('Failed to fetch');
};

const withFile = (members: unknown, variables = {}) => loadConfiguration(variables, server(JSON.stringify(members)));

async function configured(loaded: Promise<Loaded>) {
  const found = await loaded;
  if (found.kind !== 'configured') throw new Error(JSON.stringify(found));
  return found.configuration;
}

async function problems(loaded: Promise<Loaded>) {
  const found = await loaded;
  if (found.kind !== 'invalid') throw new Error(JSON.stringify(found));
  return found.problems;
}

describe('config.json', () => {
  it('of the local stack gives every address', async () => {
    expect(await configured(withFile(LOCAL))).toEqual({
      apiUrl: 'http://localhost:4001',
      userPoolId: 'us-east-1_InferEdge',
      userPoolClientId: '3inferenceedgelocalclient1',
      userPoolEndpoint: 'http://localhost:4002',
      stream: { kind: 'api', url: 'http://localhost:4009/stream' },
    });
  });

  it('without a streaming API streams from the function URL, with the identity pool', async () => {
    const { stream } = await configured(withFile(FUNCTION_URL));
    expect(stream).toEqual({ kind: 'functionUrl', url: 'http://localhost:4008/', region: 'us-east-1', identityPoolId: LOCAL.identityPoolId, identityPoolEndpoint: 'http://localhost:4003' });
  });

  it('with a streaming API needs no identity pool', async () => {
    const { stream } = await configured(withFile({ ...DEPLOYED, streamApiUrl: 'https://s1t2.execute-api.us-east-1.amazonaws.com/prod/' }));
    expect(stream).toEqual({ kind: 'api', url: 'https://s1t2.execute-api.us-east-1.amazonaws.com/prod' });
  });

  it('needs the API and the user pool alone, and the last slash of a URL does not matter', async () => {
    const configuration = await configured(withFile(DEPLOYED));
    expect(configuration.apiUrl).toBe('https://a1b2.execute-api.us-east-1.amazonaws.com/v1');
    expect(configuration.stream).toBeUndefined();
    expect(configuration.userPoolEndpoint).toBeUndefined();
  });

  it('may hold empty strings for what is not configured', async () => {
    expect(await configured(withFile({ ...DEPLOYED, region: '', userPoolEndpoint: '', identityPoolId: '', streamApiUrl: '', streamUrl: '' }))).toEqual(await configured(withFile(DEPLOYED)));
  });

  it('is preferred to the variables of the build', async () => {
    expect((await configured(withFile(DEPLOYED, VARIABLES))).userPoolId).toBe('us-east-1_AbCdEf123');
  });

  it('offers a function URL only with both its address and an identity pool', async () => {
    expect((await configured(withFile({ ...FUNCTION_URL, identityPoolId: '' }))).stream).toBeUndefined();
    expect((await configured(withFile({ ...FUNCTION_URL, streamUrl: '' }))).stream).toBeUndefined();
  });

  it('signs for its region, or without one for that of the identity pool', async () => {
    expect((await configured(withFile({ ...FUNCTION_URL, region: 'eu-central-1' }))).stream).toMatchObject({ region: 'eu-central-1' });
    expect((await configured(withFile({ ...FUNCTION_URL, region: undefined }))).stream).toMatchObject({ region: 'us-east-1' });
  });

  it('that lacks members names each of them', async () => {
    const found = await problems(withFile({ userPoolId: 'us-east-1_AbCdEf123' }, VARIABLES));
    expect(found).toHaveLength(2);
    expect(found[0]).toMatch(/^apiUrl is missing\. Give it a URL/);
    expect(found[1]).toMatch(/^userPoolClientId is missing\./);
  });

  it.each([
    ['apiUrl', 'localhost:4001', /^apiUrl must be a URL that begins with https:\/\/.*but it is "localhost:4001"/],
    ['apiUrl', 'https://', /^apiUrl must be a URL/],
    ['apiUrl', 'https://api.example?x=1', /^apiUrl must be a URL.*no query/],
    ['apiUrl', 'https://api.example/inference', /^apiUrl must not end with \/inference/],
    ['apiUrl', 4001, /^apiUrl must be a string, but it is the number 4001/],
    ['apiUrl', ['https://api.example'], /^apiUrl must be a string, but it is an array/],
    ['userPoolId', 'AbCdEf123', /^userPoolId must be a user pool id such as us-east-1_AbCdEf123/],
    ['userPoolClientId', 'my client', /^userPoolClientId must be an app client id/],
    ['userPoolEndpoint', 'ftp://x', /^userPoolEndpoint must be a URL/],
    ['region', 'Frankfurt', /^region must be an AWS region/],
    ['identityPoolId', '6d1e4b6a', /^identityPoolId must be an identity pool id/],
    ['identityPoolEndpoint', 'nowhere', /^identityPoolEndpoint must be a URL/],
    ['streamApiUrl', 'https://api.example/stream/inference', /^streamApiUrl must not end with \/inference/],
    ['streamUrl', {}, /^streamUrl must be a string, but it is an object/],
  ])('with a wrong %s (%j) says what it must be', async (member, value, expected) => {
    const found = await problems(withFile({ ...LOCAL, [member]: value }));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(expected);
  });

  it.each(['[]', '"text"', '1', 'null'])('that is %s must be an object', async (text) => {
    expect(await problems(loadConfiguration(VARIABLES, server(text)))).toEqual([expect.stringMatching(/must hold one JSON object/)]);
  });

  it('that is not JSON says so and does not fall back', async () => {
    expect(await problems(loadConfiguration(VARIABLES, server('{"apiUrl": "https://api.example",}')))).toEqual([expect.stringMatching(/^config\.json is not valid JSON \(.*\)/)]);
  });
});

describe('without a config.json', () => {
  const absent: [string, typeof fetch][] = [
    ['status 404', server('Not Found', 404, 'text/plain')],
    ['status 403, as Amazon S3 answers', server('<Error><Code>AccessDenied</Code></Error>', 403, 'application/xml')],
    ['the index.html of a host for single-page applications', server('<!doctype html>\n<html></html>', 200, 'text/html')],
    ['an index.html that is called JSON', server('\n <html></html>', 200)],
    ['an empty file', server('')],
  ];

  it.each(absent)('the variables of the build are read: %s', async (_, request) => {
    expect(await configured(loadConfiguration(VARIABLES, request))).toMatchObject({ apiUrl: 'https://built.example', userPoolId: 'eu-west-1_Built' });
  });

  it.each(absent)('and without variables nothing is configured: %s', async (_, request) => {
    expect(await loadConfiguration({ MODE: 'production', VITE_API_URL: '', VITE_USER_POOL_ID: ' ' }, request)).toEqual({ kind: 'absent' });
  });

  it('a variable that is missing is named', async () => {
    const found = await problems(loadConfiguration({ ...VARIABLES, VITE_API_URL: '' }, server('', 404)));
    expect(found).toEqual([expect.stringMatching(/^VITE_API_URL is missing/)]);
  });
});

describe('where config.json cannot be fetched', () => {
  it('the reason is given', async () => {
    expect(await loadConfiguration({}, refuses)).toEqual({ kind: 'unreadable', problem: 'config.json could not be fetched: Failed to fetch.' });
    expect(await loadConfiguration({}, server('<html></html>', 502, 'text/html'))).toEqual({
      kind: 'unreadable',
      problem: 'config.json could not be fetched: the server answered with status 502.',
    });
  });

  it('the reason that the development server gives is passed on', async () => {
    const problem = 'The local stack does not answer at http://localhost:4000.';
    expect(await loadConfiguration({}, server(JSON.stringify({ error: problem }), 502))).toEqual({ kind: 'unreadable', problem });
  });

  it('the variables of the build are read', async () => {
    expect((await configured(loadConfiguration(VARIABLES, refuses))).apiUrl).toBe('https://built.example');
  });
});
