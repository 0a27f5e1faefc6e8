// Makes elements, and what every part of the page needs of them: copy buttons, tabs, formats.

export const $ = (id) => document.getElementById(id);

/** An element with properties, attributes (names with a dash, and role) and children. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.includes('-') || key === 'role') made.setAttribute(key, value === true ? '' : value);
    else if (key === 'on') for (const [event, handler] of Object.entries(value)) made.addEventListener(event, handler);
    else made[key] = value;
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export function button(text, handler, properties = {}) {
  return element('button', { type: 'button', className: 'quiet small', on: { click: handler }, ...properties }, text);
}

/** A button that copies what `text` gives, and says so. */
export function copyButton(label, text, properties = {}) {
  const name = properties['aria-label'];
  const say = (shown) => {
    made.textContent = shown;
    if (name) made.setAttribute('aria-label', shown === label ? name : `${shown}: ${name}`);
  };
  const made = button(label, async () => {
    try {
      await navigator.clipboard.writeText(await text());
      say('Copied');
    } catch {
      say('The browser does not let the page copy');
    }
    setTimeout(() => say(label), 1500);
  }, properties);
  return made;
}

export function saveFile(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  element('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

export function showStatus(id, text, isBad = false) {
  $(id).textContent = text;
  $(id).classList.toggle('bad', isBad);
}

/** Reads a text to people who do not see the page. */
export function announce(text) {
  $('announcement').textContent = text;
}

/** Tabs with their panels: [{ name, title, panel }]. A panel is made when it is shown first. */
export function tabs(label, list, shown, onChange) {
  const bar = element('div', { role: 'tablist', 'aria-label': label, className: 'tabs' });
  const panel = element('div', { role: 'tabpanel', tabIndex: 0, id: 'tab-panel', className: 'panel' });
  const made = list.map((tab) => element('button', {
    type: 'button', role: 'tab', id: `tab-${tab.name}`, 'aria-controls': 'tab-panel', on: { click: () => show(tab.name) },
  }, tab.title));
  function show(name) {
    const index = Math.max(0, list.findIndex((tab) => tab.name === name));
    made.forEach((one, at) => { one.setAttribute('aria-selected', String(at === index)); one.tabIndex = at === index ? 0 : -1; });
    panel.setAttribute('aria-labelledby', `tab-${list[index].name}`);
    panel.replaceChildren(list[index].panel());
    onChange(list[index].name);
  }
  bar.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = (made.findIndex((one) => one.tabIndex === 0) + step + made.length) % made.length;
    show(list[at].name);
    made[at].focus();
    event.preventDefault();
    event.stopPropagation();
  });
  bar.append(...made);
  show(shown);
  return [bar, panel];
}

export function parsed(text) {
  try { return JSON.parse(text); } catch { return text; }
}

/** Formats a text or an object as JSON with its members in lines; tokens are shown as their claims. */
export function pretty(text) {
  if (text === null || text === undefined || text === '') return '(nothing)';
  const value = typeof text === 'string' ? parsed(text) : text;
  return typeof value === 'string' ? value : JSON.stringify(value, readable, 2);
}

function readable(name, value) {
  if (typeof value !== 'string') return value;
  if (name === 'body' && /^\s*[{[]/.test(value)) return parsed(value);
  const token = /^(Bearer )?(eyJ[\w-]+)\.(eyJ[\w-]+)\.\[signature removed\]$/.exec(value);
  if (!token) return value;
  try { return { token: claimsOf(`.${token[3]}`), signature: 'removed' }; } catch { return value; }
}

export function decoded(part) {
  const bytes = Uint8Array.from(atob(part.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

export const claimsOf = (token) => decoded(token.split('.')[1]);

export const milliseconds = (ms) => (ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${ms.toFixed(ms < 10 ? 2 : 1)} ms`);

export const bytes = (count) => (count < 1024 ? `${count} B` : count < 1048576 ? `${(count / 1024).toFixed(1)} KiB` : `${(count / 1048576).toFixed(1)} MiB`);

export const ENTRY_POINTS = { 'http-api': 'HTTP API', 'rest-api': 'REST API', 'function-url': 'Function URL', invoke: 'Invoke' };
