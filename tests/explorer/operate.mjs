// Runs operations and commands on the explorer's journal: node operate.mjs JOB
//
// The job is JSON: {charts, operations, do}, with documents as in chart.json and operations.json.
// What is done is [operation, args] or [chart, history, command, args].  Prints, for each, the error
// of each step that was run, or null; and in the end how many events each history has.

import { Chart } from "../../src/pingregistrywf/explorer/chart.mjs";
import { growing } from "../../src/pingregistrywf/explorer/ids.mjs";
import { Journal, NO_VC } from "../../src/pingregistrywf/explorer/journal.mjs";
import { run } from "../../src/pingregistrywf/explorer/operations.mjs";

const job = JSON.parse(process.argv[2]);
const charts = new Map(job.charts.map((each) => [each.name, new Chart(each)]));
let drawn = "01ARYZ6S2CDCQ8YBGT5CY4TQKF";
const journal = new Journal(() => (drawn = growing(drawn, drawn)));
const errors = job.do.map(([name, ...rest]) => {
  const operation = job.operations.operations[name];
  const answers = operation
    ? run(charts, journal, operation, rest[0]).steps.map(({ answer }) => answer)
    : [journal.tell(charts.get(name), rest[0], NO_VC, rest[1], rest[2])];
  return answers.filter((answer) => answer).map(({ error }) => error?.name ?? null);
});
const counts = [...journal.histories].map(([name, { events }]) => [name, events.length]);
console.log(JSON.stringify({ errors, counts: Object.fromEntries(counts) }));
