// Text from a model that `charrnn export RUN --to onnx --out model.onnx` wrote, in Node.js.
//   npm install --ignore-scripts onnxruntime-node
//   node onnx_sample.mjs model.onnx [PRIME] [LENGTH] [TEMPERATURE]
import { readFileSync } from "node:fs";
import ort from "onnxruntime-node";

const [path, prime = "\n", length = "500", temperature = "1"] = process.argv.slice(2);
const file = readFileSync(path);
const facts = metadata(file);
const vocabulary = JSON.parse(facts.vocabulary);
const end = { lines: "\n", records: "\uFDD0" }[facts.mode]; // begins and ends each sequence
const coding = facts.unit === "byte" ? "latin1" : "utf8"; // a byte is the character of its number
const shape = [Number(facts.num_layers), 1, Number(facts.hidden_size)];
const zeros = new ort.Tensor("float32", new Float32Array(shape[0] * shape[2]), shape);
const session = await ort.InferenceSession.create(file);
const states = session.inputNames.filter((name) => name !== "x");
const feeds = Object.fromEntries(states.map((name) => [name, zeros]));

// One character in; out come the logits of the next. The state goes on in `feeds`.
async function read(symbol) {
  if (!vocabulary.includes(symbol)) throw new Error(`unknown: ${JSON.stringify(symbol)}`);
  for (const name of states) if (symbol === end) feeds[name] = zeros;
  feeds.x = new ort.Tensor("int64", [BigInt(vocabulary.indexOf(symbol))], [1, 1]);
  const out = await session.run(feeds);
  for (const name of states) feeds[name] = out[`${name}_out`];
  return out.logits.data;
}

function choose(logits, T) {
  const most = Math.max(...logits);
  const weights = Array.from(logits, (z) => (T ? Math.exp((z - most) / T) : Number(z === most)));
  let rest = Math.random() * weights.reduce((a, b) => a + b);
  return vocabulary[weights.findIndex((weight) => (rest -= weight) < 0)] ?? choose(logits, 0);
}

// The file's metadata: field 14 of its protocol buffer, pairs of strings.
function metadata(bytes) {
  const pairs = fields(bytes).filter(([number]) => number === 14).map(([, pair]) => fields(pair));
  return Object.fromEntries(pairs.map((pair) => pair.map(([, text]) => text.toString())));
}
function fields(bytes, at = 0, found = []) { // [number, bytes or integer]
  const integer = () => bytes[at] < 128 ? bytes[at++] : (bytes[at++] & 127) + 128 * integer();
  while (at < bytes.length) {
    const [key, n] = [integer(), integer()];
    found.push([key >>> 3, key % 8 === 2 ? bytes.subarray(at, (at += n)) : n]);
  }
  return found;
}

let logits = end ? await read(end) : null;
const begun = Buffer.from(prime).toString(coding);
for (const symbol of begun) logits = await read(symbol);
process.stdout.write(Buffer.from(begun, coding));
for (let n = 0; n < Number(length); n++) {
  const symbol = choose(logits, Number(temperature));
  process.stdout.write(Buffer.from(symbol === end ? facts.separator ?? end : symbol, coding));
  logits = await read(symbol);
}
