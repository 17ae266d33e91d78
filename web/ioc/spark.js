// A line of the last hour, drawn as SVG: the running minute, which is not over, is lighter.

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT] = [600, 120];

/** `values` by minute, the oldest first; `label` says in words what the picture shows. */
export function spark(values, label) {
  const most = Math.max(1, ...values);
  const step = WIDTH / values.length;
  const svg = make("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label, class: "spark", preserveAspectRatio: "none" });
  svg.append(...values.map((value, i) => make("rect", {
    x: i * step + 1,
    y: HEIGHT - (value / most) * HEIGHT,
    width: step - 2,
    height: (value / most) * HEIGHT,
    class: i === values.length - 1 ? "running" : "",
  })));
  return svg;
}

function make(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
