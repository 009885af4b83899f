// Controls for arguments, by their types alone, with values that make sense at once.
//
// What was chosen is kept in `app.drafts`, so that it outlives a new drawing of the page; what was
// not chosen follows the histories: the newest event of the workflow at hand, the next message.

import { ZERO } from "./chart.mjs";
import { h, labelled, options } from "./dom.mjs";
import { EPOCH, NIL } from "./ids.mjs";
import { madeUp } from "./session.mjs";

/** The values of the declared arguments, as they stand in the controls of a scope. */
export const valuesOf = (app, scope, declared) =>
  Object.fromEntries(declared.map((arg) => [arg.name, valueOf(app, scope, arg)]));

export function valueOf(app, scope, arg) {
  const draft = app.drafts.get(`${scope}-${arg.name}`);
  const choices = choicesOf(app, arg);
  if (draft !== undefined && (!choices || choices.some(({ value }) => value === draft)))
    return draft;
  return choices ? choices[0].value : ordinary(app, scope, arg);
}

/** A value that differs from the one in the control of an argument. */
export function otherValue(app, scope, arg) {
  const value = valueOf(app, scope, arg);
  const choices = choicesOf(app, arg);
  if (choices) return choices.find((each) => each.value !== value).value;
  return { string: `other ${arg.name}`, int32: value + 1, bool: !value }[arg.type];
}

/** An ordinary value of a type. */
function ordinary(app, scope, { name, type, nonzero }) {
  const { keyedBy } = app.session.charts.get(app.selected.chart);
  if (type === "string") return `${name} ${name === keyedBy ? 1 : timesDone(app, scope) + 1}`;
  return nonzero && type === "int32" ? 1 : ZERO[type];
}

/** How often the command or operation of a scope has changed something. */
function timesDone(app, scope) {
  const { actions, results } = app.session;
  const changed = ({ answer, steps }) =>
    answer ? answer.events.length > 0 : steps.some((step) => step.answer?.events.length);
  return actions.filter((each, place) => scopeOf(each) === scope && changed(results[place])).length;
}

const scopeOf = ({ kind, chart, history, command, set, operation }) =>
  kind === "tell" ? `${chart}-${history}-${command}` : `${set}-${operation}`;

/** The ids that may be chosen, the likeliest first; null for types that are written. */
function choicesOf(app, arg) {
  const nothing = (value, label) => (arg.nonzero ? [] : [{ value, label }]);
  if (arg.type === "uuid") {
    const known = app.names.uuids(arg.name);
    const more = app.session
      .valuesOf(arg.name)
      .filter((id) => id !== NIL && !known.some(({ value }) => value === id));
    const others = more.map((value) => ({ value, label: value }));
    return [...others, ...known, ...nothing(NIL, "nil")];
  }
  if (arg.type !== "ulid") return null;
  const made = madeUp(arg.name, 1);
  return [
    ...app
      .eventsAbout()
      .map(({ id, event }) => ({ value: id, label: `${event} ${app.names.ulid(id)}` })),
    { value: made, label: `made up ${app.names.ulid(made)}` },
    ...nothing(EPOCH, "the epoch"),
  ];
}

/** A labelled control for each argument; `changed` is called when one is. */
export function fields(app, scope, declared, changed) {
  return declared.map((arg) => {
    const id = `${scope}-${arg.name}`;
    const keep = (value) => {
      app.drafts.set(id, value);
      changed();
    };
    return labelled(id, arg.name, control(app, id, arg, valueOf(app, scope, arg), keep), arg.doc);
  });
}

function control(app, id, arg, value, keep) {
  const named = { id, name: arg.name, "aria-describedby": arg.doc ? `${id}-hint` : null };
  const choices = choicesOf(app, arg);
  if (choices) {
    return h(
      "select",
      { ...named, change: ({ target }) => keep(target.value) },
      options(choices, value),
    );
  }
  if (arg.type === "bool") {
    const change = ({ target }) => keep(target.checked);
    return h("input", { ...named, type: "checkbox", checked: value === true, change });
  }
  // Text that is no number goes to the engine as it is, and is refused there.
  const read = (text) => (arg.type === "int32" && /^[+-]?\d+$/.test(text) ? Number(text) : text);
  const mode = arg.type === "int32" ? { inputmode: "numeric", class: "number" } : {};
  const input = ({ target }) => keep(read(target.value));
  return h("input", {
    ...named,
    ...mode,
    type: "text",
    autocomplete: "off",
    value: String(value),
    input,
  });
}
