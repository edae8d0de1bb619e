// The reader: validation text coloured by a unit, units ranked by what they track.
function drawReader() {
  const host = body("reader"), reader = data.reader;
  if (reader.missing) { host.append(note(`Not drawn: ${reader.missing}.`)); return; }
  const best = reader.features.map((f) => f.best[0]).filter(Boolean)
    .sort((a, b) => Math.abs(b[3]) - Math.abs(a[3]))[0];
  const chosen = { mode: "unit", layer: best?.[0] ?? 0, letter: best?.[1] ?? "h", unit: best?.[2], feature: null };
  const bytes = new Map(), scale = new Scale(), ofUnit = [];
  chosen.unit ??= reader.layers[0].units[0];

  const quantity = () => reader.layers[chosen.layer].quantities.find((q) => q.letter === chosen.letter);
  const place = () => reader.layers[chosen.layer].units.indexOf(chosen.unit);
  /** The activations of the unit chosen, from -127 to 127. */
  function activations() {
    const q = quantity();
    if (!bytes.has(q)) bytes.set(q, new Int8Array(Uint8Array.from(atob(q.bytes), (c) => c.charCodeAt(0)).buffer));
    const n = reader.ids.length;
    return bytes.get(q).subarray(place() * n, (place() + 1) * n);
  }
  let row = activations();
  const name = () => `${reader.layers.length > 1 ? `layer ${chosen.layer}, ` : ""}${chosen.letter} ${chosen.unit}`;

  const view = new TextView(reader, "Validation text", (i) => {
    const value = (row[i] / 127) * quantity().scale[place()];
    const words = `${name()} = ${value < 0 ? "−" : ""}${Math.abs(value).toFixed(2)}`;
    if (chosen.mode === "surprise") return [surprising(reader.nats[i]), words];
    return [diverging(row[i] / 127), words];
  });

  const layer = options(el("select", { onchange: () => pick({ layer: +layer.value }) }),
    reader.layers.map((_, i) => [i, `${i}`]));
  const letter = el("select", { onchange: () => pick({ letter: letter.value }) });
  const unit = el("select", { "aria-label": "Unit", onchange: () => pick({ unit: +unit.value }) });
  const move = (by) => {
    const { units } = reader.layers[chosen.layer];
    pick({ unit: units[(place() + by + units.length) % units.length] });
  };
  const mode = choices("Colour by", [["unit", "A unit"], ["surprise", "Surprise"]], "unit",
    (value) => { chosen.mode = value; draw(); });
  const underline = el("input", { type: "checkbox", checked: "", onchange: draw });
  const underlined = el("label", {}, underline, el("span"));
  const tracks = ranking(reader, (feature, entry) => {
    chosen.feature = feature;
    if (chosen.mode !== "unit") mode.querySelector("button").click();
    pick({ layer: entry[0], letter: entry[1], unit: entry[2] });
  });

  function pick(change) {
    Object.assign(chosen, change);
    const { units, quantities } = reader.layers[chosen.layer];
    if (!quantities.some((q) => q.letter === chosen.letter)) chosen.letter = "h";
    if (place() < 0) chosen.unit = units[0];
    layer.value = chosen.layer;
    options(letter, quantities.map((q) => [q.letter, q.name]), chosen.letter);
    options(unit, units.map((u) => [u, `unit ${u}`]), chosen.unit);
    row = activations();
    draw();
  }

  function draw() {
    const q = quantity(), most = q.scale[place()], isUnit = chosen.mode === "unit";
    if (isUnit && q.low === 0) scale.show("0", "1", (x) => diverging(x));
    else if (isUnit) scale.show(`−${+most.toPrecision(3)}`, `+${+most.toPrecision(3)}`, (x) => diverging(2 * x - 1));
    else scale.show("0", `${MOST_SURPRISE} nats or more`, (x) => surprising(x * MOST_SURPRISE));
    for (const control of ofUnit) control.hidden = !isUnit;
    underlined.hidden = !isUnit || !chosen.feature?.yes_no;
    underlined.lastChild.textContent = `underline: ${chosen.feature?.meaning ?? ""}`;
    view.underline(isUnit && underline.checked && chosen.feature?.yes_no ? chosen.feature.values : null);
    for (const b of tracks.querySelectorAll("button"))
      b.setAttribute("aria-pressed", isUnit && b.dataset.unit === `${chosen.layer} ${chosen.letter} ${chosen.unit}`);
    view.draw();
  }

  const step = (by, text, label) => el("button", { type: "button", "aria-label": label, onclick: () => move(by) }, text);
  ofUnit.push(...[
    reader.layers.length > 1 ? el("label", {}, "Layer", layer) : null,
    el("label", {}, "Of", letter), el("label", {}, unit),
    el("span", { class: "group" }, step(-1, "‹", "Previous unit"), step(1, "›", "Next unit")),
  ].filter(Boolean));
  host.append(
    note(`The first ${reader.ids.length.toLocaleString("en")} characters of the ${reader.part} text. Point at a character, tap it, or use the arrow keys.`),
    el("div", { class: "tools" }, el("label", {}, "Colour by"), mode,
      ofUnit, scale.node, underlined),
    el("div", { class: "reading" }, view.node, el("div", { class: "side" }, view.about)), tracks);
  repaints.push(draw);
  pick({});
}

/** What units track: a row a feature, a button a unit. */
function ranking(reader, choose) {
  const entry = (feature, unit) => {
    const [layer, letter, index, r, auc] = unit;
    const label = `${reader.layers.length > 1 ? `layer ${layer}, ` : ""}${letter} ${index}`;
    return el("button", { type: "button", "aria-pressed": false, "data-unit": `${layer} ${letter} ${index}`,
      onclick: () => choose(feature, unit) }, label,
    el("b", {}, `${r < 0 ? "−" : "+"}${Math.abs(r).toFixed(2)}`), auc === null ? "" : el("small", {}, `AUC ${auc.toFixed(2)}`));
  };
  const rows = reader.features.map((f) => {
    const units = el("div", { class: "units" }, f.best.map((unit) => entry(f, unit)));
    arrows(units);
    const share = f.yes_no ? `${percent(f.share)} of the characters` : `mean ${number(f.share)}`;
    return el("tr", {}, el("th", { scope: "row" }, f.name, el("small", {}, `${f.meaning}; ${share}`)), el("td", {}, units));
  });
  const kept = reader.layers.some((l) => l.units.length < l.total)
    ? ` There is room for ${reader.layers[0].units.length} of the ${reader.layers[0].total} units of a layer: those that track something best.` : "";
  if (!rows.length) return el("div", { class: "tracks" }, note("The text has nothing that units could be ranked by."));
  return el("div", { class: "tracks" }, el("h3", {}, "What units track"),
    note(`Score: the correlation r of the activation with the feature, over ${reader.ranked_over.toLocaleString("en")} characters; +1 or −1 is a unit that follows it exactly, 0 one that does not. `
      + `AUC: how often the activation is higher at a character with the feature than at one without; 1 or 0 tells them apart always, 0.5 is chance.${kept}`),
    el("table", {}, el("thead", {}, el("tr", {}, el("th", {}, "Feature"), el("th", {}, "Units, best first"))), el("tbody", {}, rows)));
}

function drawSampled() {
  const sample = data.sample, scale = new Scale();
  const view = new TextView(sample, "Sampled text", (i) => [surprising(sample.nats[i]), ""]);
  const known = sample.nats.filter((v) => v !== null);
  const mean = known.reduce((a, b) => a + b, 0) / Math.max(known.length, 1);
  body("sampled").append(
    note(`Drawn at temperature ${sample.temperature} from seed ${sample.seed}, after a line end: ${mean.toFixed(3)} nats per character${sample.used === "mixture" ? ", by the network mixed with the run's n-gram" : ""}. The stronger the colour, the less likely the character was.`),
    el("div", { class: "tools" }, scale.node),
    el("div", { class: "reading" }, view.node, el("div", { class: "side" }, view.about)));
  const draw = () => {
    scale.show("probability 1", `e^−${MOST_SURPRISE} or less`, (x) => surprising(x * MOST_SURPRISE));
    view.draw();
  };
  repaints.push(draw);
  draw();
}
