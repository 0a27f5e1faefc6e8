// Signature Version 4, with which a page proves to a function URL who it is.
import { Sha256 } from '@aws-crypto/sha256-js';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Session } from './inference';

/** A signed request for service `lambda`. The browser writes `Host` itself. */
export async function sign(url: URL, region: string, credentials: NonNullable<Session['credentials']>, body: string): Promise<RequestInit> {
  const signer = new SignatureV4({ service: 'lambda', region, credentials, sha256: Sha256 });
  const headers = { host: url.host, 'content-type': 'application/json' };
  const port = url.port === '' ? undefined : Number(url.port);
  const request = new HttpRequest({ method: 'POST', protocol: url.protocol, hostname: url.hostname, port, path: url.pathname, headers, body });
  const signed = await signer.sign(request);
  const { host: _, ...sent } = signed.headers;
  return { method: 'POST', headers: sent, body };
}
