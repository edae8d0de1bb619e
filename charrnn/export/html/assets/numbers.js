// The model's arrays: base64, deflated, and where the page is small, 8 bits a weight.
async function unpack(packed) {
  const text = atob(packed.blob), deflated = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) deflated[i] = text.charCodeAt(i);
  const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = await new Response(stream).arrayBuffer();
  const arrays = {};
  for (const { name, shape, type, at, axis } of packed.arrays) {
    const size = shape.reduce((a, b) => a * b, 1);
    const kind = { i8: Int8Array, u8: Uint8Array, u16: Uint16Array, u32: Uint32Array, f32: Float32Array, f64: Float64Array }[type];
    const values = new kind(bytes.slice(at, at + size * kind.BYTES_PER_ELEMENT));
    if (type !== "i8") { arrays[name] = values; continue; }
    const after = at + size, scales = new Float32Array(bytes.slice(after, after + 4 * shape[axis]));
    arrays[name] = Float32Array.from(values, (v, i) => v * scales[axis ? i % shape[1] : Math.floor(i / shape[1])]);
  }
  return arrays;
}

const GROUP = 8; // rows that `add` multiplies at a time: fewer loads and stores

/** A matrix M of the legend, for row vectors: x M. Rows of zeros fill its last group. */
class Matrix {
  constructor(values, rows, columns) {
    this.columns = columns;
    this.groups = Math.ceil(rows / GROUP);
    this.values = new Float32Array(this.groups * GROUP * columns);
    this.values.set(values);
  }

  /** out += x M; x has the zeros of `vector`. */
  add(x, out) {
    const M = this.values, n = this.columns;
    for (let i = 0; i < this.groups * GROUP; i += GROUP) {
      const x0 = x[i], x1 = x[i + 1], x2 = x[i + 2], x3 = x[i + 3];
      const x4 = x[i + 4], x5 = x[i + 5], x6 = x[i + 6], x7 = x[i + 7];
      const r0 = i * n, r1 = r0 + n, r2 = r1 + n, r3 = r2 + n, r4 = r3 + n, r5 = r4 + n, r6 = r5 + n, r7 = r6 + n;
      for (let j = 0; j < n; j++) {
        out[j] += x0 * M[r0 + j] + x1 * M[r1 + j] + x2 * M[r2 + j] + x3 * M[r3 + j]
          + x4 * M[r4 + j] + x5 * M[r5 + j] + x6 * M[r6 + j] + x7 * M[r7 + j];
      }
    }
  }
}

/** n zeros, and as many more as a matrix of n rows has. */
const vector = (n) => new Float64Array(Math.ceil(n / GROUP) * GROUP);

/** The index of the largest value, the first of equal ones. */
function argmax(z) {
  let best = 0;
  for (let i = 1; i < z.length; i++) if (z[i] > z[best]) best = i;
  return best;
}

/** log softmax(z), in place. */
function logSoftmax(z) {
  let most = -Infinity, sum = 0;
  for (const v of z) if (v > most) most = v;
  for (const v of z) sum += Math.exp(v - most);
  const log = most + Math.log(sum);
  for (let i = 0; i < z.length; i++) z[i] -= log;
  return z;
}
