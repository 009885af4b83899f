// The histories: what each carries, and its chain of events with their bytes.
//
// A long run of events of one kind is collapsed, and what is collapsed is made when it is opened.

import { DELETED } from "./chart.mjs";
import { byId, details, h, replace } from "./dom.mjs";
import { EPOCH } from "./ids.mjs";
import { hex, parts } from "./wire.mjs";

/** As many events of one kind in a row are shown; of more, the first and the last are. */
const LONGEST_RUN = 3;

export function histories(app) {
  const cards = [...app.counts].flatMap(([chart, count]) =>
    Array.from({ length: count }, (_, index) =>
      card(app, app.session.charts.get(chart), index + 1),
    ),
  );
  const more = [...app.session.charts.values()].map(({ name, title }) =>
    h(
      "button",
      { type: "button", id: `more-${name}`, click: () => app.more(name) },
      `Add ${title} ${app.counts.get(name) + 1}`,
    ),
  );
  replace(byId("histories"), cards);
  replace(byId("more"), more);
}

function card(app, chart, number) {
  const { name } = chart;
  const { state, events, deleted } = app.session.read(name, number);
  const selected = app.selected.chart === name && app.selected.history === number;
  const id = `history-${name}-${number}`;
  const news = app.news();
  const click = () => app.select(name, number);
  return h(
    "article",
    { class: "history", "aria-labelledby": id, "data-selected": selected },
    h(
      "h3",
      {},
      h(
        "button",
        { id, type: "button", "aria-pressed": String(selected), click },
        app.names.history(name, number),
      ),
    ),
    chart.keyedBy ? entries(app, chart, state) : plain(app, chart, state, deleted),
    events.length && events[0].parent !== EPOCH
      ? h("p", { class: "hint" }, "Older events were trimmed.")
      : "",
    events.length
      ? h(
          "ol",
          { class: "chain", "aria-label": "Events" },
          chain(app, chart, events, { id, news }),
        )
      : h("p", { class: "hint" }, deleted ? "The history was deleted." : "No event yet."),
  );
}

const badge = (state) => h("span", { class: "badge" }, state);

function plain(app, chart, state, deleted) {
  return [
    h("p", {}, badge(deleted ? DELETED : state.state)),
    facts(
      Object.entries(state.carried).map(([name, value]) => [
        name,
        carried(app, chart.carried.get(name).type, value, name),
      ]),
    ),
  ];
}

function carried(app, type, value, name) {
  if (type) return app.names.value(type, value, name);
  if (Array.isArray(value)) return value.length ? listed(value.map(record)) : "none";
  return value.event_id === EPOCH ? "empty" : record(value);
}

const listed = (texts) =>
  texts.length > LONGEST_RUN
    ? `${texts.length}: ${texts[0]}; …; ${texts.at(-1)}`
    : `${texts.length}: ${texts.join("; ")}`;

const record = ({ event_id: _, ...values }) =>
  Object.values(values)
    .map((each) => JSON.stringify(each))
    .join(" ");

const facts = (rows) =>
  rows.length
    ? h(
        "dl",
        {},
        rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
      )
    : "";

function entries(app, chart, state) {
  const type = app.keyOf(chart).type;
  const rows = [...state.entries].map(([key, entry]) =>
    h(
      "li",
      {},
      h("strong", {}, type === "uuid" ? app.names.uuid(key) : key),
      " ",
      badge(entry.state),
      facts(
        Object.entries(entry.carried).map(([name, value]) => [
          name,
          app.names.value(chart.carried.get(name).type, value, name),
        ]),
      ),
    ),
  );
  return rows.length
    ? h("ul", { class: "entries", "aria-label": "Entries" }, rows)
    : h("p", {}, badge("no entry"));
}

/** The events of a history; of a long run of one kind, what is in the middle is collapsed. */
function chain(app, chart, events, { id, news }) {
  const row = (event) => link(app, chart, event, news);
  const runs = [];
  for (const event of events) {
    if (runs.at(-1)?.[0].event === event.event) runs.at(-1).push(event);
    else runs.push([event]);
  }
  return runs.flatMap((run) => {
    if (run.length <= LONGEST_RUN) return run.map(row);
    const middle = run.slice(1, -1);
    const summary = `${middle.length} more ${run[0].event}`;
    const more = () => h("ol", { class: "chain" }, middle.map(row));
    return [
      row(run[0]),
      h("li", { class: "collapsed" }, details(app, `${id}-${run[0].id}`, summary, more)),
      row(run.at(-1)),
    ];
  });
}

/** One event of a chain: its name, what it says, its id, its parent's, and its bytes. */
function link(app, chart, event, news) {
  const { fields: declaredFields } = chart.events.get(event.event);
  const rows = Object.entries(event.fields).map(([name, value]) => {
    const field = declaredFields[name];
    return [name, field ? app.names.value(field.type, value, name) : `${value.length} listed`];
  });
  const isNew = news.has(event.id);
  return h(
    "li",
    { "data-new": isNew },
    h("strong", {}, event.event),
    isNew && h("span", { class: "new" }, " new"),
    facts(rows),
    h(
      "span",
      { class: "ids" },
      "id ",
      h("code", { title: event.id }, app.names.ulid(event.id)),
      " after ",
      h("code", { title: event.parent }, app.names.ulid(event.parent)),
    ),
    bytes(app, chart, event),
  );
}

/** An event's bytes in hexadecimal: each field is marked, and read where one points at it. */
function bytes(app, chart, event) {
  const fields = parts(chart, event);
  const count = fields.reduce((sum, { bytes: each }) => sum + each.length, 0);
  const make = () => {
    const first = `Point at a field, or move to it with Tab, to read it.`;
    const decoded = h("p", { class: "decoded hint" }, first);
    const marked = fields.map((field) => {
      const text = meaning(app, field);
      const show = ({ target }) => {
        for (const each of target.parentNode.children)
          each.classList.toggle("read", each === target);
        decoded.textContent = text;
      };
      return h(
        "button",
        { type: "button", "aria-label": text, mouseenter: show, focus: show, click: show },
        hex(field.bytes).join(" "),
      );
    });
    return h("div", {}, h("div", { class: "hex" }, marked), decoded);
  };
  return details(app, `bytes-${event.id}`, `${count} bytes`, make);
}

function meaning(app, { name, wire, type, value, means, bytes: field }) {
  const shown = ["uuid", "ulid"].includes(type) ? value : JSON.stringify(value);
  const words = means ?? (type === "uuid" && !shown.startsWith(app.names.uuid(value, name).slice(0, 4)) ? app.names.uuid(value, name) : "");
  const size = field.length === 1 ? "1 byte" : `${field.length} bytes`;
  return `${name}, field ${wire}, ${type}: ${shown}${words ? ` (${words})` : ""}. ${size}.`;
}
