// Creates and updates elements. Text is inserted as text: nothing on this page parses HTML.

const SVG = 'http://www.w3.org/2000/svg';

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined) continue;
    if (typeof value === 'boolean' && name.startsWith('aria-')) {
      element.setAttribute(name, value);
      continue;
    }
    if (value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'vars') for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
    else if (name === 'value' || name === 'checked') element[name] = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const h = (tag, properties, ...children) => fill(document.createElement(tag), properties, children);
export const s = (tag, properties, ...children) => fill(document.createElementNS(SVG, tag), properties, children);

/** Sets text only where it differs, so that what is selected or read aloud stays. */
export function write(element, text) {
  const words = String(text ?? '');
  if (element.textContent !== words) element.textContent = words;
}

export function attribute(element, name, value) {
  if (typeof value === 'boolean' && name.startsWith('aria-')) element.setAttribute(name, value);
  else if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? '' : value);
}

const KEPT = new WeakMap();

/** Makes the children of `parent` be those of `items`, in order; a child of an item that was there before stays, focus and all. */
export function keyed(parent, items, keyOf, make, update) {
  const before = KEPT.get(parent) ?? new Map();
  const now = new Map();
  let place = parent.firstChild;
  for (const item of items) {
    const key = keyOf(item);
    const kept = before.get(key) ?? make(item);
    const element = kept.element ?? kept;
    now.set(key, kept);
    if (element === place) place = place.nextSibling;
    else parent.insertBefore(element, place);
    // Inserted first, because only an element in the document knows how much room it has.
    update?.(kept, item);
  }
  for (const [key, kept] of before) if (!now.has(key)) (kept.element ?? kept).remove();
  KEPT.set(parent, now);
}

/** A dialog with a title, closed by Escape, by its button, and by a click beside it. */
export function dialog(title, close, ...body) {
  const heading = h('h2', { id: 'dialog-title' }, title);
  const box = h('dialog', { 'aria-labelledby': 'dialog-title' },
    h('header', {}, heading, h('button', { class: 'button quiet', type: 'button', onclick: () => box.close() }, close)),
    h('div', { class: 'body' }, body));
  box.addEventListener('click', (event) => { if (event.target === box) box.close(); });
  box.addEventListener('close', () => box.remove());
  document.body.append(box);
  box.showModal();
  return box;
}

export function toast(text) {
  document.querySelector('.toast')?.remove();
  const note = h('div', { class: 'toast', role: 'status' }, text);
  document.body.append(note);
  setTimeout(() => note.remove(), 5000);
}

export function panel(title, { end, id } = {}, ...body) {
  return h('section', { class: 'panel', 'aria-label': title, id },
    h('header', {}, h('h2', {}, title), end ? h('div', { class: 'end' }, end) : null), ...body);
}

export const replace = (element, ...children) => {
  KEPT.delete(element);
  element.replaceChildren(...children.flat(Infinity).filter(Boolean));
};
