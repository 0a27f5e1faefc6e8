// The tokens of the session: header and claims with what each means and who checks it, and how long
// they are valid. A signature is never shown.
import { button, decoded, element, tabs } from './dom.js';
import { account, onSession, renew, session } from './session.js';

const MEANINGS = {
  sub: ['The user’s id in the user pool, which never changes', 'The edge passes it to core as identity.sub'],
  iss: ['The user pool that issued the token', 'The authorizer: it must be this pool'],
  aud: ['The app client the ID token is for', 'The authorizer: it must be this client'],
  client_id: ['The app client the access token is for', 'The authorizer, where aud is missing'],
  exp: ['When it expires', 'The authorizer, at every request'],
  iat: ['When it was issued', 'The authorizer: not in the future'],
  auth_time: ['When the user signed in', 'Nobody here'],
  token_use: ['Whether it is an ID or an access token', 'The edge (TOKEN_USE) and REST APIs; not an HTTP API'],
  email: ['The user’s e-mail address', 'The edge: ALLOWED_EMAILS; core receives it'],
  email_verified: ['Whether the address was confirmed by a code', 'The edge, with ALLOWED_EMAILS'],
  'cognito:groups': ['The user’s groups', 'The edge: ALLOWED_GROUPS'],
  'cognito:username': ['The user name in the pool', 'Nobody here'],
  username: ['The user name in the pool', 'Nobody here'],
  scope: ['What the access token permits', 'The authorizer, on routes with scopes; the user pool'],
  jti: ['The id of this token', 'Nobody here'],
  origin_jti: ['The id of the sign-in, by which tokens are revoked', 'The user pool'],
  event_id: ['The id of the sign-in event', 'Nobody here'],
  kid: ['Which of the pool’s keys signed it', 'The authorizer looks it up in the pool’s JWKS'],
  alg: ['How it is signed', 'The authorizer: RS256'],
};
let panel;
let shownTab = 'id';

export function startToken(given) {
  panel = given;
  onSession(show);
  show();
  setInterval(tick, 1000);
}

function show() {
  const tokens = session();
  const title = element('h2', {}, 'Token');
  if (!tokens) {
    panel.replaceChildren(title, element('p', { className: 'lead' }, 'Sign in to see the two tokens that the user pool gives you, claim by claim.'));
    return;
  }
  const list = [{ name: 'id', title: 'ID token', panel: () => table(tokens.IdToken) }, { name: 'access', title: 'Access token', panel: () => table(tokens.AccessToken) }];
  panel.replaceChildren(title,
    element('p', { className: 'lead' }, 'Anybody who has a token can read it. Nobody can change it without its signature becoming wrong; the signature is not shown here.'),
    element('p', { className: 'countdown' }, element('span', { id: 'countdown' }), ' ', button('Renew with the refresh token', () => account(renew, 'Renewed.'))),
    ...tabs('Tokens', list, shownTab, (name) => { shownTab = name; }));
  tick();
}

const asDate = (name, value) => (['exp', 'iat', 'auth_time'].includes(name) ? ` (${new Date(value * 1000).toLocaleString()})` : '');

function table(token) {
  const [header, claims] = token.split('.').slice(0, 2).map(decoded);
  const rows = (part, members) => Object.entries(members).map(([name, value]) => {
    const [meaning, checker] = MEANINGS[name] ?? ['A claim of your own, or of your attributes', 'Nobody here'];
    return element('tr', {}, element('th', { scope: 'row' }, element('code', {}, name)), element('td', { className: 'mono' }, `${typeof value === 'string' ? value : JSON.stringify(value)}${asDate(name, value)}`),
      element('td', {}, meaning), element('td', {}, checker), element('td', { className: 'soft' }, part));
  });
  const head = element('thead', {}, element('tr', {}, ['Name', 'Value', 'What it means', 'Who checks it', 'Part'].map((text) => element('th', { scope: 'col' }, text))));
  return element('div', { className: 'scroll', tabIndex: 0, role: 'region', 'aria-label': 'Header and claims' }, element('table', { className: 'claims' }, head, element('tbody', {}, rows('header', header), rows('claims', claims))));
}

function tick() {
  const [place, tokens] = [document.getElementById('countdown'), session()];
  if (!place || !tokens) return;
  const left = Math.floor(decoded(tokens.IdToken.split('.')[1]).exp - Date.now() / 1000);
  place.classList.toggle('bad', left <= 0);
  place.textContent = left <= 0 ? 'Expired: renew it, or sign in again.' : `Valid for ${String(Math.floor(left / 60)).padStart(2, '0')}:${String(left % 60).padStart(2, '0')} more`;
}
