// The bytes of the explorer's events: node bytes.mjs JOB
//
// The job is JSON: {charts, do}, with documents as in chart.json.  What is done is
// [chart, history, command, args].  Prints, for each event that is appended, {chart, event, hex}.

import { Chart } from "../../src/pingregistrywf/explorer/chart.mjs";
import { growing } from "../../src/pingregistrywf/explorer/ids.mjs";
import { Journal, NO_VC } from "../../src/pingregistrywf/explorer/journal.mjs";
import { hex, parts } from "../../src/pingregistrywf/explorer/wire.mjs";

const job = JSON.parse(process.argv[2]);
const charts = new Map(job.charts.map((each) => [each.name, new Chart(each)]));
let drawn = "01ARYZ6S2CDCQ8YBGT5CY4TQKF";
const journal = new Journal(() => (drawn = growing(drawn, drawn)));
const made = job.do.flatMap(([name, history, command, args]) => {
  const chart = charts.get(name);
  const { events } = journal.tell(chart, history, NO_VC, command, args);
  return events.map((event) => {
    const bytes = parts(chart, event).flatMap((part) => part.bytes);
    return { chart: name, event, hex: hex(bytes).join("") };
  });
});
console.log(JSON.stringify(made));
