// Runs declared operations of several steps, to their end or to a crash between two steps.
//
// An operation has no loops and no conditions.  A crash leaves what the steps before it wrote, as
// the death of a process does; running the operation again finishes it.

import { faultOf } from "./chart.mjs";
import { EPOCH } from "./ids.mjs";
import { NO_VC, RETRY } from "./journal.mjs";

/** Errors that are no refusal of the chart's, after which no operation goes on. */
const NOT_THE_CHARTS = ["InvalidCommandError", "VersionConflictError", "HistoryDeletedError"];

/**
 * Run an operation.
 *
 * @param charts the charts by name.
 * @param journal where the histories are.
 * @param operation its declaration: {args, steps}.
 * @param args its arguments by name.
 * @param crash the step after which to crash, 0 before the first; null to run to the end.
 * @returns {steps, crashed, fault}: for each step {number, step, answer}, the answer null if it was
 *   not run.
 */
export function run(charts, journal, operation, args, crash = null) {
  const steps = operation.steps.map((step, index) => ({ number: index + 1, step, answer: null }));
  const fault = faultOf(operation.args, args);
  if (fault) return { steps, crashed: false, fault };
  const vids = [];
  for (const each of steps) {
    if (crash === each.number - 1) return { steps, crashed: true, fault };
    const { step } = each;
    const chart = charts.get(step.chart);
    const told = commandArgs(chart, step, args, vids);
    each.told = { history: args[step.history], vid: vidOf(step, vids), args: told };
    each.answer = journal.tell(chart, each.told.history, each.told.vid, step.command, told);
    vids.push(each.answer.vid);
    const { error } = each.answer;
    const stops = step.on_refusal === "stop" || (error && NOT_THE_CHARTS.includes(error.name));
    if (error && (stops || step.on_refusal === "done")) return { steps, crashed: false, fault };
  }
  return { steps, crashed: crash === steps.length, fault };
}

function commandArgs(chart, step, args, vids) {
  const take = (source) => {
    if (typeof source === "string") return args[source];
    return "step" in source ? (vids[source.step - 1] ?? EPOCH) : source.constant;
  };
  const names = chart.commands.get(step.command).args.map(({ name }) => name);
  return Object.fromEntries(names.map((name) => [name, take(step.args[name] ?? name)]));
}

function vidOf(step, vids) {
  if (typeof step.vid === "object") return vids[step.vid.step - 1] ?? NO_VC;
  return { given: RETRY, retry: RETRY, none: NO_VC }[step.vid];
}
