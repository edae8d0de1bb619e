// The page: the text is read as it is typed, and written on from its end.
const frame = () => new Promise((go) => { requestAnimationFrame(go); });
// Milliseconds of work between two frames: twice what showing them takes, so that the page stays usable.
const SHORTEST = 12, LONGEST = 120;
const sliceAfter = (rest) => Math.min(Math.max(2 * rest, SHORTEST), LONGEST);

class Page {
  constructor(model) {
    this.vocabulary = new Vocabulary(data);
    this.reading = new Reading(model, this.vocabulary);
    this.model = model;
    this.task = 0; // what runs ends when there is another
    this.rest = []; // pieces of the text that are still to be read
    this.before = []; // lengths to go back to: one for each time that was written
    this.mode = "surprise";
    this.most = 1; // of the unit's values so far
    this.scale = new Scale();
    this.paper = new Paper(field("text"), field("mirror"), (piece) => this.paint(piece));
    this.bars = new Bars(field("bars"), this.vocabulary, (id) => this.put(this.vocabulary.typed(id)));
    this.picker = new UnitPicker(data, () => this.reread());
    this.wire();
  }

  wire() {
    const text = field("text");
    text.addEventListener("input", () => this.typed());
    document.addEventListener("selectionchange", () => { if (!this.writing) this.look(); });
    field("write").addEventListener("click", () => (this.writing ? this.stop() : this.write()));
    field("another").addEventListener("click", () => this.another());
    field("undo").addEventListener("click", () => this.undo());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.writing) this.stop();
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); this.write(); }
    });
    wireSettings((event) => (event.target.id === "say" ? this.say() : this.look()));
    field("colours").append(choices("Colour by", [["surprise", "Surprise"], ["unit", "A unit"], ["none", "Nothing"]], this.mode,
      (mode) => { this.mode = mode; this.reread(); }));
    repaints.push(() => this.repaint());
    this.repaint();
    this.buttons();
    this.look();
  }

  // -- colours -------------------------------------------------------------------------------

  /** [r, g, b], or null for no colour; in a few steps, so that neighbours are often alike. */
  paint(piece) {
    const steps = (x) => Math.round(x * 24) / 24, { mode } = this;
    if (mode === "none" || !piece.ids.length || (mode === "surprise" && piece.nats === null)) return null;
    if (mode === "surprise") return surprising(steps(piece.nats / MOST_SURPRISE) * MOST_SURPRISE);
    this.most = Math.max(this.most, Math.abs(piece.value));
    return diverging(steps(piece.value / this.most));
  }

  repaint() {
    const isUnit = this.mode === "unit", limits = isUnit && this.picker.limits;
    field("units").hidden = !isUnit;
    this.most = limits ? Math.max(...limits.map(Math.abs)) : this.reading.pieces.reduce((most, { value }) => Math.max(most, Math.abs(value ?? 0)), 0.1);
    this.scale.node.hidden = this.mode === "none";
    if (this.mode === "surprise") this.scale.show("expected", `${MOST_SURPRISE} nats or more`, (x) => surprising(x * MOST_SURPRISE));
    else if (isUnit && limits?.[0] === 0) this.scale.show("0", "1", diverging);
    else if (isUnit) this.scale.show(`−${+this.most.toPrecision(2)}`, `+${+this.most.toPrecision(2)}`, (x) => diverging(2 * x - 1));
    if (!this.scale.node.parentNode) field("colours").append(this.scale.node);
    this.paper.show(this.reading, 0, true);
  }

  // -- reading -------------------------------------------------------------------------------

  /** Read pieces, some at a time. False where something else has begun meanwhile: what is not
  read yet is then `rest`. */
  async read(more) {
    const task = ++this.task;
    let until = performance.now() + SHORTEST;
    for (let i = 0; i < more.length; i++) {
      this.reading.push(more[i]);
      if (performance.now() < until) continue;
      this.rest = more.slice(i + 1);
      this.tell(`Reading: ${this.reading.length.toLocaleString("en")} characters`);
      await frame();
      if (task !== this.task) return false;
      until = performance.now() + SHORTEST;
    }
    this.rest = [];
    return true;
  }

  async typed() {
    await this.stop();
    const { from, more } = this.reading.change(this.paper.field.value);
    this.before = this.before.filter((n) => n <= from);
    const isAll = await this.read(more);
    this.paper.show(this.reading, from, true);
    if (!isAll) return;
    this.buttons();
    this.look();
    const lacking = [...new Set(more.filter(({ ids }) => !ids.length).map(({ text }) => visible(text)))];
    this.tell(lacking.length ? `The model does not know ${lacking.slice(0, 8).join(" ")}: left out when it reads.` : "");
  }

  /** Everything again: another unit, or another weight of the n-gram. */
  async reread() {
    await this.stop();
    this.reading.unit = this.mode === "unit" ? this.picker.chosen : null;
    const all = [...this.reading.pieces, ...this.rest];
    this.reading.back(0);
    if (!await this.read(all)) return;
    this.repaint();
    this.look();
    this.tell("");
  }

  say() {
    this.model.mixture.say = Number(field("say").value);
    this.reread();
  }

  /** What is expected where the caret is. */
  look() {
    const { reading, paper } = this, n = this.writing ? reading.length : reading.piecesBefore(paper.caret);
    const logs = reading.logsAfter(n), piece = reading.pieces[n - 1], next = reading.pieces[n];
    field("bars").hidden = logs === null;
    if (logs) this.bars.show(logs, distribution(able(logs), settings()), next?.ids[0] ?? null);
    const before = reading.pieces.slice(Math.max(n - 12, 0), n).map(({ text }) => text).join("");
    field("where").textContent = n ? `after “${n > 12 ? "…" : ""}${Array.from(before, visible).join("").replaceAll("␣", " ")}”` : "at the beginning";
    const words = [];
    if (piece?.nats != null) words.push(`“${visible(Array.from(piece.text)[0] ?? " ")}” had ${percent(Math.exp(-piece.nats))}: ${piece.nats.toFixed(2)} nats`);
    if (this.mode === "unit" && piece) words.push(`unit ${this.picker.chosen.unit}: ${(piece.value ?? 0).toFixed(3).replace("-", "−")}`);
    field("about").textContent = words.join(" · ");
  }

  // -- writing -------------------------------------------------------------------------------

  /** Go on from the end of the text; the promise is kept when it ends. */
  write() {
    this.writing ??= this.draw();
    return this.writing;
  }

  async draw() {
    if (!await this.read(this.rest)) { this.writing = null; return; }
    const task = ++this.task, { reading, paper } = this, chosen = settings(), from = reading.length, writer = new Writer(reading, chosen);
    this.before.push(from);
    this.buttons();
    const began = performance.now();
    let slice = SHORTEST;
    while (!writer.ended && task === this.task) {
      const now = performance.now(), shown = reading.length;
      const due = chosen.pace ? 1 + (chosen.pace * (now - began)) / 1000 : Infinity;
      while (!writer.ended && writer.made < due && performance.now() < now + slice) writer.step();
      const done = performance.now();
      paper.show(reading, Math.min(shown, reading.length), true);
      paper.follow();
      this.look();
      await frame();
      slice = sliceAfter(performance.now() - done - 16);
    }
    const seconds = (performance.now() - began) / 1000;
    writer.end();
    this.writing = null;
    paper.show(reading, from);
    paper.caret = reading.text.length;
    this.buttons();
    if (this.mode === "unit") this.repaint();
    this.look();
    this.summary(from, writer.made, seconds);
  }

  summary(from, made, seconds) {
    const nats = this.reading.pieces.slice(from).reduce((sum, piece) => sum + (piece.nats ?? 0), 0);
    if (made) this.tell(`${made.toLocaleString("en")} characters, ${(nats / made / LN2).toFixed(2)} bits each; ${Math.round(made / seconds).toLocaleString("en")} a second`);
  }

  /** End what is going on; it has ended when the promise is kept. */
  async stop() {
    this.task++;
    await this.writing;
  }

  async undo() {
    if (!await this.read(this.rest)) return;
    const n = this.before.pop();
    if (n === undefined) return;
    this.reading.back(n);
    this.paper.show(this.reading, n);
    this.paper.caret = this.reading.text.length;
    this.buttons();
    this.look();
  }

  /** The same place, the next seed. */
  async another() {
    await this.undo();
    field("seed").value = String((settings().seed + 1n) % (1n << 64n));
    await this.write();
  }

  /** Put a character where the caret is. */
  async put(text) {
    await this.stop();
    const { field } = this.paper, at = this.paper.caret;
    field.setRangeText(text, at, at, "end");
    await this.typed();
  }

  buttons() {
    const write = field("write");
    write.disabled = false;
    write.textContent = this.writing ? "Stop" : "Write on";
    write.setAttribute("aria-keyshortcuts", this.writing ? "Escape" : "Control+Enter");
    field("text").readOnly = Boolean(this.writing);
    for (const id of ["another", "undo"]) field(id).disabled = this.writing || !this.before.length;
  }

  tell(text) { field("status").textContent = text; }
}

/** For scripts, in the browser's console: the numbers behind the page. */
function scripting(page) {
  const apart = (text, work) => {
    const saved = page.model.save(), reading = new Reading(page.model, page.vocabulary);
    for (const piece of reading.change(text).more) reading.push(piece);
    const result = work(reading);
    page.model.restore(saved);
    page.reading.look(page.reading.logs !== null);
    return result;
  };
  return {
    symbols: data.points.map((_, id) => page.vocabulary.typed(id)),
    /** p of each symbol after a text, in the vocabulary's order. */
    probabilities: (text) => apart(text, ({ logs }) => Array.from(logs, Math.exp)),
    /** What the settings of the page, or others, write after a text. */
    continuation: (text, other = {}) => apart(text, (reading) => {
      const from = reading.text.length, writer = new Writer(reading, { ...settings(), ...other });
      while (!writer.ended) writer.step();
      writer.end();
      return reading.text.slice(from);
    }),
  };
}

/** What the page says of the model. */
function introduce() {
  const [model, ...others] = data.facts;
  field("subtitle").textContent = model[1];
  field("facts").append(...others.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
  field("say-row").hidden = !data.mixture;
}

async function begin() {
  introduce();
  for (const button of document.querySelectorAll(".actions button")) button.disabled = true;
  const arrays = await unpack(data.numbers), { mixture } = data;
  const trie = mixture && await countNgram(arrays.text, data.K, mixture.order);
  const page = new Page(new Model(data, arrays, trie));
  globalThis.charrnn = scripting(page);
  page.tell("");
  root.dataset.ready = "yes";
}

themed();
begin().catch((error) => { field("status").textContent = `This browser cannot run the page: ${error.message}`; throw error; });
