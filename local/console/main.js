// The console's page: starts its parts, and decides what is shown. What one reads changes only by
// what one does oneself.
import { $, announce, element, showStatus } from './dom.js';
import { importRecord, list, onList, onRecords, record as load, startFeed } from './feed.js';
import { account, session, signIn, startSession, onSession } from './session.js';
import { edit, replay, send, startComposer } from './composer.js';
import { detail, startDetail } from './detail.js';
import { renderSoon, showAsCurrent, startList } from './list.js';
import { lessonOf, startLab } from './lab.js';
import { startToken } from './token.js';
import { startConnect } from './connect.js';

const configuration = await (await fetch('configuration.json')).json();
let shown = null;
let isLoading = false;
let isStale = false;

function view(name) {
  for (const one of document.querySelectorAll('nav button')) one.toggleAttribute('aria-current', false);
  document.querySelector(`nav [data-view="${name}"]`).setAttribute('aria-current', 'page');
  for (const one of document.querySelectorAll('.view')) one.hidden = one.id !== `view-${name}`;
}

/** Shows a record; `isOwn` moves the view there, because the user has just sent it. */
async function show(id, isOwn = false) {
  shown = String(id);
  view('requests');
  showAsCurrent(id);
  await draw();
  if (isOwn) announce($('record-title')?.textContent ?? '');
  showMain();
}

/** On a narrow page, where the view is below the form and the list, scrolls to it. */
function showMain() {
  if (matchMedia('(max-width: 60rem)').matches) $('main').scrollIntoView({ block: 'start' });
}

/** Shows a view that was chosen above the page. The requests begin with the form and the list. */
function choose(name) {
  view(name);
  if (name === 'requests') scrollTo({ top: 0 });
  else showMain();
}

async function draw() {
  if (isLoading) { isStale = true; return; }
  isLoading = true;
  const id = shown;
  try {
    const found = await load(id);
    if (id === shown) place(detail(found));
  } catch (error) {
    if (id === shown) place(element('p', { className: 'lead' }, error.message));
  }
  isLoading = false;
  if (isStale || id !== shown) { isStale = false; await draw(); }
}

/** Puts a new drawing into the place of the old one, and keeps the focus and the scrolled parts. */
function place(made) {
  const panel = $('view-requests');
  const focused = document.activeElement && panel.contains(document.activeElement) ? [...panel.querySelectorAll('*')].indexOf(document.activeElement) : -1;
  const name = document.activeElement?.textContent;
  const scrolls = [...panel.querySelectorAll('pre, .scroll')].map((one) => [one.scrollTop, one.scrollLeft]);
  panel.replaceChildren(made);
  panel.querySelectorAll('pre, .scroll').forEach((one, at) => { [one.scrollTop, one.scrollLeft] = scrolls[at] ?? [0, 0]; });
  if (focused < 0) return;
  const again = [...panel.querySelectorAll('*')];
  const same = again[focused]?.textContent === name ? again[focused] : again.find((one) => one.tabIndex === 0 && one.textContent === name);
  (same ?? $('record-title'))?.focus({ preventScroll: true });
}

function welcome() {
  const has = { user: session() !== null, request: list().length > 0 };
  const user = configuration.user?.username;
  const step = (done, title, text, action) => element('li', { className: done ? 'done' : '' }, element('h3', {}, title, done ? element('span', { className: 'unseen' }, ' (done)') : null), element('p', {}, text), action);
  const own = (id, text, handler, isDisabled = false) => element('button', { type: 'button', id, disabled: isDisabled, on: { click: handler } }, text);
  place(element('section', { className: 'welcome', 'aria-labelledby': 'welcome-title' },
    element('h2', { id: 'welcome-title' }, 'Follow one request from the browser to core and back'),
    element('p', { className: 'lead' }, 'API Gateway, the authorizer, Lambda and Cognito run on this machine. Three steps show what each of them does with a request.'),
    element('ol', { className: 'steps' },
      step(has.user, 'Sign in', user ? 'A user is there already. The user pool gives you an ID token, valid for an hour.' : 'Sign up with an e-mail address: the code appears on the left.',
        has.user || !user || !configuration.user.password ? null : own('first-sign-in', `Sign in as ${user}`, () => account(signIn))),
      step(false, 'Send a question', 'The body on the left is one that the sample core answers. It travels through every hop.', own('first-send', 'Send the sample question', send)),
      step(false, 'See where a request can stop', has.request ? 'Select a request on the left to see its hops. Or send one that goes wrong.' : 'The error lab sends requests that go wrong in one way each, and says what to learn from them.', own('first-lab', 'Open the error lab', () => choose('lab'))))));
}

const redraw = () => { if (shown === null) welcome(); };

for (const one of document.querySelectorAll('nav button')) one.addEventListener('click', () => choose(one.dataset.view));
startSession(configuration);
onSession(redraw);
startComposer(configuration, (id) => show(id, true));
startDetail({ edit, replay: (record) => replay(record).catch((error) => showStatus('send-status', error.message, true)), lessonOf });
startList((id) => show(id));
startToken($('view-token'));
startConnect($('view-connect'), configuration);
await startLab($('view-lab'));
onList(renderSoon);
onRecords((records) => {
  if (shown === null) { if (records.length) redraw(); return; }
  if (records.some((one) => String(one.id) === shown)) draw();
});
$('import').addEventListener('click', () => $('import-file').click());
$('import-file').addEventListener('change', async () => {
  const [file] = $('import-file').files;
  if (!file) return;
  try {
    await show(importRecord(JSON.parse(await file.text())), true);
  } catch (error) {
    showStatus('send-status', error.message, true);
  }
  $('import-file').value = '';
});
welcome();
startFeed();
