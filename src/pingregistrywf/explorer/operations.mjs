// Runs declared operations of several steps, to their end or to a crash between two steps.
//
// An operation has no loops and no conditions.  A crash leaves what the steps before it wrote, as
// the death of a process does.  Running the operation again finishes it.

import { faultOf } from "./chart.mjs";
import { EPOCH } from "./ids.mjs";
import { NO_VC, RETRY, emptyHistory } from "./journal.mjs";

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
 * @returns {steps, crashed, fault, refused}: for each step {number, step, answer}, the answer null if
 *   it was not run, and hidden if the step saw nothing of its history; refused is true if a refusal
 *   stopped the operation.
 */
export function run(charts, journal, operation, args, crash = null) {
  const steps = operation.steps.map((step, index) => ({ number: index + 1, step, answer: null }));
  const refused = false;
  const fault = faultOf(operation.arguments, args);
  if (fault) return { steps, crashed: false, fault, refused };
  const vids = [];
  const viewOf = views(charts, journal, operation, args);
  for (const each of steps) {
    if (crash === each.number - 1) return { steps, crashed: true, fault, refused };
    const { step } = each;
    const sent = { history: args[step.history], vid: vidOf(step, vids), args: {} };
    for (const [name, source] of Object.entries(step.sources)) {
      sent.args[name] = valueOfSource(source, args, vids);
    }
    const { history, vid } = sent;
    each.sent = sent;
    const chart = charts.get(step.chart);
    const view = viewOf(step);
    const seen = (stored) => {
      const viewed = view(stored);
      each.hidden = viewed !== stored;
      return viewed;
    };
    each.answer = journal.tell(chart, history, vid, step.command, sent.args, seen);
    vids.push(each.answer.vid);
    const { error } = each.answer;
    const stops = step.on_refusal === "stop" || (error && NOT_THE_CHARTS.includes(error.name));
    if (error && (stops || step.on_refusal === "done"))
      return { steps, crashed: false, fault, refused: stops };
  }
  return { steps, crashed: crash === steps.length, fault, refused };
}

/**
 * What each step sees of its history.
 *
 * An operation that is about a history that is listed sees nothing of another one of its id, where
 * it first meets it.
 */
function views(charts, journal, { about }, args) {
  if (!about) return () => (history) => history;
  const key = args[about.entry];
  const listed = ({ state }) => state.entries.get(key)?.carried[about.began_with] ?? EPOCH;
  const before = journal.read(charts.get(about.chart), args[about.history]);
  const same = [listed(before), EPOCH];
  const without = ({ state, ...history }) => {
    const entries = new Map(state.entries);
    entries.delete(key);
    return { ...history, state: { ...state, entries } };
  };
  return (step) => (history) => {
    if (!step.incarnation) return history;
    if (step.history === about.entry) {
      const began = history.events[0]?.id ?? EPOCH;
      return same.includes(began) ? history : emptyHistory(charts.get(step.chart));
    }
    return same.includes(listed(history)) ? history : without(history);
  };
}

function valueOfSource(source, args, vids) {
  if ("argument" in source) return args[source.argument];
  return "step" in source ? (vids[source.step - 1] ?? EPOCH) : source.constant;
}

function vidOf(step, vids) {
  if (typeof step.vid === "object") return vids[step.vid.step - 1] ?? NO_VC;
  return { given: RETRY, retry: RETRY, none: NO_VC }[step.vid];
}
