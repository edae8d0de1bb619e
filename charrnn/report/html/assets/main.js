// The parts that are only text, and the order in which everything is drawn.
function drawCards() {
  const facts = new Map(data.runs[0].facts);
  const card = (name, value, small) => value && document.getElementById("cards").append(
    el("div", {}, el("dt", {}, name), el("dd", {}, value, small ? el("small", {}, small) : "")));
  const best = /^(\S+) nats = (\S+) bits per character, at (.*)$/.exec(facts.get("best validation loss"));
  if (best) {
    card("best validation loss", `${best[1]} nats`, best[3]);
    card("bits per character", `${best[2]}`, "nats / ln 2");
  }
  const [steps, epochs] = (facts.get("steps") ?? "").split(" = ");
  card("updates", steps, epochs);
  card("time", facts.get("time"), facts.get("speed, mean of the log"));
  card("parameters", facts.get("parameters"), facts.get("model"));
  document.getElementById("subtitle").textContent = several
    ? `${data.runs[0].name} in full; curves, samples and configurations of ${data.runs.length} runs` : facts.get("model");
  document.getElementById("footer").textContent = `charrnn ${data.version}. This file is complete: it asks for nothing from anywhere.`;
}

function drawMeasured() {
  const names = [...new Set(data.runs.flatMap((run) => run.facts.map(([name]) => name)))];
  const facts = data.runs.map((run) => new Map(run.facts));
  const head = several ? el("thead", {}, el("tr", {}, el("th"), data.runs.map((run) => el("th", { scope: "col" }, run.name)))) : "";
  body("measured").append(el("div", { class: "scroll" }, el("table", {}, head, el("tbody", {}, names.map((name) =>
    el("tr", {}, el("th", { scope: "row" }, name), facts.map((f) => el("td", {}, f.get(name) ?? ""))))))));
}

function drawConfiguration() {
  const first = new Set(data.runs[0].config.split("\n"));
  data.runs.forEach((run, index) => {
    const lines = run.config.trimEnd().split("\n").flatMap((line) => [first.has(line) ? line : el("mark", {}, line), "\n"]);
    const paper = el("pre", { class: "paper", tabindex: 0, "aria-label": `Configuration of ${run.name}` }, lines);
    body("configuration").append(several ? el("details", index ? {} : { open: "" }, el("summary", {}, run.name), paper) : paper);
  });
  if (several) body("configuration").append(note(`Marked lines are not in the configuration of ${data.runs[0].name}.`));
}

themed();
drawCards();
drawCurves();
drawSamples();
drawFlow();
drawReader();
drawSampled();
drawMeasured();
drawConfiguration();
root.dataset.ready = "yes";
