// Where a history starts of which the oldest events are gone: with a snapshot, which lists the
// entries that there were.
//
// A start is {chart, history, events}: a chart's name, a history's number, and the events of the
// snapshot.  The session writes it into the journal whenever it plays its actions from the
// beginning; all else reads it from there.

import { emptyState, evolve } from "./engine.mjs";
import { EPOCH } from "./ids.mjs";

const SNAPSHOT = /^begin( list)* end$/;

/** The start of a history with these events; null if the history is whole. */
export function startOf(chart, history, events) {
  if (!events.length || events[0].parent === EPOCH) return null;
  const kinds = events.map(({ event }) => chart.events.get(event).rewrite);
  const count = kinds.indexOf("end") + 1;
  const snapshot = SNAPSHOT.test(kinds.slice(0, count).join(" "));
  return snapshot ? { chart: chart.name, history, events: events.slice(0, count) } : null;
}

/** The state after a start's events. */
export const stateOf = (chart, { events }) =>
  events.reduce((before, event) => evolve(chart, before, event), emptyState(chart));

/** The entries that a start's snapshot lists, each as its fields by name. */
export const listedIn = (chart, { events }) =>
  events.flatMap(({ event, fields }) => {
    const { listing } = chart.events.get(event);
    return listing ? fields[listing.name] : [];
  });
