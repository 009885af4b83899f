// Runs declared operations of several steps, to their end or to a crash between two steps.
//
// An operation has no loops and no conditions.  A crash leaves what the steps before it wrote, as
// the death of a process does.  Running the operation again finishes it.

import { faultOf } from "./chart.mjs";
import { EPOCH } from "./ids.mjs";
import { NO_VC, RETRY } from "./journal.mjs";

/** Errors that are not the chart's refusals: after them, no operation goes on. */
const NOT_THE_CHARTS = ["InvalidCommandError", "VersionConflictError", "HistoryDeletedError"];

/**
 * Run an operation.
 *
 * @param charts the charts by name.
 * @param journal where the histories are.
 * @param operation its declaration: {arguments, steps}.
 * @param args its arguments by name.
 * @param crash the step after which to crash, 0 before the first; null to run to the end.
 * @returns {steps, crashed, fault}: for each step {number, step, answer}, the answer null if it was
 *   not run.
 */
export function run(charts, journal, operation, args, crash = null) {
  const steps = operation.steps.map((step, index) => ({ number: index + 1, step, answer: null }));
  const fault = faultOf(operation.arguments, args);
  if (fault) return { steps, crashed: false, fault };
  const vids = [];
  for (const each of steps) {
    if (crash === each.number - 1) return { steps, crashed: true, fault };
    const { step } = each;
    const sent = { history: args[step.history], vid: vidOf(step, vids), args: {} };
    for (const [name, source] of Object.entries(step.sources)) {
      sent.args[name] = valueOfSource(source, args, vids);
    }
    const { history, vid } = sent;
    each.sent = sent;
    each.answer = journal.tell(charts.get(step.chart), history, vid, step.command, sent.args);
    vids.push(each.answer.vid);
    const { error } = each.answer;
    const stops = step.on_refusal === "stop" || (error && NOT_THE_CHARTS.includes(error.name));
    if (error && (stops || step.on_refusal === "done")) return { steps, crashed: false, fault };
  }
  return { steps, crashed: crash === steps.length, fault };
}

function valueOfSource(source, args, vids) {
  if ("argument" in source) return args[source.argument];
  return "step" in source ? (vids[source.step - 1] ?? EPOCH) : source.constant;
}

function vidOf(step, vids) {
  if (typeof step.vid === "object") return vids[step.vid.step - 1] ?? NO_VC;
  return { given: RETRY, retry: RETRY, none: NO_VC }[step.vid];
}
