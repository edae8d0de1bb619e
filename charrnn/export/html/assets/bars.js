// What may come next: the likeliest characters, each a button that puts it into the text.
const LIKELIEST = 12;

class Bars {
  constructor(host, vocabulary, put) {
    Object.assign(this, { vocabulary, rows: [] });
    for (let i = 0; i < Math.min(LIKELIEST, vocabulary.points.length); i++) {
      const row = { id: 0, name: el("b"), model: el("i", { class: "model" }), drawn: el("i", { class: "drawn" }), share: el("span", { class: "share" }) };
      row.node = el("button", { type: "button", onclick: () => put(row.id) }, row.name,
        el("span", { class: "bar" }, row.model, row.drawn), row.share);
      this.rows.push(row);
      host.append(el("li", {}, row.node));
    }
    arrows(host);
  }

  /** logs (K): log p by the model; p (K): what is drawn from; came: the id that stands there. */
  show(logs, p, came) {
    const best = largest(logs, this.rows.length);
    this.rows.forEach((row, i) => {
      const id = row.id = best[i], name = this.vocabulary.name(id), share = percent(p[id]);
      row.name.textContent = name;
      row.share.textContent = share;
      row.model.style.width = `${100 * Math.exp(logs[id])}%`;
      row.drawn.style.width = `${100 * p[id]}%`;
      row.node.disabled = this.vocabulary.typed(id) === null;
      row.node.classList.toggle("came", id === came);
      row.node.ariaLabel = `${name}, ${share}${id === came ? ", which stands there" : ""}: put it into the text`;
    });
  }
}

/** The indices of the n largest, the largest first. */
function largest(z, n) {
  const best = [];
  for (let i = 0; i < z.length; i++) {
    if (best.length === n && z[i] <= z[best[n - 1]]) continue;
    let at = Math.min(best.length, n - 1);
    while (at > 0 && z[best[at - 1]] < z[i]) { best[at] = best[at - 1]; at--; }
    best[at] = i;
  }
  return best;
}
