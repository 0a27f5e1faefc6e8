// The error lab: requests that go wrong in one way each, sent by the stack through the whole chain.
import { element } from './dom.js';
import { ask } from './composer.js';

let experiments = [];

export const lessonOf = (name) => experiments.find((one) => one.name === name);

export async function startLab(panel) {
  experiments = await (await fetch('lab')).json();
  const cards = experiments.map((one) => {
    const status = element('span', { role: 'status', className: 'soft' });
    const run = async (event) => {
      event.target.disabled = true;
      status.textContent = ' sending…';
      try { await ask(`lab/${one.name}`); status.textContent = ''; } catch (error) { status.textContent = ` ${error.message}`; }
      event.target.disabled = false;
    };
    return element('li', { className: 'card' }, element('h3', {}, one.title), element('p', {}, one.lesson),
      element('p', { className: 'buttons' }, element('button', { type: 'button', className: 'small', id: `lab-${one.name}`, 'aria-label': `Send it: ${one.title}`, on: { click: run } }, 'Send it'), status));
  });
  panel.replaceChildren(element('h2', {}, 'Error lab'),
    element('p', { className: 'lead' }, 'Each of these requests goes wrong in one way. It is really sent through the chain, by the stack and as its first user; then you see where it stopped and by which rule.'),
    element('ol', { className: 'lab' }, cards));
}
