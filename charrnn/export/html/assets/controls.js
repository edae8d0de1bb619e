// What the reader of the page can set: how characters are drawn, and what the colours show.
const field = (id) => document.getElementById(id);

/** The settings as numbers; a field that is empty or out of its range counts as its usual value. */
function settings() {
  const number = (id, usual) => {
    const input = field(id), value = input.value.trim() === "" ? NaN : Number(input.value);
    const fine = Number.isFinite(value) && value >= Number(input.min) && value <= Number(input.max || Infinity);
    input.setAttribute("aria-invalid", !fine && input.value.trim() !== "");
    return fine ? value : usual;
  };
  const seed = field("seed").value.trim(), isSeed = /^\d{1,20}$/.test(seed) && BigInt(seed) < 1n << 64n;
  field("seed").setAttribute("aria-invalid", !isSeed);
  return {
    temperature: number("temperature", 1),
    topK: Math.floor(number("top-k", 0)),
    topP: number("top-p", 1),
    length: Math.floor(number("length", 400)),
    seed: isSeed ? BigInt(seed) : 1n,
    pace: Number(field("pace").value),
    stop: field("stop-before").value.replaceAll("\\n", "\n"),
  };
}

/** Sliders say their value beside them; `changed` is called when anything is set. */
function wireSettings(changed) {
  for (const slider of document.querySelectorAll("#settings input[type=range]")) {
    const output = document.querySelector(`output[for=${slider.id}]`);
    const tell = () => { output.textContent = Number(slider.value).toFixed(2); };
    slider.addEventListener("input", tell);
    tell();
  }
  field("settings").addEventListener("input", changed);
}

/** States and gates that a unit has, each once: [letter, words, limits]. */
function quantities({ states, gates }) {
  const all = [...states.map(([letter, label]) => [letter, label, null]), ...gates];
  return all.filter(([letter], i) => all.findIndex(([other]) => other === letter) === i);
}

/** Which unit's activation colours the text. */
class UnitPicker {
  constructor({ L, H, cell }, changed) {
    this.quantities = quantities(cell);
    this.H = H;
    this.layer = options(field("layer"), Array.from({ length: L }, (_, l) => [l, `${l + 1}`]), L - 1);
    this.letter = options(field("letter"), this.quantities.map(([letter, label]) => [letter, label]), "h");
    this.unit = field("unit");
    this.unit.max = H - 1;
    field("layer").parentNode.hidden = L === 1;
    for (const part of [this.layer, this.letter, this.unit]) part.addEventListener("change", changed);
    const move = (by) => () => { this.unit.value = (this.chosen.unit + by + H) % H; changed(); };
    field("previous").addEventListener("click", move(-1));
    field("next").addEventListener("click", move(1));
  }

  get chosen() {
    const unit = Math.min(Math.max(Math.floor(Number(this.unit.value)) || 0, 0), this.H - 1);
    return { layer: Number(this.layer.value), letter: this.letter.value, unit };
  }

  /** The limits of its values, or null where they have none. */
  get limits() { return this.quantities.find(([letter]) => letter === this.letter.value)[2]; }
}
