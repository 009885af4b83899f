// The diagram of a reader's own chart, drawn from the layout that its chart.json carries.
//
// It makes the same elements with the same data as the generated SVG, so that the page treats both
// alike; nothing is measured or laid out here.  The layout was checked when the chart was read.

const SVG_NAMES = "http://www.w3.org/2000/svg";
/** How the name of a drawing of a reader's own chart begins, beside those of the page. */
export const OWN_DRAWING = "own:";
/** The outcome of an arrow's commands, by its kind. */
export const OUTCOMES = { move: "emit", loop: "emit", noop: "noop", delete: "delete" };

function svgElement(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG_NAMES, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null) element.setAttribute(name, value);
  }
  element.append(...children.flat());
  return element;
}

/** The element with the diagram of a chart that has a layout. */
export function drawing(chart) {
  const { area, arrows, initial, marker } = chart.layout;
  const { x, y, width, height } = area;
  const rules = Object.values(chart.commands).flatMap((command) => command.rules);
  const prose = new Map(rules.map(({ id, doc }) => [id, doc]));
  const drawn = (arrow, place) => drawnArrow(chart, prose, arrow, place);
  const stays = ({ source, target }) => source === target;
  const begin = svgElement(
    "g",
    { class: "initial" },
    svgElement("circle", { cx: marker.x, cy: marker.y, r: marker.radius }),
    drawnLine(initial),
  );
  const element = document.createElement("div");
  element.className = "drawing";
  element.dataset.of = OWN_DRAWING + chart.name;
  element.append(
    svgElement(
      "svg",
      { class: "chart-diagram", viewBox: `${x} ${y} ${width} ${height}`, width, height, role: "img" },
      svgElement("rect", { class: "paper", x, y, width, height, rx: 10 }),
      begin,
      arrows.map((arrow, place) => (stays(arrow) ? [] : drawn(arrow, place))).flat(),
      chart.columns.map((state) => drawnState(chart, state, arrows.some((each) => stays(each) && each.source === state))),
      arrows.map((arrow, place) => (stays(arrow) ? drawn(arrow, place) : [])).flat(),
    ),
  );
  element.firstChild.setAttribute("aria-label", `${chart.title}: states and commands`);
  return element;
}

function drawnState(chart, name, holds) {
  const { header, states } = chart.layout;
  const { x, y, width, height } = states[name];
  const state = Object.hasOwn(chart.states, name) ? chart.states[name] : null;
  const below = y + header;
  const code = state && svgElement("text", { class: "code", x: x + 12, y: y + header * 0.62 }, `${state.code}`);
  return svgElement(
    "g",
    { class: state ? "state" : "state deleted", "data-state": name },
    svgElement("rect", { x, y, width, height, rx: 8 }),
    code ?? [],
    svgElement("text", { class: "name", x: x + width / 2, y: y + header / 2 + 5 }, name),
    holds ? svgElement("line", { x1: x, y1: below, x2: x + width, y2: below }) : [],
  );
}

function drawnArrow(chart, prose, arrow, place) {
  const { kind, source, target, event, commands, line, label } = arrow;
  const reasons = commands.map((command) => {
    const cell = chart.table.find((each) => each.command === command && each.state === source);
    return `${command}: ${prose.get(cell?.rule) || cell?.reason || ""}`.replace(/: $/, "");
  });
  const data = {
    id: `own-arrow-${chart.name}-${place}`,
    class: `arrow ${kind}`,
    "data-source": source,
    "data-target": target,
    "data-outcome": OUTCOMES[kind],
    "data-command": commands.join(" "),
    "data-event": event,
  };
  const word = ({ text, style, command }) =>
    svgElement("tspan", { class: style, "data-command": command }, text);
  return svgElement(
    "g",
    data,
    svgElement("title", {}, reasons.join("\n")),
    drawnLine(line),
    label.map(({ x, y, words }) => svgElement("text", { class: "label", x, y }, words.map(word))),
  );
}

const drawnLine = ({ curve, head }) => [
  svgElement("path", { class: "line", d: curve }),
  svgElement("path", { class: "head", d: head }),
];
