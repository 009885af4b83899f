// A chart's table: what each command does in each state, for a chart of the reader's own.

import { byId, h, replace } from "./dom.mjs";

const WORDS = {
  emit: ({ event }) => `+${event}`,
  noop: () => "= nothing",
  reject: ({ error }) => `✕ ${error.replace(/Error$/, "")}`,
  delete: () => "history deleted",
  rewrite: () => "history rewritten",
};

/**
 * Show a chart's table with the column of the current state marked, or none if chart is null.
 *
 * It stands below the diagram and the commands, or in the place of a diagram that was not drawn.
 */
export function showTable(chart, state, drawn) {
  const part = byId("table-part");
  part.hidden = chart === null;
  byId("table-section").hidden = chart === null || !drawn;
  if (chart === null) return;
  if (drawn) byId("table-section").append(part);
  else byId("scroller").after(part);
  const rows = [...chart.commands.keys()].flatMap((command) => {
    const cells = (same) => chart.columns.map((each) => chart.cell(command, same, each));
    const both = [cells(true), cells(false)];
    const differ = both[0].some((cell, place) => cell !== both[1][place]);
    const names = differ ? [`${command}, same`, `${command}, other`] : [command];
    return names.map((name, place) => row(name, both[place], state));
  });
  const heads = chart.columns.map((each) =>
    h("th", { scope: "col", "data-current": each === state }, each),
  );
  replace(
    byId("table"),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "command"), heads)),
    h("tbody", {}, rows),
  );
}

const row = (name, cells, state) =>
  h(
    "tr",
    {},
    h("th", { scope: "row" }, name),
    cells.map((cell) =>
      h(
        "td",
        { "data-outcome": cell?.outcome ?? "none", "data-current": cell?.state === state },
        cell ? WORDS[cell.outcome](cell) : "",
      ),
    ),
  );
