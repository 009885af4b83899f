// A chart of the reader's own: read from the text of a chart.json, and packed into a link.
//
// The text comes from anywhere, so nothing in it is believed: its shape is checked, every name must
// be one, and all that the page shows of it is text.  Nothing leaves the page.

import { Chart, ZERO } from "./chart.mjs";
import { decide, emptyState } from "./engine.mjs";
import { OUTCOMES } from "./drawing.mjs";
import { EPOCH } from "./ids.mjs";
import { parts } from "./wire.mjs";

const FORMAT = "pingregistrywf-chart/2";
const LARGEST = 2_000_000;
const HOW =
  "Make one with: pingregistrywf generate --model YOURS.yaml --package DIR. It is DIR/NAME/chart.json.";

/** No chart can be opened; the message says why and what to do, for people. */
export class ChartFileError extends Error {}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const isName = (value) => typeof value === "string" && /^[A-Za-z]\w{0,99}$/.test(value);
const isText = (value) => typeof value === "string";
const isType = (value) => Object.hasOwn(ZERO, value);
const isWire = (value) => Number.isInteger(value) && value > 0 && value < 2 ** 29;
const oneOf = (names) => (value) => names.includes(value);

/** The document that a text holds. @throws ChartFileError */
export function readChart(text) {
  if (text.length > LARGEST) throw new ChartFileError("The text is larger than any chart.json.");
  let document;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new ChartFileError(`The text is not JSON (${error.message}). ${HOW}`);
  }
  if (!isObject(document) || document.format !== FORMAT) {
    const found = isObject(document) && isText(document.format) ? document.format : "none";
    throw new ChartFileError(`The format is ${found}, and this page opens ${FORMAT}. ${HOW}`);
  }
  checkShape(document);
  tryOut(document);
  return document;
}

function demand(fine, path, what) {
  if (!fine) throw new ChartFileError(`The chart.json is damaged: ${path} is not ${what}. ${HOW}`);
}

/** Check the parts of a document by name; `each` checks one of them further. */
function checkParts(document, part, each) {
  demand(isObject(document[part]), part, "an object");
  for (const [name, value] of Object.entries(document[part])) {
    const path = `${part}.${name.slice(0, 100)}`;
    demand(isName(name) && isObject(value) && value.name === name, path, "a part with its name");
    demand(isText(value.doc), `${path}.doc`, "a text");
    each(value, path);
  }
}

function checkValues(values, path) {
  demand(isObject(values), path, "an object");
  for (const [name, value] of Object.entries(values)) {
    const fine = isName(name) && isObject(value) && value.name === name && isType(value.type);
    demand(fine, `${path}.${name.slice(0, 100)}`, "a value with a name and a type");
    demand(value.doc === undefined || isText(value.doc), `${path}.${name}.doc`, "a text");
    demand(value.wire === undefined || isWire(value.wire), `${path}.${name}.wire`, "a field's number");
  }
}

function checkShape(document) {
  for (const name of ["name", "facade"]) demand(isName(document[name]), name, "a name");
  for (const name of ["title", "sha256", "otherwise"]) demand(isText(document[name]), name, "a text");
  if (document.key !== null) checkValues({ key: { ...document.key, name: "key" } }, "document");
  demand(document.key === null || isName(document.key.name), "key", "null or a value");
  demand(isObject(document.wire), "wire", "an object");
  for (const each of ["event", "id", "parent"])
    demand(isWire(document.wire[each]), `wire.${each}`, "a field's number");
  checkParts(document, "states", () => {});
  checkParts(document, "records", (value, path) => checkValues(value.fields, `${path}.fields`));
  checkParts(document, "carried", (value, path) => {
    const known = { value: isType(value.type), list: true, record: true }[value.kind] === true;
    const record = value.kind === "value" || Object.hasOwn(document.records, value.record);
    demand(known && record, path, "a value, a record or a list");
  });
  checkParts(document, "events", (value, path) => {
    checkValues(value.fields, `${path}.fields`);
    demand(Number.isInteger(value.number) && isText(value.wire_name), path, "an event");
    demand(value.to === null || Object.hasOwn(document.states, value.to), `${path}.to`, "a state");
  });
  checkParts(document, "commands", (value, path) => {
    checkValues(value.arguments, `${path}.arguments`);
    demand(isName(value.method), `${path}.method`, "a name");
    demand(Array.isArray(value.rules), `${path}.rules`, "a list");
    for (const rule of value.rules) demand(isText(rule?.id) && isText(rule.doc), path, "with rules");
  });
  checkParts(document, "errors", (value, path) => checkValues(value.fields, `${path}.fields`));
  demand(Object.hasOwn(document.states, document.initial), "initial", "a state");
  demand(Array.isArray(document.columns) && document.columns.every(isName), "columns", "a list of states");
  demand(Array.isArray(document.table), "table", "a list");
  checkLayout(document);
  document.table.forEach((cell, place) => checkCell(document, cell, `table[${place}]`));
}

const isNumber = (value) => Number.isFinite(value) && Math.abs(value) < 1e6;
const areNumbers = (value, names) => isObject(value) && names.every((name) => isNumber(value[name]));
const isPath = (value) => isText(value) && /^M[MCLZ\d., -]*$/.test(value);
const isLine = (value) => isObject(value) && isPath(value.curve) && isPath(value.head);
const BOX = ["x", "y", "width", "height"];

/** Check the layout of the diagram, if the document has one. */
function checkLayout(document) {
  const { layout } = document;
  if (layout === undefined || layout === null) return;
  const fine = areNumbers(layout, ["header"]) && areNumbers(layout.marker, ["x", "y", "radius"]);
  demand(fine && areNumbers(layout.area, BOX) && isLine(layout.initial), "layout", "a layout");
  demand(isObject(layout.states), "layout.states", "an object");
  const placed = (state) =>
    Object.hasOwn(layout.states, state) && areNumbers(layout.states[state], BOX);
  demand(document.columns.every(placed), "layout.states", "a place for each state");
  demand(Array.isArray(layout.arrows), "layout.arrows", "a list");
  const [isState, isCommand] = [document.columns, Object.keys(document.commands)].map(oneOf);
  const isWord = (word) =>
    isText(word?.text) &&
    oneOf(["command", "condition", "event"])(word.style) &&
    (word.command === null || isCommand(word.command));
  const isLabel = (line) =>
    areNumbers(line, ["x", "y"]) && Array.isArray(line.words) && line.words.every(isWord);
  layout.arrows.forEach((arrow, place) => {
    const path = `layout.arrows[${place}]`;
    demand(isObject(arrow) && Object.hasOwn(OUTCOMES, arrow.kind), path, "an arrow");
    demand(isState(arrow.source) && isState(arrow.target), path, "between states");
    const { commands, event, label } = arrow;
    demand(event === null || Object.hasOwn(document.events, event), path, "with an event");
    demand(Array.isArray(commands) && commands.every(isCommand), path, "with commands");
    demand(isLine(arrow.line), `${path}.line`, "a line");
    demand(Array.isArray(label) && label.every(isLabel), `${path}.label`, "a label");
  });
}

function checkCell(document, cell, path) {
  demand(isObject(cell) && Object.hasOwn(document.commands, cell.command), path, "a command's cell");
  const columns = oneOf(document.columns);
  demand(columns(cell.state) && columns(cell.target), path, "about states");
  demand(oneOf(["any", "same", "other"])(cell.arguments), `${path}.arguments`, "any, same or other");
  demand(oneOf(["emit", "noop", "reject", "delete", "rewrite"])(cell.outcome), path, "with an outcome");
  demand(cell.outcome !== "emit" || Object.hasOwn(document.events, cell.event), path, "with an event");
  demand(cell.outcome !== "reject" || isName(cell.error), path, "with an error");
  demand(isText(cell.rule) && isText(cell.reason), path, "with a rule");
}

/** Ask every command once on an empty history: what is damaged further fails here and not later. */
function tryOut(document) {
  try {
    const chart = new Chart(document);
    for (const [name, { arguments: declared }] of chart.commands) {
      const args = Object.values(declared).map(({ name: each, type }) => [each, ZERO[type]]);
      for (const state of chart.commands.get(name).rewrite ? [chart.initial] : chart.columns) {
        if (!chart.cell(name, true, state)) throw new TypeError(`no cell for ${name} in ${state}`);
      }
      const { drafts } = decide(chart, emptyState(chart), name, Object.fromEntries(args));
      for (const draft of drafts) parts(chart, { ...draft, id: EPOCH, parent: EPOCH });
    }
  } catch (error) {
    throw new ChartFileError(`The chart.json is damaged: ${error.message}. ${HOW}`);
  }
}

// --- In a link -----------------------------------------------------------------------------------

/** A chart's text, compressed, for a link's fragment. */
export async function pack(text) {
  const bytes = await through(new Blob([text]), new CompressionStream("deflate-raw"));
  const letters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** The text that was packed. @throws ChartFileError */
export async function unpack(data) {
  try {
    const letters = atob(data.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(letters, (each) => each.charCodeAt(0));
    const text = await through(new Blob([bytes]), new DecompressionStream("deflate-raw"));
    return new TextDecoder("utf-8", { fatal: true }).decode(text);
  } catch {
    throw new ChartFileError("The link is damaged: the chart in it cannot be read.");
  }
}

const through = async (blob, stream) =>
  new Uint8Array(await new Response(blob.stream().pipeThrough(stream)).arrayBuffer());
