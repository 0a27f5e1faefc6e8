// The user's session with the user pool: signs in and up, renews, and keeps the tokens in this tab.
// They survive a reload, and are never part of a URL.
import { $, claimsOf, showStatus } from './dom.js';
import { signInBySrp } from './srp.js';

const KEY = 'inference-edge-session';
const listeners = [];
let configuration;
let tokens = null;

export const idToken = () => tokens?.IdToken ?? null;
export const session = () => tokens;
export const onSession = (listener) => listeners.push(listener);

export function startSession(given) {
  configuration = given;
  try { tokens = JSON.parse(sessionStorage.getItem(KEY)); } catch { tokens = null; }
  // The stack makes new keys at each start: a session of another run is none.
  if (tokens?.issuer !== configuration.issuer || tokens?.consoleUrl !== configuration.consoleUrl || claimsOf(tokens.IdToken).exp * 1000 < Date.now()) tokens = null;
  if (configuration.user) {
    $('email').value = configuration.user.username;
    $('password').value = configuration.user.password ?? '';
  }
  wire();
  changed();
}

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

function keep(result) {
  tokens = result && { ...tokens, ...result, issuer: configuration.issuer, consoleUrl: configuration.consoleUrl };
  if (tokens) sessionStorage.setItem(KEY, JSON.stringify(tokens));
  else sessionStorage.removeItem(KEY);
  changed();
}

function changed() {
  $('account').hidden = tokens !== null;
  $('signed-in').hidden = tokens === null;
  $('who').textContent = tokens ? `Signed in as ${claimsOf(tokens.IdToken).email}` : '';
  listeners.forEach((listener) => listener());
}

export async function signIn() {
  const [, poolName] = configuration.userPoolId.split('_');
  const output = await signInBySrp(cognito, poolName, $('email').value, $('password').value);
  if (!output.AuthenticationResult) throw Object.assign(new Error('choose a password in your frontend first'), { name: output.ChallengeName });
  keep(output.AuthenticationResult);
}

export async function renew() {
  const output = await cognito('GetTokensFromRefreshToken', { RefreshToken: tokens.RefreshToken });
  keep(output.AuthenticationResult);
}

/** Does something with the account, and shows how it went. */
export async function account(action, done = '') {
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

function wire() {
  $('account').addEventListener('submit', (event) => {
    event.preventDefault();
    account(signIn);
  });
  $('sign-up').addEventListener('click', () => {
    if (!$('account').reportValidity()) return;
    const input = { Username: $('email').value, Password: $('password').value, UserAttributes: [{ Name: 'email', Value: $('email').value }] };
    account(async () => { await cognito('SignUp', input); askForCode(); }, 'The code is below, and in the terminal of the stack.');
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
      keep(null);
    }, 'Signed out.');
  });
}
