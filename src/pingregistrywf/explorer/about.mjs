// What a state means and allows, opened from the diagram.

import { byId, h, replace } from "./dom.mjs";
import { DELETED } from "./chart.mjs";
import { stateReference } from "./frame.mjs";

/** Open the dialog about a state; `way` is how the history at hand gets there, null if it cannot. */
export function about(app, state, way) {
  const { chart: name, history } = app.selected;
  const chart = app.session.charts.get(name);
  const of = app.names.history(name, history);
  const cells = [...chart.commands.keys()]
    .map((command) => chart.cell(command, true, state))
    .filter((cell) => cell && cell.outcome !== "reject");
  const refused = [...chart.commands.keys()].filter(
    (command) => !cells.some((cell) => cell.command === command),
  );
  const row = ({ command, outcome, event, target }) => {
    const what = { noop: "changes nothing", delete: "deletes the history" }[outcome];
    return h("li", {}, h("strong", {}, command), ` ${what ?? `appends ${event} → ${target}`}`);
  };
  const go = () => {
    byId("about").close();
    app.go(way);
  };
  const words = {
    null: `No way leads there from the state of ${of}.`,
    0: `${of} is in this state.`,
  };
  const reference = stateReference(app.model, name, state);
  replace(
    byId("about"),
    h("h2", { id: "about-title" }, state),
    h("p", {}, state === DELETED ? "The history was deleted." : chart.states.get(state).doc),
    cells.length ? h("ul", {}, cells.map(row)) : h("p", {}, "No command does anything here."),
    refused.length && h("p", { class: "hint" }, `Refused here: ${refused.join(", ")}.`),
    way?.length
      ? h("p", { class: "hint" }, `The shortest way for ${of}: ${way.join(", ")}.`)
      : h("p", { class: "hint" }, words[way ? 0 : null]),
    reference && h("p", {}, h("a", { href: reference, target: "_top" }, `${state} in the reference`)),
    h(
      "p",
      { class: "tools" },
      way?.length && h("button", { type: "button", id: "go", click: go }, `Take ${of} there`),
      h("button", { type: "button", id: "about-close", click: () => byId("about").close() }, "Close"),
    ),
  );
  byId("about").showModal();
}
