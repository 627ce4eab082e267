// Small helpers to build and change elements. Text is only ever set as text.

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// set changes data attributes, those alone that differ; null takes one away.
export function set(element, data) {
  for (const [name, value] of Object.entries(data)) {
    if (value === null || value === undefined) delete element.dataset[name];
    else if (element.dataset[name] !== String(value)) element.dataset[name] = value;
  }
  return element;
}

export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// arrange makes the elements the children of a parent, in order, moving no more than it must.
export function arrange(parent, elements) {
  const keep = new Set(elements);
  for (const child of [...parent.children]) if (!keep.has(child)) child.remove();
  elements.forEach((element, i) => {
    if (parent.children[i] !== element) parent.insertBefore(element, parent.children[i] ?? null);
  });
}
