// A line chart in SVG. Charts of one group share what stretch of x they show, and the cursor.
const MARGIN = { left: 52, right: 14, top: 8, bottom: 30 };
const STEP = 1.6; // of a zoom

class Group {
  constructor() { this.charts = []; this.domain = null; this.cursor = null; }
  full() {
    const [a, b] = this.charts.map((c) => c.extent()).reduce(
      ([a, b], [c, d]) => [Math.min(a, c), Math.max(b, d)], [Infinity, -Infinity]);
    if (!(a < Infinity)) return [0, 1];
    if (a > 0 && a < 0.05 * b) return [0, b];
    return a < b ? [a, b] : [a - 0.5, b + 0.5];
  }
  shown() { return this.domain ?? this.full(); }
  show(domain) {
    const [a, b] = this.full();
    if (domain === null || domain[1] - domain[0] >= b - a) this.domain = null;
    else {
      const width = Math.max(domain[1] - domain[0], (b - a) * 1e-4);
      const start = Math.min(Math.max(domain[0], a), b - width);
      this.domain = [start, start + width];
    }
    for (const chart of this.charts) chart.draw();
  }
  zoom(factor, centre = null) {
    const [a, b] = this.shown();
    const c = centre ?? this.cursor ?? (a + b) / 2;
    this.show([c - (c - a) / factor, c + (b - c) / factor]);
  }
  pan(share) {
    const [a, b] = this.shown();
    this.show([a + share * (b - a), b + share * (b - a)]);
  }
  point(x, spoken = false) {
    this.cursor = x;
    for (const chart of this.charts) chart.drawCursor(spoken);
  }
}

class Chart {
  /** series: {name, colour, points: [[x, mean, low?, high?]], at: x → x shown, dash, width, dots}.
   *  more: {log, right: {factor, label}, threshold: {value, label}, wide, unit, xName} */
  constructor(host, group, title, series, more) {
    Object.assign(this, { group, title, series, more, height: more.height ?? 190 });
    this.log = more.log ?? false;
    this.readout = el("div", { class: "readout" });
    this.legend = el("div", { class: "legend" });
    this.plot = svg("svg", { class: "plot", tabindex: 0, role: "application",
      "aria-label": `${title}. Arrow keys move the cursor; plus and minus zoom; shift with arrows moves along; 0 shows all.` });
    this.node = el("div", { class: "chart" + (more.wide ? " wide" : "") },
      el("div", { class: "head" }, el("h3", {}, title), this.legend), this.plot, this.readout);
    host.append(this.node);
    group.charts.push(this);
    this.listen();
    new ResizeObserver(() => this.draw()).observe(this.plot);
  }

  visible() { return this.series.filter((s) => !s.hidden && s.points.length); }

  extent() {
    const xs = this.series.filter((s) => s.points.length)
      .flatMap((s) => [s.at(s.points[0][0]), s.at(s.points.at(-1)[0])]);
    return [Math.min(...xs), Math.max(...xs)];
  }

  range([a, b]) {
    let [low, high] = [Infinity, -Infinity];
    for (const s of this.visible()) {
      for (const [x, mean, l = mean, h = mean] of s.points) {
        const at = s.at(x);
        if (at < a || at > b || (this.log && !(mean > 0))) continue;
        low = Math.min(low, this.log && !(l > 0) ? mean : l);
        high = Math.max(high, h);
      }
    }
    if (!(low < Infinity)) return [this.log ? 0.1 : 0, 1];
    if (this.log) return low < high ? [low / 1.15, high * 1.15] : [low / 2, high * 2];
    const pad = (high - low || Math.abs(high) || 1) * 0.06;
    return [this.more.zero && low >= 0 ? 0 : low - pad, high + pad];
  }

  draw() {
    const W = this.plot.clientWidth;
    if (!W) return;
    const right = this.more.right ? 46 : MARGIN.right;
    this.box = { x0: MARGIN.left, x1: W - right, y0: this.height - MARGIN.bottom, y1: MARGIN.top };
    const { x0, x1, y0, y1 } = this.box;
    const domain = this.group.shown(), [a, b] = domain;
    const range = this.range(domain), f = this.log ? Math.log : (v) => v;
    const [low, high] = range.map(f);
    this.x = (v) => x0 + ((v - a) / (b - a)) * (x1 - x0);
    this.y = (v) => y0 + ((f(v) - low) / (high - low)) * (y1 - y0);
    this.plot.setAttribute("viewBox", `0 0 ${W} ${this.height}`);
    this.plot.style.height = `${this.height}px`;
    const id = `clip${Math.random().toString(36).slice(2)}`;
    const area = svg("g", { "clip-path": `url(#${id})` });
    for (const s of this.visible()) this.drawSeries(area, s, domain);
    this.mark = svg("line", { class: "cursor", y1: y1, y2: y0, visibility: "hidden" });
    this.plot.replaceChildren(
      svg("clipPath", { id }, svg("rect", { x: x0, y: y1, width: x1 - x0, height: y0 - y1 })),
      ...this.axes(domain, range), area, ...this.threshold(range, id, domain), this.mark);
    this.drawLegend();
    this.drawCursor();
  }

  axes([a, b], range) {
    const { x0, x1, y0, y1 } = this.box, nodes = [];
    const text = (x, y, anchor, content, more = {}) =>
      nodes.push(svg("text", { x, y, "text-anchor": anchor, ...more }, content));
    for (const v of this.ticks(range, Math.max((y0 - y1) / 42, 2))) {
      const y = this.y(v);
      nodes.push(svg("line", { class: "grid", x1: x0, x2: x1, y1: y, y2: y }));
      text(x0 - 6, y + 4, "end", tick(v));
    }
    if (this.more.right) {
      const k = this.more.right.factor;
      for (const v of this.ticks(range.map((r) => r * k), Math.max((y0 - y1) / 42, 2)))
        text(x1 + 6, this.y(v / k) + 4, "start", tick(v));
    }
    for (const v of linear([a, b], Math.max((x1 - x0) / 65, 2)))
      text(this.x(v), y0 + 15, "middle", tick(v));
    text((x0 + x1) / 2, y0 + 28, "middle", this.more.xName());
    return nodes;
  }

  ticks(range, count) { return this.log ? logarithmic(range) : linear(range, count); }

  drawSeries(area, s, [a, b]) {
    const points = s.points.filter((p) => !this.log || p[1] > 0);
    let first = points.findIndex((p) => s.at(p[0]) >= a), last = points.length - 1;
    while (last > 0 && s.at(points[last][0]) > b) last--;
    if (first < 0) return;
    const part = points.slice(Math.max(first - 1, 0), last + 2);
    const at = (p, v) => `${this.x(s.at(p[0])).toFixed(1)},${this.y(v).toFixed(1)}`;
    if (part.some((p) => p.length > 2)) {
      const up = part.map((p) => at(p, p[3] ?? p[1]));
      const down = part.map((p) => at(p, this.log && !((p[2] ?? p[1]) > 0) ? p[1] : p[2] ?? p[1]));
      const band = svg("path", { d: `M${up.join("L")}L${down.reverse().join("L")}Z`, stroke: "none" });
      band.style.fill = s.colour;
      band.style.opacity = 0.18;
      area.append(band);
    }
    s.d = `M${part.map((p) => at(p, p[1])).join("L")}`;
    area.append(stroke(s, s.d));
    if (s.dots && last - first < 80)
      for (const p of part) {
        const dot = svg("circle", { cx: this.x(s.at(p[0])), cy: this.y(p[1]), r: 2.6 });
        dot.style.fill = s.colour;
        area.append(dot);
      }
  }

  /** A line at a value; what is drawn above it is drawn again, hot. */
  threshold([low, high], id) {
    const { value, label } = this.more.threshold ?? {};
    if (!(value > low && value < high)) return [];
    const { x0, x1, y1 } = this.box, y = this.y(value), above = `${id}a`;
    return [
      svg("clipPath", { id: above }, svg("rect", { x: x0, y: y1, width: x1 - x0, height: Math.max(y - y1, 0) })),
      svg("g", { "clip-path": `url(#${above})` },
        this.visible().filter((s) => s.d).map((s) => stroke({ ...s, colour: "var(--hot)" }, s.d))),
      svg("line", { class: "threshold", x1: x0, x2: x1, y1: y, y2: y }),
      svg("text", { class: "threshold-label", x: x1 - 4, y: y - 4, "text-anchor": "end" }, label),
    ];
  }

  drawLegend() {
    if (this.more.legend === false) return;
    this.legend.replaceChildren(...this.visible().filter((s) => s.name).map((s) =>
      el("span", {}, svg("svg", { viewBox: "0 0 22 10", "aria-hidden": true }, stroke(s, "M1,5L21,5")), s.name)));
  }

  drawCursor(spoken = false) {
    const x = this.group.cursor, [a, b] = this.group.shown();
    if (!this.mark) return;
    const inside = x !== null && x >= a && x <= b;
    this.mark.setAttribute("visibility", inside ? "visible" : "hidden");
    this.readout.setAttribute("aria-live", spoken && document.activeElement === this.plot ? "polite" : "off");
    if (!inside) { this.readout.textContent = ""; return; }
    this.mark.setAttribute("x1", this.x(x));
    this.mark.setAttribute("x2", this.x(x));
    const parts = this.visible().map((s) => [s, nearest(s, x)]).filter(([, p]) => p);
    this.readout.textContent = `${this.more.xShown(x)}: ` + parts.map(([s, p]) => {
      const [, mean, low, high] = p;
      const k = this.more.right ? ` = ${number(mean * this.more.right.factor)} ${this.more.right.unit}` : "";
      const between = low === undefined ? "" : ` (${number(low)} to ${number(high)})`;
      return `${s.name ? s.name + " " : ""}${number(mean)} ${this.more.unit}${k}${between}`;
    }).join(" · ");
  }

  value(event) {
    const { x0, x1 } = this.box, [a, b] = this.group.shown();
    const at = event.clientX - this.plot.getBoundingClientRect().left;
    return a + (Math.min(Math.max(at, x0), x1) - x0) / (x1 - x0) * (b - a);
  }

  listen() {
    let from = null, rect = null;
    const on = (name, f, options) => this.plot.addEventListener(name, f, options);
    on("pointermove", (e) => {
      this.group.point(this.value(e));
      if (from === null) return;
      const [p, q] = [this.x(from), this.x(this.value(e))].sort((p, q) => p - q);
      rect ??= this.plot.appendChild(svg("rect", { class: "drag" }));
      fill(rect, { x: p, width: q - p, y: this.box.y1, height: this.box.y0 - this.box.y1 }, []);
    });
    on("pointerdown", (e) => {
      if (e.pointerType === "mouse" && e.button === 0) from = this.value(e);
      else this.group.point(this.value(e));
    });
    addEventListener("pointerup", (e) => {
      if (from === null) return;
      const [p, q] = [from, this.value(e)].sort((p, q) => p - q);
      if (this.x(q) - this.x(p) > 6) this.group.show([p, q]);
      rect?.remove();
      from = rect = null;
    });
    on("pointerleave", (e) => { if (e.pointerType === "mouse") this.group.point(null); });
    on("dblclick", () => this.group.show(null));
    on("wheel", (e) => {
      if (!e.ctrlKey && !e.metaKey) return;
      e.preventDefault();
      this.group.zoom(e.deltaY < 0 ? STEP : 1 / STEP, this.value(e));
    }, { passive: false });
    on("keydown", (e) => this.key(e));
  }

  key(e) {
    const g = this.group, sign = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (sign && e.shiftKey) g.pan(sign * 0.25);
    else if (sign) {
      const [a, b] = g.shown(), x = (g.cursor ?? (sign > 0 ? a : b)) + sign * (b - a) / 100;
      g.point(Math.min(Math.max(x, a), b), true);
    }
    else if (e.key === "+" || e.key === "=") g.zoom(STEP);
    else if (e.key === "-") g.zoom(1 / STEP);
    else if (e.key === "0" || e.key === "Escape") g.show(null);
    else return;
    e.preventDefault();
  }
}

function stroke(s, d) {
  const path = svg("path", { d, fill: "none", "stroke-width": s.width ?? 1.4,
    "stroke-dasharray": s.dash, "stroke-linejoin": "round" });
  path.style.stroke = s.colour;
  return path;
}

/** The point of a series nearest to x, by bisection. */
function nearest(s, x) {
  let low = 0, high = s.points.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (s.at(s.points[middle][0]) < x) low = middle; else high = middle;
  }
  const [p, q] = [s.points[low], s.points[high]];
  return x - s.at(p[0]) < s.at(q[0]) - x ? p : q;
}
