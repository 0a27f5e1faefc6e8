// What connects a frontend or a script to this stack, ready to copy.
import { copyButton, element } from './dom.js';
import { idToken, onSession } from './session.js';

const QUESTION = '{"partner":"Apple","year":2023,"period":"Q1","question":"What was the revenue?"}';

function amplify(c) {
  return `import { Amplify } from 'aws-amplify';

Amplify.configure({
  Auth: {
    Cognito: {
      userPoolId: '${c.userPoolId}',
      userPoolClientId: '${c.userPoolClientId}',
      userPoolEndpoint: '${c.userPoolEndpoint}',
      identityPoolId: '${c.identityPoolId}',
      identityPoolEndpoint: '${c.identityPoolEndpoint}',
      loginWith: { email: true },
    },
  },
  API: {
    REST: {
      inference: {
        endpoint: '${c.apiUrl}',
        region: '${c.region}',
      },
    },
  },
});`;
}

const env = (c) => `VITE_API_URL=${c.apiUrl}
VITE_REGION=${c.region}
VITE_USER_POOL_ID=${c.userPoolId}
VITE_USER_POOL_CLIENT_ID=${c.userPoolClientId}
VITE_USER_POOL_ENDPOINT=${c.userPoolEndpoint}
VITE_IDENTITY_POOL_ID=${c.identityPoolId}
VITE_IDENTITY_POOL_ENDPOINT=${c.identityPoolEndpoint}
VITE_STREAM_API_URL=${c.streamApiUrl}
VITE_STREAM_URL=${c.streamFunctionUrl}/`;

const curl = (c, token) => `curl -sS '${c.apiUrl}/inference' \\
  -H 'Authorization: Bearer ${token}' \\
  -H 'Content-Type: application/json' \\
  -d '${QUESTION}'`;

const boto3 = (c, token) => `import json

import boto3

logins = {"${c.issuer.split('://')[1]}": "${token}"}
identities = boto3.client(
    "cognito-identity", region_name="${c.region}",
    endpoint_url="${c.identityPoolEndpoint}",
    aws_access_key_id="-", aws_secret_access_key="-")
identity = identities.get_id(IdentityPoolId="${c.identityPoolId}", Logins=logins)["IdentityId"]
keys = identities.get_credentials_for_identity(IdentityId=identity, Logins=logins)["Credentials"]

functions = boto3.client(
    "lambda", region_name="${c.region}",
    endpoint_url="${c.lambdaEndpoint}",
    aws_access_key_id=keys["AccessKeyId"],
    aws_secret_access_key=keys["SecretKey"],
    aws_session_token=keys["SessionToken"])
question = ${QUESTION.replaceAll(',', ', ').replaceAll('":', '": ')}
answer = functions.invoke(FunctionName="${c.functions.edge}", Payload=json.dumps(question))
print(json.load(answer["Payload"])["answer"])`;

export function startConnect(panel, configuration) {
  const show = () => {
    const token = idToken();
    const shown = token ? `${token.slice(0, 12)}…` : '$TOKEN';
    const blocks = [
      ['Amplify', 'For a frontend with the Amplify libraries, before it renders.', amplify(configuration)],
      ['.env', 'For the frontend in web/, or any that Vite builds.', env(configuration)],
      ['curl', token ? 'Copied with your ID token.' : 'Sign in first, then it is copied with your ID token.', curl(configuration, shown), curl(configuration, token ?? '$TOKEN')],
      ['boto3', 'For a script in Python: it gets credentials for your ID token and invokes the edge.', boto3(configuration, shown), boto3(configuration, token ?? '$TOKEN')],
    ];
    panel.replaceChildren(element('h2', {}, 'Connect your frontend'),
      element('p', { className: 'lead' }, 'The ports are those of this run. A page of your own must be at an origin that ALLOWED_ORIGINS lists.'),
      element('div', { className: 'connect' }, blocks.map(([title, note, text, copied]) => element('section', { className: 'card', 'aria-label': title },
        element('h3', {}, title, copyButton('Copy', () => copied ?? text, { 'aria-label': `Copy: ${title}`, id: `copy-${title.replace('.', '')}` })), element('p', { className: 'soft' }, note), element('pre', { tabIndex: 0 }, text)))));
  };
  onSession(show);
  show();
}
