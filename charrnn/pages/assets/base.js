// Small helpers that every part uses.
const data = JSON.parse(document.getElementById("data").textContent);
const LN2 = Math.LN2;
const COLOURS = 6;

const body = (id) => document.querySelector(`#${id} .body`);

/** An element: attributes by name, on… as listeners, then children (nodes or text). */
function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

function options(select, entries, chosen) {
  select.replaceChildren(...entries.map(([value, label]) => el("option", { value }, label)));
  if (chosen !== undefined) select.value = chosen;
  return select;
}

const colour = (index) => `var(--c${index % COLOURS})`;
const note = (text) => el("p", { class: "note" }, text);

/** A number with about four digits that mean something. */
function number(value) {
  const size = Math.abs(value);
  if (value === 0) return "0";
  if (size >= 1e6 || size < 1e-4) return value.toExponential(2).replace("e+", "e");
  if (size >= 1000) return Math.round(value).toLocaleString("en");
  return String(+value.toPrecision(4));
}

const percent = (p) => (p >= 0.9995 ? "100 %" : `${(100 * p).toFixed(p < 0.0995 ? 1 : 0)} %`);

function time(seconds) {
  if (seconds < 60) return `${+seconds.toFixed(1)} s`;
  const [m, s] = [Math.floor(seconds / 60), Math.round(seconds % 60)];
  return m < 60 ? `${m} min ${s} s` : `${Math.floor(m / 60)} h ${m % 60} min`;
}

/** What a character looks like where it has no shape of its own. */
function visible(c) {
  const code = c.codePointAt(0);
  if (c === "\n") return "↵";
  if (c === "\t") return "⇥";
  if (c === " ") return "␣";
  if (code < 32) return String.fromCodePoint(0x2400 + code);
  if (code === 127) return "␡";
  if (isMark(c)) return `◌${c}`;
  return /[\p{C}\p{Z}]/u.test(c) ? `U+${hex(code)}` : c;
}

const isMark = (c) => /\p{M}/u.test(c);
const hex = (code) => code.toString(16).toUpperCase().padStart(4, "0");

/** Buttons of which one is pressed; arrow keys move among them. */
function choices(label, entries, chosen, choose) {
  const buttons = entries.map(([value, text]) =>
    el("button", { type: "button", "data-value": value, "aria-pressed": value === chosen,
      onclick: () => set(value) }, text));
  const group = el("span", { class: "group", role: "group", "aria-label": label }, buttons);
  function set(value) {
    for (const b of buttons) b.setAttribute("aria-pressed", b.dataset.value === value);
    choose(value);
  }
  arrows(group);
  return group;
}

/** Arrow keys, Home and End move the focus among the buttons of a part. */
function arrows(part) {
  part.addEventListener("keydown", (event) => {
    const buttons = [...part.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1,
      Home: 0, End: buttons.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    buttons[Math.min(Math.max(to, 0), buttons.length - 1)].focus();
  });
}

// The theme: the system's until the button is pressed, and then as chosen.
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
const repaints = [];

function themed() {
  document.getElementById("theme").textContent = isDark() ? "☀ Light" : "☾ Dark";
  for (const repaint of repaints) repaint();
}

document.getElementById("theme").addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  themed();
});
system.addEventListener("change", themed);
