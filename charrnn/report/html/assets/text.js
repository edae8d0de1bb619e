// A text whose characters are coloured, and tell what the model expected after each.
class TextView {
  /** view: {symbols, ids, next, p, nats}; paint(i) → [[r, g, b], words about it]. */
  constructor(view, label, paint) {
    Object.assign(this, { view, paint, at: Math.min(40, view.ids.length - 1) });
    this.spans = view.ids.map((id, index) => this.span(view.shown?.[index] ?? this.symbol(id), index));
    this.node = el("div", { class: "text", tabindex: 0, role: "application", "aria-label":
      `${label}. Arrow keys move from character to character and line to line.` }, this.spans);
    this.about = el("div", { class: "about", role: "status", "aria-live": "polite" });
    const over = (event) => {
      const index = event.target.closest("[data-i]")?.dataset.i;
      if (index !== undefined) this.go(+index);
    };
    this.node.addEventListener("pointerover", over);
    this.node.addEventListener("click", over);
    this.node.addEventListener("keydown", (event) => this.key(event));
  }

  symbol(id) { return this.view.symbols[id]; }

  span(c, index) {
    const plain = c !== "\n" && (visible(c) === c || c === " " || c === "\t" || isMark(c));
    const content = plain ? c : [el("i", {}, visible(c)), c === "\n" ? "\n" : ""];
    return el("span", { "data-i": index }, content);
  }

  /** Colour every character anew. */
  draw() {
    this.spans.forEach((span, index) => {
      const [rgb] = this.paint(index);
      span.style.backgroundColor = `rgb(${rgb.map(Math.round).join(" ")})`;
      span.style.color = luminance(rgb) > 0.18 ? "#14171a" : "#f4f6f8";
    });
    this.go(this.at);
  }

  underline(values) {
    this.spans.forEach((span, index) => span.classList.toggle("so", Boolean(values?.[index])));
  }

  go(index, scroll = false) {
    this.spans[this.at].classList.remove("here");
    this.at = Math.min(Math.max(index, 0), this.spans.length - 1);
    const span = this.spans[this.at];
    span.classList.add("here");
    if (scroll) {
      const top = span.offsetTop, { scrollTop, clientHeight } = this.node;
      if (top < scrollTop + 8) this.node.scrollTop = top - 30;
      else if (top > scrollTop + clientHeight - 40) this.node.scrollTop = top - clientHeight + 60;
    }
    this.tell();
  }

  /** The character a line above or below, by where it stands on the screen. */
  vertical(sign) {
    const here = this.spans[this.at], top = here.offsetTop, x = here.offsetLeft;
    let best = this.at, line = null;
    for (let i = this.at + sign; i >= 0 && i < this.spans.length; i += sign) {
      const span = this.spans[i];
      if (Math.abs(span.offsetTop - top) < 4) continue;
      line ??= span.offsetTop;
      if (Math.abs(span.offsetTop - line) >= 4) break;
      if (best === this.at || Math.abs(span.offsetLeft - x) < Math.abs(this.spans[best].offsetLeft - x))
        best = i;
    }
    return best;
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const to = { ArrowRight: () => this.at + 1, ArrowLeft: () => this.at - 1,
      ArrowDown: () => this.vertical(1), ArrowUp: () => this.vertical(-1),
      Home: () => 0, End: () => this.spans.length - 1 }[event.key];
    if (!to) return;
    event.preventDefault();
    this.go(to(), true);
  }

  /** What there is to know of the character: its surprise, and what was expected after it. */
  tell() {
    const i = this.at, { ids, next, p, nats } = this.view, c = this.symbol(ids[i]);
    const code = c.codePointAt(0), unit = this.view.unit === "byte" ? `byte 0x${hex(code).slice(-2)}` : `U+${hex(code)}`;
    const surprise = nats[i] === null ? "no surprise: nothing was read before it"
      : `surprise ${nats[i].toFixed(2)} nats (probability ${percent(Math.exp(-nats[i]))})`;
    const words = this.paint(i)[1];
    this.about.replaceChildren(
      el("div", {}, el("span", { class: "what" }, `“${visible(c)}”`), ` ${unit}, character ${i + 1} of ${ids.length}`),
      el("div", {}, surprise), words ? el("div", {}, words) : "",
      el("div", { class: "note" }, "Expected next:"),
      el("div", { class: "bars" }, next[i].flatMap((id, k) => this.bar(id, p[i][k], id === ids[i + 1]))));
  }

  bar(id, p, came) {
    const bar = el("span", { class: "bar" });
    bar.style.width = `${100 * p}%`;
    return [el("b", came ? { class: "came", title: "this is what came" } : {}, visible(this.symbol(id))),
      el("span", {}, bar), el("span", {}, percent(p))];
  }
}
