// Colours of values: activations, and the surprise of a character.
function luminance(rgb) {
  const [r, g, b] = rgb.map((v) => (v / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** A colour of the style sheet as numbers. */
const rgbOf = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim().split(/\s+/).map(Number);
const mix = (a, b, share) => a.map((v, k) => v + share * (b[k] - v));

/** From blue over the background to orange, for values from -1 to 1. */
function diverging(value) {
  const pole = value < 0 ? "minus" : "plus";
  return mix(palette.zero, palette[pole], Math.min(Math.abs(value), 1) ** 0.8);
}

const MOST_SURPRISE = 6; // nats, at which the colour is full
const surprising = (nats) => mix(palette.zero, palette.surprise, Math.min((nats ?? 0) / MOST_SURPRISE, 1) ** 0.7);

const palette = {};
repaints.push(() => {
  for (const name of ["minus", "zero", "plus", "surprise"]) palette[name] = rgbOf(name);
});

/** A small bar that shows what the colours mean. */
class Scale {
  constructor() {
    this.canvas = el("canvas", { width: 140, height: 1, "aria-hidden": true });
    this.low = el("span");
    this.high = el("span");
    this.node = el("div", { class: "scale" }, this.low, this.canvas, this.high);
  }
  show(low, high, colourAt) {
    [this.low.textContent, this.high.textContent] = [low, high];
    const context = this.canvas.getContext("2d");
    for (let x = 0; x < 140; x++) {
      context.fillStyle = `rgb(${colourAt(x / 139).map(Math.round).join(" ")})`;
      context.fillRect(x, 0, 1, 1);
    }
  }
}
