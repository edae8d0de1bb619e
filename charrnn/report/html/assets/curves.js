// Loss, learning rate, gradient norm and speed, all runs over one another; and the samples.
const several = data.runs.length > 1;
const AXES = {
  step: ["updates", (x) => `update ${Math.round(x).toLocaleString("en")}`],
  seconds: ["seconds of training", time],
  epoch: ["epochs", (x) => `epoch ${x.toFixed(2)}`],
};

/** Seconds or epochs at a step, between the steps at which they are known. */
function clockOf(run, column) {
  const knots = run.clock;
  return (step) => {
    let low = 0, high = knots.length - 1;
    if (high < 0) return step;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (knots[middle][0] <= step) low = middle; else high = middle;
    }
    const [a, b] = [knots[low], knots[high]];
    const share = b[0] > a[0] ? (step - a[0]) / (b[0] - a[0]) : 0;
    return a[column] + share * (b[column] - a[column]);
  };
}

function drawCurves() {
  const host = body("curves"), group = new Group();
  if (!data.runs.some((run) => Object.values(run.curves).some((points) => points.length))) {
    host.append(note("Nothing was logged: the run has made no step yet."));
    return;
  }
  let axis = "step";
  const scales = data.runs.map((run) => ({
    step: (x) => x, seconds: clockOf(run, 1), epoch: clockOf(run, 2),
  }));
  const series = (key, style) => data.runs.map((run, index) => ({
    run: index, points: run.curves[key], colour: colour(index),
    at: (x) => scales[index][axis](x), ...style(run, index),
  }));
  const named = (what) => (run) => ({ name: several ? `${run.name}${what && `, ${what}`}` : what });
  const shared = { xName: () => AXES[axis][0], xShown: (x) => AXES[axis][1](x) };
  const charts = el("div", { class: "charts" });
  const loss = new Chart(charts, group, "Loss, nats per character (right: bits)", [
    ...series("train_loss", (run, i) => ({ ...named("training")(run), width: 1.2,
      colour: colour(i), dash: several ? "4 3" : null })),
    ...series("val_loss", (run, i) => ({ ...named("validation")(run), width: 2.2,
      colour: colour(several ? i : 1), dots: true })),
  ], { ...shared, wide: true, height: 300, right: { factor: 1 / LN2, unit: "bits" }, unit: "nats" });
  const clip = data.runs[0].clip;
  const one = (key) => series(key, named(""));
  const small = { ...shared, legend: false };
  new Chart(charts, group, "Gradient norm, before clipping", one("grad_norm"),
    { ...small, log: true, unit: "", threshold: clip ? { value: clip, label: `clipped above ${clip}` } : null });
  new Chart(charts, group, "Learning rate", one("learning_rate"), { ...small, zero: true, unit: "" });
  new Chart(charts, group, "Speed, characters per second", one("chars_per_second"),
    { ...small, zero: true, unit: "per s" });
  host.append(curveTools(group, loss, (value) => { axis = value; group.cursor = null; group.show(null); }),
    charts, clippingNote(),
    note("Drag over a chart to zoom, double-click to see all. With the keyboard: arrows, + and −, shift with arrows, 0. "
      + "Where a run has more lines than a chart has points, the line is the mean and the band the smallest and largest value."));
}

function curveTools(group, loss, setAxis) {
  const button = (label, text, onclick) =>
    el("button", { type: "button", "aria-label": label, title: label, onclick }, text);
  const zoom = el("span", { class: "group", role: "group", "aria-label": "Zoom" },
    button("Zoom in", "+", () => group.zoom(STEP)), button("Zoom out", "−", () => group.zoom(1 / STEP)),
    button("Move left", "◀", () => group.pan(-0.25)), button("Move right", "▶", () => group.pan(0.25)),
    button("Show all", "All", () => group.show(null)));
  arrows(zoom);
  const axis = options(el("select", { onchange: () => setAxis(axis.value) }),
    Object.entries(AXES).map(([value, [label]]) => [value, label]));
  const log = el("input", { type: "checkbox", onchange: () => { loss.log = log.checked; loss.draw(); } });
  return el("div", { class: "tools" }, zoom, el("label", {}, "Along", axis),
    el("label", {}, log, "logarithmic loss"), several ? visibility(group) : null);
}

/** One box a run: whether its curves are drawn. */
function visibility(group) {
  return data.runs.map((run, index) => {
    const box = el("input", { type: "checkbox", checked: "", onchange: () => {
      for (const chart of group.charts)
        for (const s of chart.series) if (s.run === index) s.hidden = !box.checked;
      group.show(group.domain);
    } });
    const swatch = el("span", {}, "■ ");
    swatch.style.color = colour(index);
    return el("label", {}, box, el("span", {}, swatch, run.name));
  });
}

function clippingNote() {
  const said = data.runs.filter((run) => run.clipped !== null).map((run) =>
    `${several ? `${run.name}: ` : ""}the norm was above ${run.clip} at ${percent(run.clipped)} of the logged lines`);
  const none = "Gradients were not clipped by norm.";
  return note(said.length ? `Clipping: ${said.join("; ")}.` : none);
}

function drawSamples() {
  const host = body("samples"), runs = data.runs.filter((run) => run.samples.length);
  if (!runs.length) { host.append(note("The run kept no samples (train.sample_length).")); return; }
  let run = runs[0];
  const paper = el("pre", { class: "paper", tabindex: 0, "aria-label": "The sample" });
  const label = el("span", { "aria-live": "polite" });
  const slider = el("input", { type: "range", min: 0, "aria-label": "Which sample", oninput: show });
  const which = options(el("select", { "aria-label": "Run",
    onchange: () => { run = runs[which.value]; choose(); } }), runs.map((r, i) => [i, r.name]));
  const step = (by, text, name) => el("button", { type: "button", "aria-label": name,
    onclick: () => { slider.value = +slider.value + by; show(); } }, text);
  function choose() { slider.max = run.samples.length - 1; slider.value = slider.max; show(); }
  function show() {
    const at = +slider.value, { step, text } = run.samples[at];
    const before = run.curves.val_loss.filter(([s]) => s <= step).at(-1);
    label.textContent = `update ${step.toLocaleString("en")}` + (before ? ` · ${number(before[1])} nats` : "");
    slider.setAttribute("aria-valuetext", label.textContent);
    paper.textContent = text;
  }
  host.append(el("div", { class: "tools" }, runs.length > 1 ? which : null,
    step(-1, "‹", "Earlier sample"), slider, step(1, "›", "Later sample"), label), paper);
  choose();
}
