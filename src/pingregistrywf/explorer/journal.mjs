// Histories in memory: checks arguments and versions, asks the engine, and appends events.
//
// A command happens whole or not at all.  There is one thread, so nobody ever loses a race: to
// retry and to expect no version are the same here.

import { decide, emptyState, evolve } from "./engine.mjs";
import { EPOCH, NIL, growing, isUlid, isUuid } from "./ids.mjs";

export const NO_VC = "no_vc";
export const RETRY = "retry_no_vc";

/** A history without events. */
export const emptyHistory = (chart) => ({ state: emptyState(chart), events: [], deleted: false });

/** The histories of any number of charts. */
export class Journal {
  /** @param draw gives a new ULID; it need not grow. */
  constructor(draw) {
    this.draw = draw;
    this.histories = new Map();
  }

  /** A history: {state, events, deleted}. */
  read(chart, id) {
    return this.histories.get(`${chart.name} ${id}`) ?? emptyHistory(chart);
  }

  /**
   * What the command would do now: a decision of the engine, or one that refuses before it.
   *
   * @param seen the history as the command sees it.
   */
  ask(chart, id, vid, command, args, seen = this.read(chart, id)) {
    const fault =
      chart.faultOf(command, args) ?? faultOfHistory(id) ?? faultOfVid(chart, command, vid);
    if (fault) return unasked("InvalidCommandError", `invalid command: ${fault}`);
    const { state, deleted } = seen;
    const versioned = isUlid(vid) && !chart.commands.get(command).starts;
    if (versioned && vid !== state.vid) return conflict(state.vid, vid);
    return decide(chart, state, command, args, deleted);
  }

  /**
   * Run a command: the decision, with the events appended and the vid after it.
   *
   * @param view what the command sees of the history.  If that is not the history as it is, the
   *   command may write nothing.
   */
  tell(chart, id, vid, command, args, view = (history) => history) {
    const history = this.read(chart, id);
    const seen = view(history);
    const decision = this.ask(chart, id, vid, command, args, seen);
    let { state, events } = seen;
    const writes = decision.drafts.length > 0 || decision.outcome === "delete";
    if (writes && seen !== history) {
      return { ...conflict(history.state.vid, state.vid), events: [], vid: state.vid };
    }
    if (decision.outcome === "delete") {
      this.keep(chart, id, { ...emptyHistory(chart), deleted: true });
      return { ...decision, events: [], vid: EPOCH };
    }
    const appended = [];
    for (const draft of decision.drafts) {
      const parent = appended.at(-1)?.id ?? state.vid;
      appended.push({
        event: draft.event,
        id: growing(this.draw(), parent),
        parent,
        fields: draft.fields,
      });
    }
    if (appended.length) {
      state = appended.reduce((before, event) => evolve(chart, before, event), state);
      this.keep(chart, id, { state, events: [...events, ...appended], deleted: false });
    }
    return { ...decision, events: appended, vid: state.vid };
  }

  keep(chart, id, history) {
    this.histories.set(`${chart.name} ${id}`, history);
  }
}

const unasked = (name, message, facts = {}) => ({
  outcome: "reject",
  target: null,
  rule: null,
  prose: "The chart was not asked.",
  drafts: [],
  error: { name, message, doc: "", facts },
});

const conflict = (stored, expected) =>
  unasked("VersionConflictError", `version conflict: stored ${stored}, expected ${expected}`, {
    stored,
    expected,
  });

const faultOfHistory = (id) =>
  isUuid(id) && id !== NIL ? null : "a history's id is a UUID that is not nil";

function faultOfVid(chart, command, vid) {
  if (chart.commands.get(command).starts || [NO_VC, RETRY].includes(vid) || isUlid(vid))
    return null;
  return "a vid is a ULID, no_vc or retry_no_vc";
}
