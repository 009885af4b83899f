// The parts of the page, each drawn from the app's state: commands, answer, operations, the
// timeline, and the sequence so far.

import { byId, details, h, labelled, options, replace } from "./dom.mjs";
import { EPOCH } from "./ids.mjs";
import { fields } from "./forms.mjs";
import { NO_VC, RETRY } from "./journal.mjs";

/** So many of the last actions are listed, and the earlier ones are collapsed. */
const SHOWN = 8;
/** Marks that show by their shape what colours show, too. */
const SIGNS = { emit: "✓", rewrite: "✓", delete: "✓", noop: "=", reject: "✕" };

/** A decision in a few words. */
function described({ outcome, drafts, target, error }) {
  if (outcome === "reject") return `refused: ${error.name}`;
  if (outcome === "noop") return "changes nothing";
  if (outcome === "delete") return "deletes the history";
  const names = drafts.map(({ event }) => event).join(", ");
  if (outcome === "rewrite") return `rewrites the history: ${names}`;
  return `appends ${names} → ${target}`;
}

const signed = (outcome, text) => [
  h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[outcome]),
  ` ${text}`,
];

// --- Commands ------------------------------------------------------------------------------------

export function commands(app) {
  const { chart, history } = app.selected;
  const known = app.session.charts.get(chart);
  byId("commands-of").textContent = app.names.history(chart, history);
  const key = app.keyOf(known);
  const refresh = () => app.refresh();
  const asked = key ? fields(app, app.scope(), [key], refresh) : [];
  const forms = [...known.commands.values()].map((command) => {
    const { name, doc } = command;
    const submit = (event) => {
      event.preventDefault();
      app.tell(name);
    };
    return h(
      "form",
      { class: "command", id: `form-${name}`, submit },
      h(
        "div",
        { class: "head" },
        h("button", { id: `tell-${name}`, "aria-describedby": `would-${name} why-${name}` }, name),
        h("span", { class: "would", id: `would-${name}` }),
      ),
      h("p", { class: "hint why", id: `why-${name}` }),
      doc && h("p", { class: "hint" }, doc),
      h(
        "div",
        { class: "fields" },
        fields(app, app.scope(name), app.argsOf(known, command), refresh),
      ),
    );
  });
  replace(byId("commands"), h("div", { class: "fields" }, asked, versions(app)), forms);
}

/** Which version the next command asks for: none, or one of the history's. */
function versions(app) {
  const { events } = app.session.read(app.selected.chart, app.selected.history);
  const known = events.map(({ id }) => id).reverse();
  const choices = [
    { value: NO_VC, label: "any (no check)" },
    { value: RETRY, label: "any, tried again" },
    ...known.map((id, place) => ({
      value: id,
      label: `${app.names.ulid(id)} ${place ? "(old)" : "(head)"}`,
    })),
    { value: EPOCH, label: "the epoch (empty)" },
  ];
  const change = ({ target }) => {
    app.vid = target.value;
    app.refresh();
  };
  const select = h("select", { id: "vid", change }, options(choices, app.vid));
  return labelled("vid", "expected version", select);
}

/** Say at each command what it would do now, and why it would do nothing. */
export function previews(app) {
  const decisions = app.decisions();
  for (const [name, decision] of decisions) {
    byId(`form-${name}`).dataset.outcome = decision.outcome;
    replace(byId(`would-${name}`), signed(decision.outcome, described(decision)));
    const changes = !["noop", "reject"].includes(decision.outcome);
    const allowed = where(app, name, decision);
    replace(byId(`why-${name}`), changes ? "" : allowed.length ? allowed : reasons(decision));
  }
  const { chart, history } = app.selected;
  const legal = [...decisions]
    .filter(([, { outcome }]) => outcome !== "reject")
    .map(([name]) => name);
  const stands = app.standing();
  replace(
    byId("now"),
    h("strong", {}, app.names.history(chart, history)),
    stands.of ? ` has ${stands.of} in ` : " is in ",
    h("strong", { id: "current" }, stands.state),
    ".",
    h("span", { class: "legal" }, ` Legal here: ${legal.join(", ") || "nothing"}.`),
  );
}

// --- Answer --------------------------------------------------------------------------------------

export function answer(app) {
  const place = byId("answer");
  const { notice } = app;
  const last = app.session.results.length - 1;
  if (notice) {
    place.dataset.outcome = notice.outcome;
    replace(place, h("p", {}, notice.text));
    return;
  }
  if (last < 0) {
    place.dataset.outcome = "none";
    replace(place, h("p", {}, "Nothing has been sent yet. Send a command, or run an operation."));
    return;
  }
  const action = app.session.actions[last];
  const result = app.session.results[last];
  if (action.kind === "tell") {
    place.dataset.outcome = result.answer.outcome;
    const to = `${action.command} to ${app.names.history(action.chart, action.history)}: `;
    replace(
      place,
      h("p", {}, ...signed(result.answer.outcome, to), outcome(result.answer)),
      because(app, action, result.answer),
    );
    return;
  }
  place.dataset.outcome = endsBadly(result) ? "reject" : "emit";
  replace(
    place,
    h("p", {}, h("strong", {}, action.operation), `: ${endOf(action, result)}`),
    steps(app, result),
  );
}

function outcome({ outcome: kind, events, target, error }) {
  if (kind === "reject") return h("strong", {}, `refused, ${error.name}.`);
  if (kind === "noop") return h("strong", {}, "nothing to do.");
  if (kind === "delete") return h("strong", {}, "the history is deleted.");
  const names = events.map(({ event }) => event).join(", ");
  if (kind === "rewrite") return h("strong", {}, `the history is rewritten: ${names}.`);
  return h("strong", {}, `${names} appended. Now ${target}.`);
}

/** Where the command is allowed, the error's own words, the rule, and its prose. */
function because(app, { chart, command }, { rule, prose, error }) {
  const words = error && error.message !== prose ? `${capital(error.message)}. ` : "";
  const allowed = where(app, command, { error }, chart);
  return h("p", { class: "because" }, ...allowed, " ", words, ...reasons({ rule, prose }));
}

/** Where a command that was refused for the state is allowed. */
function where(app, command, { error }, name = app.selected.chart) {
  const chart = app.session.charts.get(name);
  if (error?.name !== chart.otherwise) return [];
  const { acts, rests } = chart.allowed(command);
  const list = (states) => states.map((state, place) => [place ? ", " : "", h("strong", {}, state)]).flat();
  return [
    ...(acts.length ? [`${command} is allowed in `, ...list(acts)] : [`${command} is allowed nowhere`]),
    ...(rests.length ? ["; it changes nothing in ", ...list(rests)] : []),
    ".",
  ];
}

/** The rule and its prose. */
const reasons = ({ rule, prose }) => [rule && h("code", {}, rule), rule ? ` ${prose}` : prose];

const endsBadly = ({ crashed, fault, refused }) => crashed || refused || Boolean(fault);

const capital = (text) => text[0].toUpperCase() + text.slice(1);

function endOf({ crash }, { crashed, fault, steps: ran }) {
  if (fault) return `refused, ${fault}.`;
  if (crashed)
    return crash
      ? `crashed after step ${crash}. Run it again to finish it.`
      : "crashed before the first step.";
  const refused = ran.find(({ answer: each }) => each?.error);
  return refused ? `step ${refused.number} was refused, ${refused.answer.error.name}.` : "done.";
}

const steps = (app, { steps: ran }) =>
  h(
    "ol",
    { class: "steps" },
    ran.map((each) => h("li", {}, endOfStep(app, each))),
  );

function endOfStep(app, { step, answer: each, hidden }) {
  if (!each) return [`${step.command}: not run.`];
  return [
    ...signed(each.outcome, `${step.command}: `),
    outcome(each),
    " ",
    ...(hidden && each.error
      ? ["The step sees nothing of this history, because it is not the one that is listed."]
      : where(app, step.command, each, step.chart)),
    " ",
    each.rule && h("code", {}, each.rule),
  ];
}

// --- Operations ----------------------------------------------------------------------------------

export function operations(app) {
  byId("operations-part").hidden = app.session.sets.size === 0;
  if (!app.session.sets.size) return;
  const operation = app.session.operation(app.chosen);
  const choices = [...app.session.sets.values()].flatMap((set) =>
    set.operations.map(({ name }) => ({ value: `${set.name}/${name}`, label: name })),
  );
  const change = ({ target }) => app.choose(target.value);
  const chosen = `${app.chosen.set}/${app.chosen.operation}`;
  const crashes = [
    { value: "", label: "run to the end" },
    { value: "0", label: "crash before step 1" },
    ...operation.steps.map((_, index) => ({
      value: String(index + 1),
      label: `crash after step ${index + 1}`,
    })),
  ];
  const last = app.session.actions.at(-1);
  const shown = last?.set === app.chosen.set && last.operation === app.chosen.operation;
  const ran = shown ? app.session.results.at(-1).steps : null;
  const crash = ({ target }) => {
    app.crash = target.value;
  };
  const submit = (event) => {
    event.preventDefault();
    app.run();
  };
  replace(
    byId("operations"),
    h(
      "form",
      { class: "operation", submit },
      h(
        "div",
        { class: "fields" },
        labelled(
          "operation",
          "operation",
          h("select", { id: "operation", change }, options(choices, chosen)),
        ),
        fields(app, app.operationScope(), Object.values(operation.arguments), () => {}),
        labelled(
          "crash",
          "how far",
          h("select", { id: "crash", change: crash }, options(crashes, app.crash)),
        ),
        h("p", { class: "field" }, h("button", { id: "run" }, `Run ${operation.name}`)),
      ),
      h("p", { class: "hint" }, operation.doc),
    ),
    h(
      "ol",
      { class: "steps" },
      operation.steps.map((step, index) => declared(app, step, ran?.[index])),
    ),
  );
}

/** A step as it is declared, and what came of it in the last action. */
function declared(app, { chart, command, doc }, ran) {
  const result =
    ran &&
    h("span", { class: "came", "data-outcome": ran.answer?.outcome ?? "skipped" }, endOfStep(app, ran));
  return h(
    "li",
    {},
    h("strong", {}, command),
    ` on ${app.session.charts.get(chart).title}. ${doc}`,
    result,
  );
}

// --- The sequence so far -------------------------------------------------------------------------

export function sequence(app) {
  const { actions, results } = app.session;
  const rows = actions.map((action, index) => {
    const result = results[index];
    if (action.kind === "run") {
      const sign = endsBadly(result) ? "reject" : "emit";
      return h("li", {}, ...signed(sign, `${action.operation}: ${endOf(action, result)}`));
    }
    const to = `${action.command} to ${app.names.history(action.chart, action.history)}`;
    return h("li", {}, ...signed(result.answer.outcome, `${to}: `), outcome(result.answer));
  });
  const { start } = app.session;
  replace(
    byId("sequence"),
    start ? h("p", {}, `${app.names.started(start)}.`) : "",
    earlier(app, rows),
    rows.length
      ? h("ol", { start: Math.max(1, rows.length - SHOWN + 1) }, rows.slice(-SHOWN))
      : h("p", { class: "hint" }, "Nothing yet."),
  );
}

function earlier(app, rows) {
  const before = rows.slice(0, -SHOWN);
  const make = () => h("ol", {}, before);
  return before.length ? details(app, "earlier", `${before.length} earlier`, make) : "";
}

// --- The timeline --------------------------------------------------------------------------------

export function timeline(app) {
  const { start, actions, undone } = app.session;
  const [done, all] = [actions.length, actions.length + undone.length];
  const range = byId("timeline");
  range.max = String(all);
  range.value = String(done);
  const last = actions.at(-1);
  const first = start ? app.names.snapshot(start) : "the beginning";
  const what = last ? (last.operation ?? last.command) : first;
  const text = all ? `${done} of ${all}: ${what}` : "Nothing is done yet";
  range.setAttribute("aria-valuetext", text);
  byId("place").textContent = text;
  const enabled = { undo: done > 0, redo: undone.length > 0, again: all > 0 || start !== null };
  for (const [id, on] of Object.entries(enabled)) byId(id).setAttribute("aria-disabled", String(!on));
}
