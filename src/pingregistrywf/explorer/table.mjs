// A chart's table: what each command does in each state, for a chart of the reader's own.

import { byId, h, replace } from "./dom.mjs";

const WORDS = {
  emit: ({ event }) => `+${event}`,
  noop: () => "= nothing",
  reject: ({ error }) => `✕ ${error.replace(/Error$/, "")}`,
  delete: () => "history deleted",
  rewrite: () => "history rewritten",
};

/** Show a chart's table with the column of the current state marked, or none if chart is null. */
export function showTable(chart, state) {
  byId("table-part").hidden = chart === null;
  if (chart === null) return;
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
