// How a character is chosen: as charrnn/inference/sampling.py does, from the same random numbers.

/** p (K) that is drawn from, given logits z: temperature, then the k likeliest, then top-p. */
function distribution(z, { temperature, topK, topP }) {
  const most = z[argmax(z)];
  if (temperature === 0) return Float64Array.from(z, (_, k) => (k === argmax(z) ? 1 : 0));
  const p = Float64Array.from(z, (v) => Math.exp((v - most) / temperature));
  normalise(p);
  if (topK || topP < 1) {
    // By z: at a high temperature the order of p is lost in rounding.
    const order = [...z.keys()].sort((a, b) => z[b] - z[a] || a - b);
    if (topK) for (const k of order.slice(topK)) p[k] = 0;
    if (topP < 1) {
      const enough = topP * p.reduce((a, b) => a + b, 0) * (1 - 1e-12);
      let before = 0;
      for (const k of order) {
        const own = p[k];
        if (before >= enough) p[k] = 0;
        before += own;
      }
    }
    normalise(p);
  }
  return p;
}

function normalise(p) {
  const sum = p.reduce((a, b) => a + b, 0);
  for (let k = 0; k < p.length; k++) p[k] /= sum;
}

/** The id at which the probabilities, added up in their order, go beyond a random number. */
function choose(p, uniform) {
  const aim = uniform * p.reduce((a, b) => a + b, 0);
  let sum = 0, last = 0;
  for (let k = 0; k < p.length; k++) {
    if (p[k] > 0) last = k;
    if ((sum += p[k]) > aim) return k;
  }
  return last;
}

const bits = (n) => (1n << BigInt(n)) - 1n;

/** NumPy's default_rng([3, seed, 0]).random(): PCG64, its state made by SeedSequence. */
class Random {
  constructor(seed) {
    const words = [3, ...this.words(BigInt(seed)), 0];
    const s = seedSequence(words, 8).map(BigInt);
    const long = (i) => (s[i + 1] << 96n) | (s[i] << 64n) | (s[i + 3] << 32n) | s[i + 2];
    this.increment = ((long(4) << 1n) | 1n) & bits(128);
    this.state = 0n;
    this.step();
    this.state = (this.state + long(0)) & bits(128);
    this.step();
  }

  words(n) {
    const words = [];
    do { words.push(Number(n & bits(32))); n >>= 32n; } while (n);
    return words;
  }

  step() { this.state = (this.state * 0x2360ED051FC65DA44385DF649FCCF645n + this.increment) & bits(128); }

  /** Uniform in [0, 1). */
  next() {
    this.step();
    const folded = ((this.state >> 64n) ^ this.state) & bits(64), turn = this.state >> 122n;
    const turned = ((folded >> turn) | (folded << (64n - turn))) & bits(64);
    return Number(turned >> 11n) / 2 ** 53;
  }
}

/** numpy.random.SeedSequence(words).generate_state(n), 32-bit words. */
function seedSequence(words, n) {
  const mixer = (constant, factor) => (value) => {
    value ^= constant;
    constant = Math.imul(constant, factor);
    value = Math.imul(value, constant);
    return (value ^ (value >>> 16)) >>> 0;
  };
  const hash = mixer(0x43b0d7e5, 0x931e8875), out = mixer(0x8b51f9dd, 0x58f38ded);
  const mix2 = (x, y) => {
    const value = (Math.imul(x, 0xca01f9dd) - Math.imul(y, 0x4973f715)) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  };
  const pool = [0, 1, 2, 3].map((i) => hash(words[i] ?? 0));
  for (let from = 0; from < 4; from++) for (let to = 0; to < 4; to++) if (from !== to) pool[to] = mix2(pool[to], hash(pool[from]));
  for (const word of words.slice(4)) for (let to = 0; to < 4; to++) pool[to] = mix2(pool[to], hash(word));
  return Array.from({ length: n }, (_, i) => out(pool[i % 4]));
}
