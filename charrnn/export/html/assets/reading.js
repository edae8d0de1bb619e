// What the model has read of the text, piece by piece, and the way back to any place in it.
const EVERY = 16; // pieces between two states that are kept

class Reading {
  constructor(model, vocabulary) {
    Object.assign(this, { model, vocabulary, unit: null });
    this.begin(true);
  }

  /** Nothing is read but, with `start`, what stands before a text that has none before it. */
  begin(start) {
    if (start) this.model.begin();
    else this.model.forget();
    this.repeated = start ? this.model.facts.beginning?.lineEnds ?? 0 : 0;
    Object.assign(this, { pieces: [], ends: [], kept: [], open: null });
    this.keep(start);
  }

  keep(known) { this.kept.push({ state: this.model.save(), known, repeated: this.repeated }); this.look(known); }

  /** Line ends that a text begins with, and its beginning ends with, are read once. */
  read(id) {
    if (this.repeated > 0 && this.model.facts.beginning.ids.includes(id)) { this.repeated--; return; }
    this.repeated = 0;
    this.model.read(id);
  }

  /** `logs` (K): log p of what follows, null where nothing has been read. */
  look(known) { this.logs = known ? logSoftmax(this.model.logits()) : null; }

  get length() { return this.pieces.length; }
  get text() { return this.pieces.map((piece) => piece.text).join(""); }
  end(n) { return n ? this.ends[n - 1] : 0; }

  /** How many pieces are before a place in the text. */
  piecesBefore(offset) {
    let low = 0, high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ends[middle] <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Read one id of the piece that is open. */
  add(id) {
    this.open ??= { text: "", ids: [], nats: this.logs ? 0 : null };
    if (this.logs) this.open.nats -= this.logs[id];
    this.open.ids.push(id);
    this.read(id);
    this.look(true);
  }

  /** The open piece is complete; one without ids is not read. */
  close(text) {
    const piece = this.open ?? { text, ids: [], nats: null };
    piece.text = text;
    piece.value = this.unit && this.model.value(this.unit);
    this.pieces.push(piece);
    this.ends.push(this.end(this.length - 1) + text.length);
    this.open = null;
    if (this.length % EVERY === 0) this.keep(this.logs !== null);
  }

  push(piece) {
    for (const id of piece.ids) this.add(id);
    this.close(piece.text);
  }

  /** Go back to the first n pieces. */
  back(n) {
    const read = this.pieces, from = Math.floor(Math.min(n, read.length) / EVERY);
    this.pieces = read.slice(0, from * EVERY);
    this.ends.length = from * EVERY;
    this.kept.length = from + 1;
    this.open = null;
    this.model.restore(this.kept[from].state);
    this.repeated = this.kept[from].repeated;
    this.look(this.kept[from].known);
    for (const piece of read.slice(from * EVERY, n)) this.push(piece);
  }

  /** log p (K) after the first n pieces, the reading left as it is. */
  logsAfter(n) {
    if (n >= this.length) return this.logs;
    const here = { state: this.model.save(), logs: this.logs, repeated: this.repeated }, from = Math.floor(n / EVERY);
    this.model.restore(this.kept[from].state);
    let { known } = this.kept[from];
    this.repeated = this.kept[from].repeated;
    for (const { ids } of this.pieces.slice(from * EVERY, n)) {
      for (const id of ids) { this.read(id); known = true; }
    }
    const logs = known ? logSoftmax(this.model.logits()).slice() : null;
    this.model.restore(here.state);
    this.repeated = here.repeated;
    this.logs = here.logs && logSoftmax(this.model.logits());
    return logs;
  }

  /** How many pieces of a new text are those that were read; from there on it is read again. */
  common(text) {
    let n = 0, at = 0;
    while (n < this.length && text.startsWith(this.pieces[n].text, at)) at += this.pieces[n++].text.length;
    return { n, at };
  }

  /** Prepare for another text: what is to be pushed. */
  change(text) {
    const { n, at } = this.common(text), { boundary, beginning } = this.model.facts;
    const hasIds = (pieces) => pieces.some(({ ids }) => ids.length);
    if (hasIds(this.pieces.slice(0, n))) {
      this.back(n);
      return { from: n, more: this.vocabulary.encode(text.slice(at)) };
    }
    // From zeros a stream that has a text begins with it.
    const more = this.vocabulary.encode(text);
    this.begin(boundary !== null || beginning !== null || !hasIds(more));
    return { from: 0, more };
  }
}
