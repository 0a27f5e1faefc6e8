// The VITE_… variables become a configuration, or the names of those that are missing.

export interface Configuration {
  apiUrl: string;
  userPoolId: string;
  userPoolClientId: string;
  /** Only for a user pool that is not AWS's own, such as the local stack's. */
  userPoolEndpoint?: string;
  /** The streamed door; without it there is no switch. */
  stream?: { url: string; region: string; identityPoolId: string; identityPoolEndpoint?: string };
}

type Variables = Record<string, string | boolean | undefined>;

const REQUIRED = ['VITE_API_URL', 'VITE_USER_POOL_ID', 'VITE_USER_POOL_CLIENT_ID'] as const;

/** Reads the variables of the build. */
export function readConfiguration(variables: Variables): Configuration | { missing: string[] } {
  const text = (name: string) => String(variables[name] ?? '').trim();
  const missing = REQUIRED.filter((name) => text(name) === '');
  if (missing.length > 0) return { missing };
  return {
    apiUrl: text('VITE_API_URL').replace(/\/$/, ''),
    userPoolId: text('VITE_USER_POOL_ID'),
    userPoolClientId: text('VITE_USER_POOL_CLIENT_ID'),
    userPoolEndpoint: text('VITE_USER_POOL_ENDPOINT') || undefined,
    stream: streamed(text),
  };
}

/** The function URL signs for the identity pool's region. */
function streamed(text: (name: string) => string): Configuration['stream'] {
  const [url, identityPoolId] = [text('VITE_STREAM_URL'), text('VITE_IDENTITY_POOL_ID')];
  if (url === '' || identityPoolId === '') return undefined;
  const region = identityPoolId.split(':')[0] ?? '';
  return { url: url.endsWith('/') ? url : `${url}/`, region, identityPoolId, identityPoolEndpoint: text('VITE_IDENTITY_POOL_ENDPOINT') || undefined };
}
