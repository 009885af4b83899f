// A sequence of actions in other forms: Python, adapter protocol 1, a conformance case.
//
// Another implementation draws other ids.  So an event id in the sequence is written as the
// variable or name that holds it there, and a version that is the head is left out.  Text from a
// link ends up in all three forms: each value is written as a literal, never as it is.

import { EPOCH, isUlid, isUuid } from "./ids.mjs";
import { NO_VC, RETRY } from "./journal.mjs";
import { snake } from "./names.mjs";
import { Session, idOf } from "./session.mjs";

/** The commands of a sequence; an operation stands for those of its steps that were run. */
function commandsOf(session) {
  return session.actions.flatMap((action, index) => {
    const result = session.results[index];
    if (action.kind === "tell") {
      const { chart, history, command, args, vid } = action;
      return [{ chart, id: idOf(chart, history), command, args, vid, answer: result.answer }];
    }
    const run = result.steps.filter(({ answer }) => answer);
    return run.map(({ step, sent, answer }) => {
      const { history: id, vid, args } = sent;
      return { chart: step.chart, id, command: step.command, args, vid, answer };
    });
  });
}

// --- Adapter protocol ----------------------------------------------------------------------------

function requestOf(session, { chart, id, command, args, vid }, head) {
  const place = session.charts.get(chart).keyedBy ? "index" : "workflow";
  const asked = vid === head ? NO_VC : vid;
  return {
    op: "exec",
    chart,
    [place]: id,
    command,
    args,
    ...(asked === NO_VC ? {} : { vid: asked }),
  };
}

/** Each command with its request, and the vid of its history before it. */
function requestsOf(session) {
  const heads = new Map();
  return commandsOf(session).map((sent) => {
    const history = `${sent.chart} ${sent.id}`;
    const head = heads.get(history) ?? EPOCH;
    heads.set(history, sent.answer.vid);
    return { ...sent, request: requestOf(session, sent, head) };
  });
}

/** The sequence as lines of adapter protocol 1, from hello to bye. */
export function adapterLines(session) {
  const [first] = session.charts.keys();
  const requests = [
    { op: "hello", protocol: 1, chart: first },
    ...requestsOf(session).map(({ request }) => request),
    { op: "bye" },
  ];
  return requests.map((request, id) => `${JSON.stringify({ id, ...request })}\n`).join("");
}

// --- Conformance case ----------------------------------------------------------------------------

/** The sequence as a case: what is sent and must be answered, with names for ids. */
export function conformanceCase(session, title) {
  const ids = {};
  const vids = new Map([[EPOCH, EPOCH]]);
  const uuids = new Map();
  const ref = (known, text, make) => {
    if (!known.has(text)) known.set(text, make());
    return known.get(text);
  };
  const plain = (value) => {
    if (isUuid(value)) {
      return ref(uuids, value, () => {
        const name = `id${uuids.size + 1}`;
        ids[name] = "uuid";
        return { $: name };
      });
    }
    if (isUlid(value)) return vids.get(value) ?? value;
    if (Array.isArray(value)) return value.map(plain);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
  };
  const states = new Map();
  const steps = requestsOf(session).map(({ chart, id, args, answer, request }) => {
    const { keyedBy, initial } = session.charts.get(chart);
    const place = `${chart} ${id} ${keyedBy ? args[keyedBy] : ""}`;
    const state = states.get(place) ?? initial;
    states.set(place, answer.target ?? state);
    const send = plain(request);
    for (const event of answer.events) ref(vids, event.id, () => ({ $: `vid${vids.size}` }));
    const { error } = answer;
    const expect = error
      ? { error: { code: error.name.replace(/Error$/, ""), ...plain(protocolFacts(error)) } }
      : { ok: { vid: plain(answer.vid), events: plain(answer.events) } };
    return { state, rule: answer.rule ?? "", send, expect };
  });
  const [chart] = session.charts.keys();
  const format = "pingregistrywf-case/1";
  return `${JSON.stringify({ format, title, chart, ids, define: {}, steps }, null, 2)}\n`;
}

/** Of an error's facts, those that the protocol has. */
const protocolFacts = ({ facts }) =>
  Object.fromEntries(
    Object.entries(facts).filter(([name]) => ["arg", "stored", "expected"].includes(name)),
  );

// --- Python --------------------------------------------------------------------------------------

const WRAPPED = ["VersionConflictError", "HistoryDeletedError"];

const CRASH = `
class Crash(Exception):
    """Stands for the death of the process."""


class CrashAfter:
    """Watches an operation, and crashes after a step; 0 is before the first."""

    def __init__(self, step):
        self.step = step

    def before(self, operation, number):
        if number == 1 and self.step == 0:
            raise Crash

    def after(self, operation, number):
        if number == self.step:
            raise Crash

`;

/** Writes the sequence as a Python program on the package's facades. */
class Python {
  constructor(session, model) {
    this.session = session;
    this.model = model;
    this.own = model.package === "pingregistrywf";
    this.imports = new Set(["open_journal"]);
    this.modules = new Set();
    this.ids = new Map();
    this.vids = new Map();
    this.replayed = new Session(model);
  }

  /** A name of the run time. */
  use(name) {
    this.imports.add(name);
    return name;
  }

  /** A name of a generated package. */
  of(package_, name) {
    if (this.own) return this.use(name);
    this.modules.add(package_);
    return `${package_}_package.${name}`;
  }

  facade(chart) {
    return snake(this.session.charts.get(chart).facade);
  }

  text() {
    const body = this.session.actions.map((action, index) => {
      const lines = action.kind === "tell" ? this.tell(action, index) : this.run(action, index);
      this.replayed.perform(action);
      return lines;
    });
    const crashes = this.session.actions.some(
      ({ kind, crash }) => kind === "run" && crash !== null,
    );
    const runs = this.session.actions.some(({ kind }) => kind === "run");
    const used = [...this.session.charts.keys()].filter(
      (chart) => runs || this.chartsUsed().has(chart),
    );
    const facades = used.map((chart) => {
      const { facade } = this.session.charts.get(chart);
      return `${snake(facade)} = ${this.of(chart, facade)}(journal)`;
    });
    const histories = this.histories().map(({ chart, id }) => [
      `for event in ${this.facade(chart)}.events(${this.uuid(id)}):`,
      "    print(type(event).__name__, event.id)",
    ]);
    const ids = [...this.ids].map(([text, name]) => `${name} = UUID(${literal(text)})`);
    const main = [
      ...facades,
      ...this.sets(runs),
      "",
      ...ids,
      "",
      ...body.flat(),
      "",
      ...histories.flat(),
    ];
    const imports = [...this.imports].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
    return [
      ...(ids.length ? ["from uuid import UUID", ""] : []),
      `from pingregistrywf import ${imports.join(", ")}`,
      ...[...this.modules].map(
        (name) => `from ${this.model.package} import ${name} as ${name}_package`,
      ),
      ...(crashes ? [CRASH] : [""]),
      'journal = open_journal("memory:")',
      ...main,
      "",
    ].join("\n");
  }

  sets(runs) {
    if (!runs) return [];
    const facades = [...this.session.charts.keys()].map((chart) => this.facade(chart));
    return [`facades = [${facades.join(", ")}]`];
  }

  chartsUsed() {
    return new Set(this.session.actions.map(({ chart }) => chart));
  }

  histories() {
    const sent = commandsOf(this.session);
    const seen = new Map(sent.map(({ chart, id }) => [`${chart} ${id}`, { chart, id }]));
    return [...seen.values()].filter(({ id }) => isUuid(id));
  }

  tell({ chart, history, command, args, vid }, index) {
    const declared = this.session.charts.get(chart).commands.get(command);
    const values = this.values(declared, args);
    const id = this.uuid(idOf(chart, history));
    const names = Object.keys(declared.arguments);
    const named = names.map((name, place) => `${name}=${values[place]}`).join(", ");
    const given = declared.starts
      ? [`${this.of(chart, `Cmd${command}`)}(${named})`]
      : [this.version(vid), ...values];
    const call = `${this.facade(chart)}.${declared.method}(${[id, ...given].join(", ")})`;
    const { answer } = this.session.results[index];
    if (answer.error) return this.refused(chart, call, answer);
    const name = `vid${index + 1}`;
    if (answer.events.length) this.vids.set(answer.vid, name);
    return [`${name} = ${call}  # ${outcomeOf(answer)}`];
  }

  run(action, index) {
    const operation = this.session.operation(action);
    const { steps, crashed, fault } = this.session.results[index];
    const args = this.values(operation, action.args);
    const observers = action.crash === null ? "" : `, observers=[CrashAfter(${action.crash})]`;
    const operations = `${this.of(action.set, "Operations")}.on(facades${observers})`;
    const call = `${operations}.${operation.name}(${args.join(", ")})`;
    const error = steps.map(({ answer }) => answer?.error).findLast(Boolean);
    if (crashed)
      return [
        "try:",
        `    ${call}`,
        "except Crash:",
        `    print("crashed after step ${action.crash}")`,
      ];
    const last = steps.findLast(({ answer }) => answer);
    if (fault || (error && last.step.on_refusal === "stop")) {
      const answer = fault
        ? { error: { name: "InvalidCommandError", message: fault }, rule: null }
        : last.answer;
      return this.refused(last?.step.chart, call, answer);
    }
    const name = `ran${index + 1}`;
    for (const { number, answer } of steps) {
      if (answer?.events.length) this.vids.set(answer.vid, `${name}.vids[${number}]`);
    }
    return [`${name} = ${call}`];
  }

  refused(chart, call, answer) {
    const { name, message } = answer.error;
    const own = chart && this.session.charts.get(chart).errors.get(name)?.own;
    const raised = WRAPPED.includes(name) ? "JournalError" : name;
    const error = own ? this.of(chart, raised) : this.use(raised);
    const comment = [...(answer.rule ? [answer.rule] : []), message]
      .join(": ")
      .replace(/\s+/g, " ");
    return ["try:", `    ${call}`, `except ${error} as error:`, `    print(error)  # ${comment}`];
  }

  /** The values of declared arguments, in their order, as Python. */
  values(declared, args) {
    const types = Object.values(declared.arguments);
    return types.map(({ name, type }) => this.value(type, args[name]));
  }

  value(type, value) {
    if (type === "uuid" && isUuid(value)) return this.uuid(value);
    if (type === "ulid" && isUlid(value)) return this.vid(value);
    return literal(value);
  }

  uuid(text) {
    if (!this.ids.has(text)) this.ids.set(text, `id${this.ids.size + 1}`);
    return this.ids.get(text);
  }

  version(vid) {
    return (
      { [NO_VC]: () => this.use("NO_VC"), [RETRY]: () => this.use("RETRY_NO_VC") }[vid]?.() ??
      this.vid(vid)
    );
  }

  /** An event id: the variable that holds it, or where it stands in a history. */
  vid(text) {
    if (text === EPOCH) return this.use("EPOCH");
    if (this.vids.has(text)) return this.vids.get(text);
    for (const { chart, id } of this.histories()) {
      const { events } = this.replayed.journal.read(this.session.charts.get(chart), id);
      const place = events.findIndex((event) => event.id === text);
      if (place >= 0) return `${this.facade(chart)}.events(${this.uuid(id)})[${place}].id`;
    }
    return `${this.use("Ulid")}.parse(${literal(text)})`;
  }
}

/** The sequence as a Python program. */
export const python = (session, model) => new Python(session, model).text();

/** Constants before classes before functions, as sorted imports have them. */
const rank = (name) => (/^[A-Z_]+$/.test(name) ? 0 : /^[A-Z]/.test(name) ? 1 : 2);

function literal(value) {
  if (value === true || value === false) return value ? "True" : "False";
  return value === null || value === undefined ? "None" : JSON.stringify(value);
}

function outcomeOf({ outcome, target, events, rule }) {
  const what = events.map(({ event }) => `+${event}`).join(" ") || outcome;
  return [what, target && `→ ${target}`, rule && `(${rule})`].filter(Boolean).join(" ");
}
