// The model: the network, mixed with the n-gram where the page has one.

/** How many of the bounds, which rise, are at most x. */
const bucket = (x, bounds) => bounds.filter((bound) => bound <= x).length;
const entropy = (logs) => -logs.reduce((sum, v) => sum + Math.exp(v) * v, 0);

/** The mixture's weights; `mix` is charrnn/inference/mixture/mixing.py for one character. */
class Mixture {
  constructor(facts, arrays, trie) {
    Object.assign(this, facts, { sets: arrays.weights, stream: new Stream(trie), say: 1 });
    this.buckets = this.sets.length / 4 / this.inputs;
  }

  /** Logits z (K) become log q, in place; `say` is how much of the n-gram counts. */
  mix(z) {
    const likeliest = argmax(z), network = logSoftmax(z).slice();
    const ngrams = this.stream.distributions(this.orders, this.discounts).map((p) => p.map(Math.log));
    const n = this.entropies.length + 1, known = bucket(this.stream.longest, this.lengths);
    const row = (known * n + bucket(entropy(ngrams.at(-1)), this.entropies)) * n + bucket(entropy(network), this.entropies);
    const w = [network, ...ngrams].map((_, f) => {
      const sum = [0, row, this.stream.last, likeliest].reduce((total, b, s) =>
        total + this.sets[(s * this.buckets + b) * this.inputs + f], 0); // (MIX.2)
      return this.say * sum + (f === 0 ? 1 - this.say : 0);
    });
    w[0] += Math.max(1 - w.reduce((sum, one) => sum + one, 0), 0); // (MIX.7)
    for (let k = 0; k < z.length; k++) {
      z[k] = 0;
      [network, ...ngrams].forEach((L, f) => { z[k] += w[f] * Math.max(L[k], this.least); }); // (MIX.3)
    }
    logSoftmax(z); // (MIX.4)
  }
}

/** Reads ids, and says what may follow. */
class Model {
  constructor(facts, arrays, trie) {
    this.facts = facts;
    this.network = new Network(facts, arrays);
    this.mixture = trie && new Mixture(facts.mixture, arrays, trie);
    this.z = new Float64Array(facts.K);
    this.initial = arrays.beginning; // (L, n, H)
  }

  /** Nothing is read but what stands before a text. */
  begin() {
    const { beginning, start } = this.facts, { H, states } = this.network;
    this.forget();
    if (beginning) {
      states.flat().forEach((part, i) => part.set(this.initial.subarray(i * H, (i + 1) * H)));
      for (const id of beginning.before) this.mixture?.stream.read(id);
    }
    this.read(beginning ? beginning.id : start);
  }

  forget() { this.network.forget(); this.mixture?.stream.forget(); }
  save() { return [this.network.save(), this.mixture?.stream.save()]; }
  restore([network, stream]) { this.network.restore(network); this.mixture?.stream.restore(stream); }

  /** A boundary ends a sequence, and the next begins with it: nothing before it is remembered. */
  read(id) {
    if (id === this.facts.boundary) this.forget();
    this.network.read(id);
    this.mixture?.stream.read(id);
  }

  /** z (K): logits of the network, or log q of the mixture. */
  logits() {
    this.network.logits(this.z);
    this.mixture?.mix(this.z);
    return this.z;
  }

  /** A unit's value: of a state by its name, or of the gate whose columns those are. */
  value({ layer, letter, unit }) {
    const { states, gates } = this.facts.cell, state = states.findIndex(([name]) => name === letter);
    if (state >= 0) return this.network.states[layer][state][unit];
    return this.network.layers[layer].a[gates.findIndex(([name]) => name === letter) * this.network.H + unit];
  }
}
