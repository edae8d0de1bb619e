// Between texts and ids: a symbol is a code point, or a byte of UTF-8.
const SHOWN_RETURN = "␍"; // a text field makes a line end of U+000D

class Vocabulary {
  constructor({ points, unit, lookAlikes, boundary, written, unknown }) {
    Object.assign(this, { points, lookAlikes, boundary, written, unknown, bytes: unit === "byte" });
    this.ids = new Map(points.map((point, id) => [point, id]));
  }

  /** What a symbol is called where it stands alone. */
  name(id) {
    const point = this.points[id];
    return this.bytes && point > 126 && point < 256 ? `0x${hex(point).slice(-2)}` : visible(String.fromCodePoint(point));
  }

  /** What has to be typed for it, or null for a part of a character. */
  typed(id) {
    if (id === this.boundary) return this.written;
    const point = this.points[id];
    return this.bytes && point > 127 ? null : String.fromCodePoint(point).replace("\r", SHOWN_RETURN);
  }

  /** Pieces {text, ids}: a character each, without ids where the vocabulary has nothing like it. */
  encode(text) {
    const parts = this.boundary === null ? [text] : text.split(this.written);
    const end = { text: this.written, ids: [this.boundary] };
    return parts.flatMap((part, i) => [...(i ? [end] : []),
      ...Array.from(part, (c) => ({ text: c, ids: this.idsOf(c) ?? this.substitute(c) }))]);
  }

  idsOf(text) {
    const points = Array.from(text, (c) => (c === SHOWN_RETURN && !this.ids.has(0x240d) ? 13 : c.codePointAt(0)));
    const symbols = this.bytes && points.some((point) => point > 127) ? [...new TextEncoder().encode(text)] : points;
    const ids = symbols.map((symbol) => this.ids.get(symbol));
    return ids.includes(undefined) ? null : ids;
  }

  /** Another spelling; the id of all that is unknown; or as --on-unknown map: punctuation that
  phones put in, a letter without its accent, its case. */
  substitute(c) {
    const plain = c.normalize("NFKD").slice(0, 1);
    const alike = [this.lookAlikes[c], plain, plain.toLowerCase(), plain.toUpperCase()];
    for (const other of [c.normalize("NFC"), c.normalize("NFD"), ...(this.unknown === null ? alike : [])]) {
      const ids = other && this.idsOf(other);
      if (ids) return ids;
    }
    return this.unknown === null ? [] : [this.unknown];
  }
}

/** Ids to text, one by one: a character of several bytes is there with its last, and a byte that
belongs to no character is U+FFFD. `pending`: bytes of a character that is not complete. */
class Decoder {
  constructor(vocabulary) { Object.assign(this, { vocabulary, pending: [], broke: false }); }

  push(id) {
    const { points, boundary, written, bytes } = this.vocabulary;
    this.broke = false; // whether a character was begun and not completed
    if (id === boundary) return this.end() + written;
    if (!bytes) return String.fromCodePoint(points[id]).replace("\r", SHOWN_RETURN);
    this.pending.push(points[id]);
    let text = "";
    while (this.pending.length) {
      const found = this.decode();
      if (found === "") break;
      if (found === null) text += this.lone();
      else { text += found; this.pending = []; }
    }
    return text.replaceAll("\r", SHOWN_RETURN);
  }

  /** The character that is pending: "" while it may still become one, null where it cannot. */
  decode() {
    if (this.pending[0] < 128) return String.fromCharCode(this.pending[0]);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(this.pending), { stream: true });
    } catch { return null; }
  }

  lone() {
    this.broke ||= this.pending.length > 1;
    this.pending.shift();
    return "\ufffd";
  }

  /** The rest: of a character that is not complete. */
  end() {
    let text = "";
    while (this.pending.length) { text += this.lone(); this.broke = true; }
    return text;
  }
}
