// The console's page: signs in, sends the sample request, and shows every hop of every request as it is answered.
const $ = (id) => document.getElementById(id);
const configuration = await (await fetch('configuration.json')).json();
const sample = { partner: 'Apple', year: 2023, period: 'Q1', question: 'What was the revenue?' };
let tokens = null;
const records = [];
let shown = null;

// ---- the user pool

async function cognito(operation, input) {
  const response = await fetch(configuration.userPoolEndpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `AWSCognitoIdentityProviderService.${operation}` },
    body: JSON.stringify({ ClientId: configuration.userPoolClientId, ...input }),
  });
  const output = await response.json();
  if (!response.ok) throw Object.assign(new Error(output.message), { name: output.__type });
  return output;
}

function showStatus(id, text, isBad = false) {
  $(id).textContent = text;
  $(id).className = isBad ? 'bad' : '';
}

async function account(action, done) {
  try {
    await action();
    showStatus('account-status', done);
  } catch (error) {
    if (error.name === 'UserNotConfirmedException') askForCode();
    showStatus('account-status', `${error.name}: ${error.message}`, true);
  }
}

function askForCode() {
  $('code-row').hidden = $('confirm').hidden = false;
  $('code').focus();
}

async function signIn() {
  const parameters = { USERNAME: $('email').value, PASSWORD: $('password').value };
  const output = await cognito('InitiateAuth', { AuthFlow: 'USER_PASSWORD_AUTH', AuthParameters: parameters });
  if (!output.AuthenticationResult) throw Object.assign(new Error('choose a password in your frontend first'), { name: output.ChallengeName });
  tokens = output.AuthenticationResult;
  showAccount();
}

function showAccount() {
  $('account').hidden = tokens !== null;
  $('signed-in').hidden = tokens === null;
  $('who').textContent = tokens ? `Signed in as ${claimsOf(tokens.IdToken).email}` : '';
}

$('account').addEventListener('submit', (event) => {
  event.preventDefault();
  account(signIn, '');
});
$('sign-up').addEventListener('click', () => {
  if (!$('account').reportValidity()) return;
  const input = { Username: $('email').value, Password: $('password').value, UserAttributes: [{ Name: 'email', Value: $('email').value }] };
  account(async () => { await cognito('SignUp', input); askForCode(); }, 'The code is in the terminal in which the stack runs.');
});
$('confirm').addEventListener('click', () => {
  account(async () => {
    await cognito('ConfirmSignUp', { Username: $('email').value, ConfirmationCode: $('code').value.trim() });
    $('code-row').hidden = $('confirm').hidden = true;
    await signIn();
  }, 'Confirmed and signed in.');
});
$('sign-out').addEventListener('click', () => {
  account(async () => {
    await cognito('RevokeToken', { Token: tokens.RefreshToken });
    tokens = null;
    showAccount();
  }, 'Signed out.');
});

// ---- the request

$('request').addEventListener('submit', async (event) => {
  event.preventDefault();
  $('send').disabled = true;
  showStatus('send-status', 'Sending…');
  try {
    const headers = { 'content-type': 'application/json' };
    if (tokens) headers.authorization = `Bearer ${tokens.IdToken}`;
    const response = await fetch(`${configuration.apiUrl}/inference`, { method: 'POST', headers, body: $('body').value });
    const body = await response.json();
    showStatus('send-status', `${response.status}: ${body.answer ?? body.error ?? body.message ?? ''}`, !response.ok);
  } catch {
    showStatus('send-status', 'The browser blocked the response: see the last hop.', true);
  } finally {
    $('send').disabled = false;
  }
});

// ---- the records

function claimsOf(token) {
  const bytes = Uint8Array.from(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** Formats a text or an object; tokens are replaced by their claims. */
function pretty(text) {
  if (text === null || text === undefined || text === '') return '(nothing)';
  const value = typeof text === 'string' ? parsed(text) : text;
  return typeof value === 'string' ? value : JSON.stringify(value, readable, 2);
}

function parsed(text) {
  try { return JSON.parse(text); } catch { return text; }
}

function readable(name, value) {
  if (typeof value !== 'string') return value;
  if (name === 'body') return parsed(value);
  const token = /^(Bearer )?(eyJ[\w-]+)\.(eyJ[\w-]+)\.\[signature removed\]$/.exec(value);
  if (!token) return value;
  try { return { token: claimsOf(`.${token[3]}`), signature: 'removed' }; } catch { return value; }
}

/** The hops of a record, each with its time, its data, and advice if it failed. */
function hops(record) {
  const edge = record.invocations.find((one) => one.function === configuration.functions.edge);
  const core = record.invocations.find((one) => one.function !== configuration.functions.edge);
  const { request, response } = record;
  const isPreflight = request.method === 'OPTIONS' && response.status === 204;
  const origin = request.headers.origin;
  const reads = !origin || response.headers['access-control-allow-origin'] !== undefined;
  const failure = parsed(response.body);
  const edgeFailed = edge && !core && response.status >= 400;
  const list = [{ title: `Browser request · ${request.method} ${request.path}`, parts: { headers: request.headers, body: request.body } }];
  if (isPreflight) {
    list[0].title = `Preflight · OPTIONS ${request.path}`;
  } else {
    list.push({ title: 'JWT authorizer', ms: record.authorizerMs, parts: { claims: record.claims }, failed: !record.claims, advice: !record.claims && tokenAdvice(record) });
    list.push({ title: 'Event, payload format 2.0, to the edge', ms: edge?.ms, parts: { event: record.event }, skipped: !record.event, event: record.event });
    list.push({
      title: 'Edge → core', ms: core && edge ? edge.ms - core.ms : undefined, parts: { payload: core?.payload }, skipped: !core, failed: edgeFailed,
      advice: edgeFailed && requestAdvice(failure),
    });
    list.push({
      title: 'Core’s reply', ms: core?.ms, parts: { reply: core?.reply }, skipped: !core, failed: core?.isError,
      advice: core?.isError && `Core threw: ${pretty(core.reply).slice(0, 300)} See its log in the terminal.`,
    });
  }
  const status = `HTTP response · ${response.status}`;
  list.push({
    title: status, ms: record.ms, parts: { headers: response.headers, body: response.body }, failed: response.status >= 400 || !reads,
    advice: !reads && `The browser blocks this response for ${origin}: the origin is not allowed (${record.allowedOrigins.join(', ')}). Add it to ALLOWED_ORIGINS.`,
  });
  return list;
}

function tokenAdvice(record) {
  if (record.response.status === 404) return 'No route matches: the API only has POST /inference.';
  const why = /error_description="([^"]*)"/.exec(record.error ?? '')?.[1];
  if (!why) return record.error === 'Bearer' ? 'There is no token: sign in, and send the ID token in the Authorization header.' : record.error;
  const adviceByError = {
    audience: `The token is for another app client: its aud must be ${configuration.userPoolClientId}.`,
    issuer: `The token is from another user pool: its iss must be ${configuration.issuer}.`,
    expired: 'The token has expired: refresh it.',
    key: 'The token is signed by a key that the user pool does not have: the stack makes new keys at each start. Sign in again.',
    segments: 'That is no token: send the ID token as it is.',
  };
  const advice = Object.entries(adviceByError).find(([word]) => why.includes(word))?.[1];
  return advice ?? `Refused: ${why}.`;
}

function requestAdvice(failure) {
  const adviceByError = {
    missing_fields: `Give ${failure?.fields?.join(', ')} a value.`,
    missing_body: 'Send a JSON object as body.',
    invalid_json: 'The body is not valid JSON: check for a missing quote or a surplus comma.',
    not_an_object: 'The body must be an object: { … }.',
    forbidden: 'Send the ID token, not the access token. The user must be in an allowed group or be an allowed user.',
    core_not_found: 'There is no function of this name: check TARGET_LAMBDA_NAME.',
    core_throttled: 'Every environment of core is busy: see --core-concurrency.',
    core_timed_out: 'Core took too long: see CORE_TIMEOUT_MS.',
    core_unreachable: 'Lambda did not respond: check AWS_ENDPOINT_URL_LAMBDA.',
  };
  return adviceByError[failure?.code] ?? `${failure?.error ?? 'The edge refused it'} (${failure?.code ?? 'no code'}).`;
}

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

function hopElement(hop) {
  const state = hop.failed ? 'failed' : hop.skipped ? 'skipped' : 'passed';
  const time = hop.ms === undefined ? null : element('span', { className: 'ms', textContent: `${hop.ms.toFixed(2)} ms` });
  const title = element('h3', {}, `${hop.failed ? '✗ ' : ''}${hop.title}${hop.skipped && !hop.failed ? ' · not reached' : ''}`, time);
  const parts = hop.skipped ? [] : Object.entries(hop.parts).map(([name, value]) => part(name, value));
  const advice = hop.advice ? element('p', { className: 'advice', textContent: hop.advice }) : null;
  return element('li', { className: `hop ${state}` }, title, advice, ...parts);
}

function part(name, value) {
  const text = pretty(value);
  const copy = element('button', { type: 'button', className: 'quiet', textContent: 'Copy' });
  copy.addEventListener('click', () => navigator.clipboard.writeText(text));
  return element('details', {}, element('summary', { textContent: name }), element('pre', { tabIndex: 0, textContent: text }), copy);
}

function curlOf({ request }) {
  const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
  const left = ['host', 'content-length', 'connection', 'accept-encoding'];
  const headers = Object.entries(request.headers).filter(([name]) => !left.includes(name));
  const lines = headers.map(([name, value]) => {
    const own = name === 'authorization' ? 'Bearer $TOKEN' : value;
    return name === 'authorization' ? `  -H "${name}: ${own}"` : `  -H ${quoted(`${name}: ${own}`)}`;
  });
  const body = request.body ? [`  --data-raw ${quoted(request.body)}`] : [];
  return [`curl -X ${request.method} ${quoted(configuration.apiUrl + request.path)}`, ...lines, ...body].join(' \\\n');
}

/** Whether a body is truncated, so that it is not a complete event or command. */
function isCut(text) {
  return / bytes in all\)$/.test(text ?? '');
}

function tools(record) {
  const curl = element('button', { type: 'button', className: 'quiet', textContent: 'Copy as curl', disabled: isCut(record.request.body) });
  curl.addEventListener('click', () => navigator.clipboard.writeText(curlOf(record)));
  const save = element('button', { type: 'button', className: 'quiet', textContent: 'Save as event file', disabled: !record.event || isCut(record.event) });
  save.addEventListener('click', () => {
    const url = URL.createObjectURL(new Blob([record.event], { type: 'application/json' }));
    element('a', { href: url, download: 'event.json' }).click();
    URL.revokeObjectURL(url);
  });
  return element('p', { className: 'tools' }, curl, save);
}

function show(record) {
  shown = record;
  $('detail').replaceChildren(tools(record), element('ol', { className: 'timeline' }, ...hops(record).map(hopElement)));
  for (const button of $('requests').querySelectorAll('button')) button.setAttribute('aria-current', String(button.record === record));
}

function add(record) {
  records.unshift(record);
  records.length = Math.min(records.length, 50);
  $('empty').hidden = true;
  const { request, response } = record;
  const status = element('span', { className: response.status < 400 ? 'good' : 'bad', textContent: String(response.status) });
  const time = element('span', { className: 'time', textContent: `${record.ms.toFixed(1)} ms · ${new Date(record.at).toLocaleTimeString()}` });
  const button = element('button', { type: 'button' }, status, `${request.method} ${request.path}`, time);
  button.record = record;
  button.addEventListener('click', () => show(record));
  $('requests').prepend(element('li', {}, button));
  while ($('requests').children.length > 50) $('requests').lastChild.remove();
  if (request.method !== 'OPTIONS' || shown === null) show(record);
}

$('body').value = JSON.stringify(sample, null, 2);
if (configuration.user) {
  $('email').value = configuration.user.username;
  $('password').value = configuration.user.password ?? '';
}
const live = new EventSource('records');
live.addEventListener('open', () => showStatus('live', 'live'));
live.addEventListener('error', () => showStatus('live', 'the stack does not answer', true));
live.addEventListener('message', ({ data }) => add(JSON.parse(data)));
