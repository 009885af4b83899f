// The parts of the page, each drawn from the app's state: commands, answer, histories, operations,
// and the sequence so far.

import { DELETED } from "./chart.mjs";
import { byId, h, labelled, options, replace } from "./dom.mjs";
import { EPOCH } from "./ids.mjs";
import { fields } from "./forms.mjs";
import { NO_VC, RETRY } from "./journal.mjs";

/** Marks that show by their shape what colours show, too. */
const SIGNS = { emit: "✓", rewrite: "✓", delete: "✓", noop: "=", reject: "✕" };

/** A decision in a few words. */
function described({ outcome, drafts, target, error }) {
  if (outcome === "reject") return `refused: ${error.name}`;
  if (outcome === "noop") return "changes nothing";
  if (outcome === "delete") return "deletes the history";
  const names = drafts.map(({ event }) => event).join(", ");
  if (outcome === "rewrite") return `rewrites the history: ${names}`;
  return `appends ${names} → ${target}`;
}

const signed = (outcome, text) => [
  h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[outcome]),
  ` ${text}`,
];

// --- Commands ------------------------------------------------------------------------------------

export function commands(app) {
  const { chart, history } = app.selected;
  const known = app.session.charts.get(chart);
  byId("commands-of").textContent = app.names.history(chart, history);
  const key = app.keyOf(known);
  const refresh = () => app.refresh();
  const asked = key ? fields(app, app.scope(), [key], refresh) : [];
  const forms = [...known.commands.values()].map((command) => {
    const { name, doc } = command;
    const submit = (event) => {
      event.preventDefault();
      app.tell(name);
    };
    return h(
      "form",
      { class: "command", id: `form-${name}`, submit },
      h(
        "div",
        { class: "head" },
        h("button", { id: `tell-${name}`, "aria-describedby": `would-${name} why-${name}` }, name),
        h("span", { class: "would", id: `would-${name}` }),
      ),
      h("p", { class: "hint why", id: `why-${name}` }),
      doc && h("p", { class: "hint" }, doc),
      h(
        "div",
        { class: "fields" },
        fields(app, app.scope(name), app.argsOf(known, command), refresh),
      ),
    );
  });
  replace(byId("commands"), h("div", { class: "fields" }, asked, versions(app)), forms);
}

/** Which version the next command asks for: none, or one of the history's. */
function versions(app) {
  const { events } = app.session.read(app.selected.chart, app.selected.history);
  const known = events.map(({ id }) => id).reverse();
  const choices = [
    { value: NO_VC, label: "any (no check)" },
    { value: RETRY, label: "any, tried again" },
    ...known.map((id, place) => ({
      value: id,
      label: `${app.names.ulid(id)} ${place ? "(old)" : "(head)"}`,
    })),
    { value: EPOCH, label: "the epoch (empty)" },
  ];
  const change = ({ target }) => {
    app.vid = target.value;
    app.refresh();
  };
  const select = h("select", { id: "vid", change }, options(choices, app.vid));
  return labelled("vid", "expected version", select);
}

/** Say at each command what it would do now, and why it would do nothing. */
export function previews(app) {
  const decisions = app.decisions();
  for (const [name, decision] of decisions) {
    byId(`form-${name}`).dataset.outcome = decision.outcome;
    replace(byId(`would-${name}`), signed(decision.outcome, described(decision)));
    const changes = !["noop", "reject"].includes(decision.outcome);
    replace(byId(`why-${name}`), changes ? "" : reasons(decision));
  }
  const { chart, history } = app.selected;
  const legal = [...decisions]
    .filter(([, { outcome }]) => outcome !== "reject")
    .map(([name]) => name);
  const stands = app.standing();
  replace(
    byId("now"),
    h("strong", {}, app.names.history(chart, history)),
    stands.of ? ` has ${stands.of} in ` : " is in ",
    h("strong", { id: "current" }, stands.state),
    `. Legal here: ${legal.join(", ") || "nothing"}.`,
  );
}

// --- Answer --------------------------------------------------------------------------------------

export function answer(app) {
  const place = byId("answer");
  const { notice } = app;
  const last = app.session.results.length - 1;
  if (notice) {
    place.dataset.outcome = notice.outcome;
    replace(place, h("p", {}, notice.text));
    return;
  }
  if (last < 0) {
    place.dataset.outcome = "none";
    replace(place, h("p", {}, "Nothing has been sent yet. Send a command, or run an operation."));
    return;
  }
  const action = app.session.actions[last];
  const result = app.session.results[last];
  if (action.kind === "tell") {
    place.dataset.outcome = result.answer.outcome;
    const to = `${action.command} to ${app.names.history(action.chart, action.history)}: `;
    replace(
      place,
      h("p", {}, ...signed(result.answer.outcome, to), outcome(result.answer)),
      because(result.answer),
    );
    return;
  }
  place.dataset.outcome = result.crashed || result.fault ? "reject" : "emit";
  replace(
    place,
    h("p", {}, h("strong", {}, action.operation), `: ${endOf(action, result)}`),
    steps(result),
  );
}

function outcome({ outcome: kind, events, target, error }) {
  if (kind === "reject") return h("strong", {}, `refused, ${error.name}.`);
  if (kind === "noop") return h("strong", {}, "nothing to do.");
  if (kind === "delete") return h("strong", {}, "the history is deleted.");
  const names = events.map(({ event }) => event).join(", ");
  if (kind === "rewrite") return h("strong", {}, `the history is rewritten: ${names}.`);
  return h("strong", {}, `${names} appended. Now ${target}.`);
}

/** The error's own words, the rule, and its prose. */
function because({ rule, prose, error }) {
  const words = error && error.message !== prose ? `${capital(error.message)}. ` : "";
  return h("p", { class: "because" }, words, reasons({ rule, prose }));
}

/** The rule and its prose. */
const reasons = ({ rule, prose }) => [rule && h("code", {}, rule), rule ? ` ${prose}` : prose];

const capital = (text) => text[0].toUpperCase() + text.slice(1);

function endOf({ crash }, { crashed, fault, steps: ran }) {
  if (fault) return `refused, ${fault}.`;
  if (crashed)
    return crash
      ? `crashed after step ${crash}. Run it again to finish it.`
      : "crashed before the first step.";
  const refused = ran.find(({ answer: each }) => each?.error);
  return refused ? `step ${refused.number} was refused, ${refused.answer.error.name}.` : "done.";
}

const steps = ({ steps: ran }) =>
  h(
    "ol",
    { class: "steps" },
    ran.map((each) => h("li", {}, endOfStep(each))),
  );

function endOfStep({ step, answer: each }) {
  if (!each) return [`${step.command}: not run.`];
  return [
    ...signed(each.outcome, `${step.command}: `),
    outcome(each),
    " ",
    each.rule && h("code", {}, each.rule),
  ];
}

// --- Histories -----------------------------------------------------------------------------------

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
    events.length
      ? h(
          "ol",
          { class: "chain", "aria-label": "Events" },
          events.map((event) => link(app, chart, event, news)),
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
  if (Array.isArray(value))
    return value.length ? `${value.length}: ${value.map(record).join("; ")}` : "none";
  return value.event_id === EPOCH ? "empty" : record(value);
}

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

/** One event of a chain: its name, what it says, its id, and its parent's. */
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
  );
}

// --- Operations ----------------------------------------------------------------------------------

export function operations(app) {
  byId("operations-part").hidden = app.session.sets.size === 0;
  if (!app.session.sets.size) return;
  const operation = app.session.operation(app.chosen);
  const choices = [...app.session.sets.values()].flatMap((set) =>
    set.operations.map(({ name }) => ({ value: `${set.name}/${name}`, label: name })),
  );
  const change = ({ target }) => app.choose(target.value);
  const chosen = `${app.chosen.set}/${app.chosen.operation}`;
  const crashes = [
    { value: "", label: "run to the end" },
    { value: "0", label: "crash before step 1" },
    ...operation.steps.map((_, index) => ({
      value: String(index + 1),
      label: `crash after step ${index + 1}`,
    })),
  ];
  const last = app.session.actions.at(-1);
  const shown = last?.set === app.chosen.set && last.operation === app.chosen.operation;
  const ran = shown ? app.session.results.at(-1).steps : null;
  const crash = ({ target }) => {
    app.crash = target.value;
  };
  const submit = (event) => {
    event.preventDefault();
    app.run();
  };
  replace(
    byId("operations"),
    h(
      "form",
      { class: "operation", submit },
      h(
        "div",
        { class: "fields" },
        labelled(
          "operation",
          "operation",
          h("select", { id: "operation", change }, options(choices, chosen)),
        ),
        fields(app, app.operationScope(), Object.values(operation.arguments), () => {}),
        labelled(
          "crash",
          "how far",
          h("select", { id: "crash", change: crash }, options(crashes, app.crash)),
        ),
        h("p", { class: "field" }, h("button", { id: "run" }, `Run ${operation.name}`)),
      ),
      h("p", { class: "hint" }, operation.doc),
    ),
    h(
      "ol",
      { class: "steps" },
      operation.steps.map((step, index) => declared(app, step, ran?.[index])),
    ),
  );
}

/** A step as it is declared, and what came of it in the last action. */
function declared(app, { chart, command, doc }, ran) {
  const result =
    ran &&
    h("span", { class: "came", "data-outcome": ran.answer?.outcome ?? "skipped" }, endOfStep(ran));
  return h(
    "li",
    {},
    h("strong", {}, command),
    ` on ${app.session.charts.get(chart).title}. ${doc}`,
    result,
  );
}

// --- The sequence so far -------------------------------------------------------------------------

export function sequence(app) {
  const { actions, results } = app.session;
  const rows = actions.map((action, index) => {
    const result = results[index];
    if (action.kind === "run") return h("li", {}, `${action.operation}: ${endOf(action, result)}`);
    const to = `${action.command} to ${app.names.history(action.chart, action.history)}`;
    return h("li", {}, ...signed(result.answer.outcome, `${to}: `), outcome(result.answer));
  });
  replace(
    byId("sequence"),
    rows.length ? h("ol", {}, rows) : h("p", { class: "hint" }, "Nothing yet."),
  );
  for (const id of ["undo", "again"])
    byId(id).setAttribute("aria-disabled", String(!actions.length));
}
