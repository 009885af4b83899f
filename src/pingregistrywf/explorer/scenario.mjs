// A sequence of actions as a scenario: a text of commands, each with its answer below it.
//
// A history has a name, and an event the name of its history and its number.  Where the product's
// words are not known here, the answer has a line of three dots, which the reader of scenarios
// fills in.

import { EPOCH, NIL, isUlid, isUuid } from "./ids.mjs";
import { NO_VC, RETRY } from "./journal.mjs";
import { idOf } from "./session.mjs";

/** The errors whose words are the same everywhere. */
const SAME_EVERYWHERE = ["StateConflictError", "ArgumentNotIdempotentError"];

class Scenario {
  constructor(session, names) {
    this.session = session;
    this.events = new Map([[EPOCH, "epoch"]]);
    this.uuids = new Map([[NIL, "nil"]]);
    this.numbers = new Map();
    for (const [chart, count] of names.counts) {
      const { keyedBy } = session.charts.get(chart);
      for (let number = 1; number <= count; number += 1)
        this.uuids.set(idOf(chart, number), `${keyedBy ? "index" : "wf"}${number}`);
    }
  }

  uuid(text, name) {
    if (!this.uuids.has(text)) {
      const word = name.replace(/_id$/, "");
      const others = [...this.uuids.values()].filter((each) => each.startsWith(word));
      this.uuids.set(text, `${word}${others.length + 1}`);
    }
    return this.uuids.get(text);
  }

  value(name, value) {
    if (isUuid(value)) return this.uuid(value, name);
    if (isUlid(value)) return this.events.get(value) ?? value;
    if (Array.isArray(value)) return `[${value.map((row) => this.row(row)).join("; ")}]`;
    return typeof value === "string" ? JSON.stringify(value) : String(value);
  }

  /** One listed entry. */
  row(row) {
    return Object.entries(row)
      .map(([name, value]) => this.value(name, value))
      .join(" ");
  }

  given(args) {
    return Object.entries(args).map(([name, value]) => `${name}=${this.value(name, value)}`);
  }

  /** The lines of the events that an answer appended; they get their names here. */
  appended(history, { outcome, events }) {
    if (outcome === "delete") return ["deleted"];
    const lines = events.map(({ event, id, parent, fields }) => {
      const number = (this.numbers.get(history) ?? 0) + 1;
      this.numbers.set(history, number);
      this.events.set(id, `${history}:${number}`);
      const listing = Object.values(fields).some(Array.isArray);
      const rest = listing ? ["…"] : this.given(fields);
      return ["+", this.events.get(id), "after", this.events.get(parent), event, ...rest].join(" ");
    });
    return lines.length ? lines : ["nothing appended"];
  }

  refused({ error }) {
    return SAME_EVERYWHERE.includes(error.name) ? `${error.name}: ${error.message}` : "…";
  }

  tell({ chart, history, command, args, vid }, { answer }) {
    const name = this.uuid(idOf(chart, history), chart);
    const { starts } = this.session.charts.get(chart).commands.get(command);
    const asked = { [NO_VC]: "none", [RETRY]: "retry" }[vid] ?? this.events.get(vid) ?? vid;
    const version = starts ? [] : [`vid=${asked}`];
    const unknown = Object.values({ vid: starts ? NO_VC : vid, ...args }).find(
      (each) => isUlid(each) && !this.events.has(each),
    );
    const line = ["tell", name, command, ...this.given(args), ...version].join(" ");
    if (unknown) return `# ${line}: it names an event that is in no history.`;
    if (answer.error) return [line, "----", this.refused(answer)].join("\n");
    const lines = this.appended(name, answer);
    if (answer.outcome !== "delete") lines.push(`at ${this.events.get(answer.vid)}`);
    return [line, "----", ...lines].join("\n");
  }

  run({ operation, args, crash }, { steps, fault }) {
    const line = ["run", operation, ...this.given(args), ...(crash ? [`stop=${crash}`] : [])];
    if (crash === 0) return `# ${line.join(" ")}: the process ended before the first step.`;
    if (fault) return `# ${line.join(" ")}: ${fault}`;
    const lines = [];
    const refused = [];
    for (const { number, step, sent, answer } of steps) {
      if (!answer) break;
      const history = this.uuid(sent.history, step.chart);
      lines.push(`step ${number}: ${step.command} of ${history}`);
      if (!answer.error) {
        lines.push(...this.appended(history, answer));
        if (number === crash) lines.push("the process ends here");
      } else if (step.on_refusal === "stop") lines.push(this.refused(answer));
      else refused.push("…");
    }
    return [line.join(" "), "----", ...lines, ...refused].join("\n");
  }
}

/** The sequence of a session as a scenario. */
export function scenario(session, names, title) {
  const written = new Scenario(session, names);
  const parts = session.actions.map((action, index) => written[action.kind](action, session.results[index]));
  return [`# ${title}`, ...parts, ""].join("\n\n").replace(/\n\n$/, "\n");
}
