// One step of each cell, with the numbers of the equations in charrnn/nn/cells/.
// a (G): x_t W + b; state: h, and of the LSTM s, which become those of step t. The gates' values
// stay in `a`, in the order of their columns.
const sigmoid = (a) => 1 / (1 + Math.exp(-a));
const ACTIVATIONS = {
  tanh: Math.tanh,
  sigmoid,
  relu: (a) => Math.max(a, 0),
  identity: (a) => a,
  logistic_g: (a) => 2 * Math.tanh(a / 2),
  logistic_h: (a) => Math.tanh(a / 2),
};

/** Vanilla RNN: h_t = φ(x_t W + h_{t-1} U + b). */
function rnn({ activation }, H) {
  const φ = ACTIVATIONS[activation];
  return ({ U }, a, [h]) => {
    U.add(h, a); // (RNN.1)
    for (let j = 0; j < H; j++) h[j] = φ(a[j]); // (RNN.2)
  };
}

/** LSTM, gates in columns [i f o | g], or [i o | g] without a forget gate of its own. */
function lstm(options, H) {
  const forget = options.coupled_gates ? "coupled" : options.forget_gate ? "gate" : "none";
  const g = ACTIVATIONS[options.cell_input === "logistic" ? "logistic_g" : options.cell_input];
  const φ = ACTIVATIONS[options.cell_output === "logistic" ? "logistic_h" : options.cell_output];
  const F = H, O = forget === "gate" ? 2 * H : H, G = O + H; // where the columns of f, o, g begin
  return ({ U, P }, a, [h, s]) => {
    U.add(h, a);
    for (let j = 0; j < H; j++) {
      const past = s[j];
      const i = a[j] = sigmoid(a[j] + (P ? past * P[j] : 0)); // (LSTM.1)
      let f = 1;
      if (forget === "gate") f = a[F + j] = sigmoid(a[F + j] + (P ? past * P[F + j] : 0));
      else if (forget === "coupled") f = 1 - i; // (LSTM.2)
      a[G + j] = g(a[G + j]); // (LSTM.3)
      s[j] = f * past + i * a[G + j]; // (LSTM.4)
      a[O + j] = sigmoid(a[O + j] + (P ? s[j] * P[O + j] : 0)); // (LSTM.5)
      h[j] = a[O + j] * φ(s[j]); // (LSTM.6)
    }
  };
}

/** GRU, gates in columns [r u | n]. */
function gru(_, H) {
  const m = new Float64Array(3 * H);
  return ({ U, q }, a, [h]) => {
    m.fill(0);
    U.add(h, m);
    for (let j = 0; j < H; j++) {
      const r = a[j] = sigmoid(a[j] + m[j]); // (GRU.1)
      const u = a[H + j] = sigmoid(a[H + j] + m[H + j]); // (GRU.2)
      const inner = m[2 * H + j] + (q ? q[j] : 0); // (GRU.3)
      const n = a[2 * H + j] = Math.tanh(a[2 * H + j] + r * inner); // (GRU.4)
      h[j] = (1 - u) * n + u * h[j]; // (GRU.5)
    }
  };
}

const CELLS = { rnn, lstm, gru };

/** The stack of cells and the output layer. `states[layer]` are its h (and s). */
class Network {
  constructor({ cell, H, L, K }, arrays) {
    Object.assign(this, { H, K });
    this.step = CELLS[cell.name](cell.options, H);
    const G = cell.gates.length * H;
    this.layers = Array.from({ length: L }, (_, l) => {
      const p = (letter) => arrays[`layers.${l}.${letter}`], b = p("b");
      const bias = (row) => { if (b) for (let j = 0; j < G; j++) row[j] += b[j]; };
      // The first layer's input is one-hot: x_t W is a row of W.
      const W = l ? new Matrix(p("W"), H, G) : p("W");
      if (!l) for (let id = 0; id < K; id++) bias(W.subarray(id * G, (id + 1) * G));
      return { W, bias, U: new Matrix(p("U"), H, G), P: p("P"), q: p("q"), a: new Float64Array(G) };
    });
    this.V = new Matrix(arrays["output.V"], H, K);
    this.c = arrays["output.c"];
    this.states = this.layers.map(() => cell.states.map(() => vector(H)));
  }

  read(id) {
    this.layers.forEach((layer, l) => {
      const { W, a } = layer;
      if (l) {
        a.fill(0);
        W.add(this.states[l - 1][0], a);
        layer.bias(a);
      } else a.set(W.subarray(id * a.length, (id + 1) * a.length));
      this.step(layer, a, this.states[l]);
    });
  }

  /** z = h V + c, into z (K). */
  logits(z) {
    z.fill(0);
    this.V.add(this.states.at(-1)[0], z);
    if (this.c) for (let k = 0; k < z.length; k++) z[k] += this.c[k];
  }

  forget() { for (const layer of this.states) for (const part of layer) part.fill(0); }
  save() { return this.states.map((layer) => layer.map((part) => part.slice())); }
  restore(saved) { saved.forEach((layer, l) => layer.forEach((part, n) => this.states[l][n].set(part))); }
}
