/** The same without what no text can hold: the symbol that stands for unknown characters. */
function able(logs) {
  return data.unknown === null ? logs : logs.map((log, id) => (id === data.unknown ? -Infinity : log));
}

// Draws characters after what was read, as `charrnn sample` with the same settings does.
class Writer {
  constructor(reading, chosen) {
    Object.assign(this, { reading, chosen, made: 0, text: "", ended: chosen.length < 1 });
    this.random = new Random(chosen.seed);
    this.decoder = new Decoder(reading.vocabulary);
    this.begin = reading.end(reading.length);
    reading.repeated = 0; // what is drawn is read
  }

  step() {
    const { reading, chosen } = this, logs = able(reading.logs);
    const id = chosen.temperature === 0 ? argmax(logs) : choose(distribution(logs, chosen), this.random.next());
    reading.add(id);
    this.made++;
    const text = this.decoder.push(id);
    if (text) reading.close(text);
    this.text += text;
    const stop = chosen.stop ? this.text.indexOf(chosen.stop) : -1;
    if (stop >= 0) reading.back(reading.piecesBefore(this.begin + stop));
    this.ended = stop >= 0 || this.isComplete();
  }

  /** Whether it has its length: of bytes, and to the end of the character there, if it comes. */
  isComplete() {
    const { reading, decoder, chosen } = this;
    if (this.made < chosen.length) return false;
    if (this.made === chosen.length && decoder.pending.length) {
      this.incomplete = { pieces: reading.length, ids: [...reading.open.ids] };
      return false;
    }
    if (!this.incomplete || !decoder.broke) return !decoder.pending.length;
    reading.back(this.incomplete.pieces);
    for (const id of this.incomplete.ids) reading.add(id);
    reading.close("\ufffd".repeat(this.incomplete.ids.length));
    decoder.pending = [];
    return true;
  }

  /** A character that is not complete is closed as it is. */
  end() {
    const rest = this.decoder.end();
    if (this.reading.open) this.reading.close(rest);
  }
}
