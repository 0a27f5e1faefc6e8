// The edge's behaviour as one writes it in JavaScript, with a loop of its own in the place of Lambda's: what the benchmark compares it with.
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import http from 'node:http';

const client = new LambdaClient({ endpoint: process.env.AWS_ENDPOINT_URL_LAMBDA });
const origins = process.env.ALLOWED_ORIGINS.split(',');
const required = ['partner', 'year', 'period', 'question'];

async function handler(event, requestId) {
  const origin = event.headers.origin;
  const cors = origins.includes(origin) ? { 'Access-Control-Allow-Origin': origin, Vary: 'Origin' } : {};
  const answer = (statusCode, body) => ({ statusCode, headers: { 'Content-Type': 'application/json', ...cors }, body: JSON.stringify(body) });
  const body = event.isBase64Encoded ? Buffer.from(event.body, 'base64').toString() : event.body;
  const input = JSON.parse(body);
  const missing = required.filter((name) => input[name] === undefined || input[name] === null || input[name] === '');
  if (missing.length > 0) return answer(400, { error: `Missing fields: ${missing.join(', ')}` });
  const { sub, email } = event.requestContext.authorizer.jwt.claims;
  const payload = { input, identity: { sub, email }, requestMeta: { requestId } };
  const reply = await client.send(new InvokeCommand({ FunctionName: process.env.TARGET_LAMBDA_NAME, Payload: JSON.stringify(payload) }));
  return answer(reply.FunctionError ? 502 : 200, JSON.parse(Buffer.from(reply.Payload).toString()));
}

const agent = new http.Agent({ keepAlive: true });
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) };
    const request = http.request({ agent, host, port, method, path: `/2018-06-01/runtime/invocation/${path}`, headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ id: response.headers['lambda-runtime-aws-request-id'], body: Buffer.concat(chunks).toString() }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

for (;;) {
  const { id, body } = await call('GET', 'next');
  await call('POST', `${id}/response`, JSON.stringify(await handler(JSON.parse(body), id)));
}
