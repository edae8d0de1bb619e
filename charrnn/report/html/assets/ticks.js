// Where an axis has its marks, and how they are written.
function linear([a, b], count) {
  const raw = (b - a) / Math.max(count, 1), power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((m) => m * power >= raw) * power;
  const found = [];
  for (let v = Math.ceil(a / step); v * step <= b + step * 1e-9; v++) found.push(v * step);
  return found;
}

function logarithmic([a, b]) {
  const decades = Math.log10(b / a), every = Math.max(Math.ceil(decades / 6), 1), found = [];
  const digits = decades > 2.5 ? [1] : decades > 0.9 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8];
  for (let k = Math.floor(Math.log10(a)); k <= Math.ceil(Math.log10(b)); k++)
    if (k % every === 0)
      for (const d of digits) if (d * 10 ** k >= a && d * 10 ** k <= b) found.push(d * 10 ** k);
  return found;
}

function tick(v) {
  const size = Math.abs(v);
  if (size < 1e-12) return size === 0 || size < 1e-300 ? "0" : v.toExponential(0);
  if (size >= 1e6) return `${+(v / 1e6).toPrecision(3)}M`;
  if (size >= 1e4) return `${+(v / 1e3).toPrecision(3)}k`;
  if (size < 1e-3) return v.toExponential(0).replace("-", "−");
  return String(+v.toPrecision(4));
}
