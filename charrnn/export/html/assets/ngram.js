// The n-gram, counted here from its text, so that a page needs less than a byte a character of it.
// What contexts, grams and a stream are, charrnn/inference/mixture/trie.py says.
const pause = () => new Promise((go) => setTimeout(go));

/** The trie of `text`, which has K before, between and after the sequences. */
async function countNgram(text, K, order) {
  const trie = { text, K, order, symbol: [], count: [], ref: [], first: [], link: [0] };
  let positions = sortedPositions(text, K, order);
  const shared = commonPrefixes(text, K, order, positions);
  for (let m = 1, parents = [0, 1]; m <= order; m++) {
    await pause();
    positions = countLevel(trie, m, positions, shared);
    if (m < order) parents = linkLevel(trie, parents);
  }
  trie.first.push(trie.symbol.length);
  for (const name of ["symbol", "count", "ref", "first", "link"]) trie[name] = Int32Array.from(trie[name]);
  return trie;
}

/** Positions of symbols below K, sorted by the `order` symbols that begin there. */
function sortedPositions(text, K, order) {
  let sorted = Int32Array.from(text.keys()).filter((p) => text[p] < K), other = sorted.slice();
  for (let m = order - 1; m >= 0; m--) {
    const at = new Int32Array(K + 2);
    for (const p of sorted) at[text[p + m] + 1]++;
    for (let c = 0; c <= K; c++) at[c + 1] += at[c];
    for (const p of sorted) other[at[text[p + m]]++] = p;
    [sorted, other] = [other, sorted];
  }
  return sorted;
}

/** How many of the first `order` symbols, before any K, each position shares with the last. */
function commonPrefixes(text, K, order, positions) {
  const shared = new Uint8Array(positions.length);
  for (let i = 1; i < positions.length; i++) {
    const a = positions[i - 1], b = positions[i];
    let m = 0;
    while (m < order && text[a + m] === text[b + m] && text[a + m] < K) m++;
    shared[i] = m;
  }
  return shared;
}

/** Adds the grams of order m; `positions` are those in contexts of m - 1 symbols that occur twice.

The positions in grams that occur twice move to the front, and are returned. */
function countLevel({ text, K, order, symbol, count, ref, first }, m, positions, shared) {
  const lastSeen = new Int32Array(K).fill(-1);
  let context = first.length + contextsOf(positions, shared, m), kept = 0;
  for (let i = 0, end; i < positions.length; i = end) {
    if (i === 0 || shared[i] < m - 1) first.push(symbol.length);
    const p = positions[i], c = text[p + m - 1];
    end = i + 1;
    if (c === K) continue; // the sequence ends
    while (end < positions.length && shared[end] >= m) end++;
    let a = 0; // how often at the highest order, after how many symbols below it
    for (let k = i; k < end; k++) {
      const before = text[positions[k] - 1];
      if (before === K) a += m > 1 ? 1 : 0;
      else if (m === order || lastSeen[before] !== symbol.length) a++;
      if (before < K) lastSeen[before] = symbol.length;
    }
    symbol.push(c);
    count.push(a);
    if (m === order) continue;
    ref.push(end - i > 1 ? context++ : -1 - (p + m));
    if (end - i > 1) {
      positions.copyWithin(kept, i, end);
      shared.copyWithin(kept, i, end);
      kept += end - i;
    }
  }
  return positions.subarray(0, kept);
}

function contextsOf(positions, shared, m) {
  let contexts = positions.length ? 1 : 0;
  for (let i = 1; i < positions.length; i++) if (shared[i] < m - 1) contexts++;
  return contexts;
}

/** Adds `link` of the contexts one symbol longer than `parents`, and returns which these are. */
function linkLevel(trie, [begin, end]) {
  const { symbol, ref, first, link } = trie, made = link.length;
  for (let parent = begin; parent < end; parent++) {
    const last = parent + 1 < first.length ? first[parent + 1] : symbol.length;
    for (let gram = first[parent]; gram < last; gram++) {
      if (ref[gram] >= 0) link.push(parent ? ref[find(trie, link[parent], symbol[gram])] : 0);
    }
  }
  return [made, link.length];
}

/** The gram of a context and a character, -1 where it never occurred. */
function find({ symbol, first }, context, c) {
  let low = first[context], high = first[context + 1] - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (symbol[middle] === c) return middle;
    if (symbol[middle] < c) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** What the n-gram has read: the longest contexts that the text holds, twice and once. */
class Stream {
  constructor(trie) { Object.assign(this, { trie }); this.forget(); }
  forget() { Object.assign(this, { context: 0, length: 0, place: -1, longest: 0, last: this.trie.K }); }
  save() { const { context, length, place, longest, last } = this; return { context, length, place, longest, last }; }
  restore(saved) { Object.assign(this, saved); }

  read(c) {
    const { trie } = this, { text, ref, link } = trie, most = trie.order - 1;
    let { context, length } = this, place = -1, longest = -1;
    if (this.place >= 0 && text[this.place] === c) {
      place = this.place + 1;
      longest = Math.min(this.longest + 1, most);
    }
    if (length === most && length > 0) { context = link[context]; length--; }
    while (most > 0) {
      const gram = find(trie, context, c);
      if (gram >= 0 && ref[gram] >= 0) { context = ref[gram]; length++; break; }
      if (gram >= 0 && longest < 0) { place = -1 - ref[gram]; longest = length + 1; }
      if (length === 0) break;
      context = link[context];
      length--;
    }
    Object.assign(this, { context, length, place, longest: Math.max(longest, length), last: c });
  }

  /** p_m (K) of the next character by (MIX.1), for the m in `orders`, which rise. */
  distributions(orders, D) {
    const { text, symbol, count, first, link, K } = this.trie;
    const p = new Float64Array(K).fill(1 / K), found = [];
    const keep = (m) => { if (orders.includes(m)) found.push(p.slice()); };
    const contexts = [this.context];
    for (let n = 0; n < this.length; n++) contexts.push(link[contexts.at(-1)]);
    contexts.reverse().forEach((context, n) => {
      let all = 0, taken = 0;
      for (let gram = first[context]; gram < first[context + 1]; gram++) {
        all += count[gram];
        taken += D[n + 1][Math.min(count[gram], 3)];
      }
      if (all > 0) {
        for (let k = 0; k < K; k++) p[k] *= taken / all;
        for (let gram = first[context]; gram < first[context + 1]; gram++) {
          p[symbol[gram]] += (count[gram] - D[n + 1][Math.min(count[gram], 3)]) / all;
        }
      }
      keep(n + 1);
    });
    for (let m = this.length + 2; m <= this.longest + 1; m++) {
      const c = text[this.place];
      if (c < K) { // the sequence goes on there: a(h c) = 1
        for (let k = 0; k < K; k++) p[k] *= D[m][1];
        p[c] += 1 - D[m][1];
      }
      keep(m);
    }
    while (found.length < orders.length) found.push(p);
    return found;
  }
}
