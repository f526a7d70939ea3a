// Small helpers. Text only ever goes in as text: names come from outside.

export const byId = (id) => document.getElementById(id);

export function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Changes the text only where it differs, so that nothing flickers and readers are not told twice. */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Icon and word of a verdict, coloured by its level. */
export function mark(node, level, icon, word) {
  const className = `badge ${level}`;
  if (node.className !== className) node.className = className;
  write(node, `${icon} ${word}`);
}

/** How many rows of a list fit on one screen; all of them where the page scrolls (phones). */
export function fitting(box, sample, used = 0) {
  if (!box.clientHeight || !sample || getComputedStyle(box).overflowY !== "hidden") return Infinity;
  return Math.max(1, Math.floor((box.clientHeight - used) / sample.offsetHeight));
}
