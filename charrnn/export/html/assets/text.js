// Between texts and ids: a symbol is a code point, or a byte of UTF-8.
const SHOWN_RETURN = "␍"; // a text field makes a line end of U+000D

class Vocabulary {
  constructor({ points, unit, lookAlikes }) {
    Object.assign(this, { points, lookAlikes, bytes: unit === "byte" });
    this.ids = new Map(points.map((point, id) => [point, id]));
  }

  /** What a symbol is called where it stands alone. */
  name(id) {
    const point = this.points[id];
    return this.bytes && point > 126 ? `0x${hex(point).slice(-2)}` : visible(String.fromCodePoint(point));
  }

  /** What has to be typed for it, or null for a part of a character. */
  typed(id) {
    const point = this.points[id];
    return this.bytes && point > 127 ? null : String.fromCodePoint(point).replace("\r", SHOWN_RETURN);
  }

  /** Pieces {text, ids}: a character each, without ids where the vocabulary has nothing like it. */
  encode(text) { return Array.from(text, (c) => ({ text: c, ids: this.idsOf(c) ?? this.similar(c) ?? [] })); }

  idsOf(c) {
    const point = c === SHOWN_RETURN && !this.ids.has(c.codePointAt(0)) ? 13 : c.codePointAt(0);
    const symbols = this.bytes && point > 127 ? [...new TextEncoder().encode(c)] : [point];
    const ids = symbols.map((symbol) => this.ids.get(symbol));
    return ids.includes(undefined) ? null : ids;
  }

  /** As --on-unknown map: punctuation that phones put in, a letter without its accent, its case. */
  similar(c) {
    const plain = c.normalize("NFKD").slice(0, 1);
    for (const other of [this.lookAlikes[c], plain, plain.toLowerCase(), plain.toUpperCase()]) {
      const ids = other && this.idsOf(other);
      if (ids) return ids;
    }
    return null;
  }
}

/** Ids to text, one by one; a character of several bytes is there with its last. */
class Decoder {
  constructor(vocabulary) {
    this.vocabulary = vocabulary;
    this.utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  }

  push(id) {
    const point = this.vocabulary.points[id];
    const text = this.vocabulary.bytes ? this.utf8.decode(Uint8Array.of(point), { stream: true }) : String.fromCodePoint(point);
    return text.replaceAll("\r", SHOWN_RETURN);
  }

  /** The rest: of a character that is not complete, its sign. */
  end() { return this.vocabulary.bytes ? this.utf8.decode() : ""; }
}
