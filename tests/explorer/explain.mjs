// Explains commands with the explorer's engine: node explain.mjs CHART ASKS
//
// CHART is a file like chart.json.  ASKS is JSON: a list of {state, command, args}, with states as in
// engine.mjs, but for the entries of a keyed chart, which are a list of pairs.  Prints for each ask
// the outcome, the rule, the prose, the events and the error.

import { readFileSync } from "node:fs";
import { Chart } from "../../src/pingregistrywf/explorer/chart.mjs";
import { decide } from "../../src/pingregistrywf/explorer/engine.mjs";

const chart = new Chart(JSON.parse(readFileSync(process.argv[2], "utf-8")));
const answers = JSON.parse(process.argv[3]).map(({ state, command, args }) => {
  const known = state.entries ? { ...state, entries: new Map(state.entries) } : state;
  const { outcome, rule, prose, drafts, error } = decide(chart, known, command, args);
  const events = drafts.map(({ event }) => event);
  return { outcome, rule, reason: prose, events, error: error?.name ?? null };
});
console.log(JSON.stringify(answers));
