// How large errors are k characters back, before and after training.
function drawFlow() {
  const host = body("flow"), flow = data.flow;
  if (flow.missing) { host.append(note(`Not measured: ${flow.missing}.`)); return; }
  const [start, end] = flow.at, layers = end.layers.length, hasS = "s" in end.layers[0];
  let letter = hasS ? "s" : "h";
  const group = new Group(), charts = el("div", { class: "charts" });
  const table = el("div", { class: "scroll" });
  const series = (at, style) => at.layers.map((layer, index) => ({
    colour: colour(index), at: (k) => k, ...style,
    name: `${layers > 1 ? `layer ${index}, ` : ""}${at === end ? "after training" : "at the start"}`,
    points: layer[letter].map((norm, k) => [k, norm]).filter(([, norm]) => norm > 0),
  }));
  const both = () => [...series(start, { dash: "5 4", width: 1.5 }), ...series(end, { width: 2.2 })];
  const chart = new Chart(charts, group, "Norm of the error against the lag", both(), {
    wide: true, height: 280, log: true, unit: "", xName: () => "lag k, characters back",
    xShown: (k) => `lag ${Math.round(k)}`,
  });
  function show(value) {
    letter = value;
    chart.series = both();
    chart.draw();
    table.replaceChildren(halfLives(letter));
  }
  if (hasS)
    host.append(el("div", { class: "tools" }, el("label", {}, "Error on"),
      choices("Error on", [["s", "cell state s"], ["h", "output h"]], letter, show)));
  host.append(charts, table, note(`‖∂E_t/∂${hasS ? "(s or h)" : "h"}_(t−k)‖: how much the loss of one character t depends on what the state was k characters before; `
    + `the median over ${flow.positions} places of the training text. At the start: ${start.when}; after training: update ${end.step.toLocaleString("en")}.`));
  show(letter);

  function halfLives(letter) {
    const row = (what, at) => el("tr", {}, el("th", { scope: "row" }, what),
      at.layers.map((layer) => el("td", {}, layer[`half_life_${letter}`])));
    return el("table", {}, el("thead", {}, el("tr", {}, el("th", {}, "half-life"),
      end.layers.map((_, i) => el("th", { scope: "col" }, layers > 1 ? `layer ${i}` : "")))),
    el("tbody", {}, row("at the start", start), row("after training", end)));
  }
}
