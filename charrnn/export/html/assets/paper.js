// The text: a field to write in, over the same text in colours.
class Paper {
  /** paint(piece) → [r, g, b], or null for no colour. */
  constructor(field, mirror, paint) {
    Object.assign(this, { field, mirror, paint, runs: [] });
    this.tail = el("span", {}, "\u200b"); // gives the line after a last line end its height
    mirror.append(this.tail);
  }

  /** Show the pieces from the n-th on anew, in the mirror alone or in the field too. */
  show(reading, n, mirrorAlone = false) {
    while (this.runs.length && this.runs.at(-1).from + this.runs.at(-1).count > n) {
      const run = this.runs.pop();
      run.node.remove();
      n = Math.min(n, run.from);
    }
    const first = this.runs.length;
    for (let run = null, i = n; i < reading.length; i++) {
      const piece = reading.pieces[i], rgb = this.paint(piece), colour = rgb ? `rgb(${rgb.map(Math.round).join(" ")})` : "", lacking = !piece.ids.length;
      if (!run || run.colour !== colour || run.lacking !== lacking) run = this.begin(i, colour, lacking, rgb);
      run.text += piece.text;
      run.count++;
    }
    for (const run of this.runs.slice(first)) run.node.textContent = run.text;
    if (!mirrorAlone && this.field.value !== reading.text) this.field.value = reading.text;
  }

  begin(from, colour, lacking, rgb) {
    const node = el("span", lacking ? { class: "lacking" } : {}), run = { from, colour, lacking, node, text: "", count: 0 };
    node.style.backgroundColor = colour;
    if (rgb) node.style.color = luminance(rgb) > 0.18 ? "#14171a" : "#f4f6f8";
    this.tail.before(node);
    this.runs.push(run);
    return run;
  }

  get caret() { return this.field.selectionEnd; }
  set caret(at) { this.field.setSelectionRange(at, at); }

  /** Keep the end in sight. */
  follow() { this.mirror.parentNode.scrollTop = this.mirror.parentNode.scrollHeight; }
}
