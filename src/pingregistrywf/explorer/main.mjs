// The page: what is selected, and what happens when somebody sends, runs, undoes, shares or copies.

import { DELETED } from "./chart.mjs";
import { adapterLines, conformanceCase, python } from "./copy.mjs";
import { about } from "./about.mjs";
import { listen, show, showOwn, travel } from "./diagram.mjs";
import { OWN_DRAWING } from "./drawing.mjs";
import { byId, h, replace } from "./dom.mjs";
import { entryOf } from "./engine.mjs";
import { otherValue, valueOf, valuesOf } from "./forms.mjs";
import { address, followScheme } from "./frame.mjs";
import { NO_VC } from "./journal.mjs";
import { actionsOfRecorded } from "./recorded.mjs";
import { scenario } from "./scenario.mjs";
import { drawn, mermaid, story, svgFile } from "./story.mjs";
import { LinkError, MOST, decode, encode, operationOf, placeOf } from "./link.mjs";
import { Names } from "./names.mjs";
import { ChartFileError, pack, readChart, unpack } from "./own.mjs";
import { showTable } from "./table.mjs";
import { histories } from "./histories.mjs";
import { answer, commands, operations, previews, sequence, timeline } from "./panels.mjs";
import { Session, idOf } from "./session.mjs";
import { wayTo } from "./ways.mjs";

const MOST_HISTORIES = 9;
/** So many operations are run, at most, to get to where another one does something. */
const MOST_OPERATIONS = 3;
/** How the fragment of a link begins that holds a chart of the reader's. */
const OWN = "chart.";
/** The forms of what was done that are commands alone: whoever plays them begins with empty histories. */
const COMMANDS_ALONE = ["python", "case", "adapter", "scenario"];
/** How the names of files with what was done end. */
const ENDINGS = { python: "py", case: "json", adapter: "jsonl", scenario: "txt", mermaid: "mmd", svg: "svg" };

class App {
  constructor(model) {
    this.page = model;
    this.use(model);
  }

  /** Begin with a model: the page's own, or one of the reader's, whose packed text a link holds. */
  use(model, packed = "") {
    this.model = model;
    this.packed = packed;
    showOwn(
      model === this.page ? [] : model.charts,
      (command) => this.tell(command),
      (state) => this.about(state),
    );
    this.session = new Session(model);
    this.drafts = new Map();
    this.notice = null;
    this.open = new Set();
    this.forget();
    const [set] = this.session.sets.values();
    this.chosen = set ? { set: set.name, operation: set.operations[0].name } : null;
    this.crash = "";
  }

  /** Two histories of the first chart, one of every other; the first is selected. */
  forget() {
    const [first, ...others] = this.session.charts.keys();
    this.counts = new Map([[first, 2], ...others.map((chart) => [chart, 1])]);
    this.selected = { chart: first, history: 1 };
    this.vid = NO_VC;
    this.names = new Names(this.session, this.counts);
  }

  // --- What the panels ask

  /** Where the controls of the selected history keep what was chosen. */
  scope(command = "key") {
    return `${this.selected.chart}-${this.selected.history}-${command}`;
  }

  operationScope() {
    return `${this.chosen.set}-${this.chosen.operation}`;
  }

  /** The argument that names an entry of a keyed chart; undefined for any other chart. */
  keyOf(chart) {
    const all = [...chart.commands.values()].flatMap((each) => Object.values(each.arguments));
    return all.find(({ name }) => name === chart.keyedBy);
  }

  /** A command's arguments without the key, which all commands of a history share. */
  argsOf(chart, command) {
    return Object.values(command.arguments).filter(({ name }) => name !== chart.keyedBy);
  }

  /** The events that a chosen entry is about, newest first; those of every history, if of none. */
  eventsAbout() {
    const every = [...this.counts].flatMap(([chart, count]) =>
      Array.from({ length: count }, (_, index) => ({ chart, number: index + 1 })),
    );
    const key = this.keyOf(this.session.charts.get(this.selected.chart));
    const about = key && valueOf(this, this.scope(), key);
    const named = every.filter(({ chart, number }) => idOf(chart, number) === about);
    const read = ({ chart, number }) => this.session.read(chart, number).events;
    return (named.length ? named : every).flatMap(read).reverse();
  }

  /** The command as the controls have it. */
  asked(name) {
    const { chart, history } = this.selected;
    const known = this.session.charts.get(chart);
    const command = known.commands.get(name);
    const args = valuesOf(this, this.scope(name), this.argsOf(known, command));
    const key = this.keyOf(known);
    if (key && Object.hasOwn(command.arguments, key.name)) {
      args[key.name] = valueOf(this, this.scope(), key);
    }
    return { kind: "tell", chart, history, command: name, args, vid: this.vid };
  }

  /** The chosen operation as its controls have it. */
  askedRun(crash) {
    const { arguments: declared } = this.session.operation(this.chosen);
    const args = valuesOf(this, this.operationScope(), Object.values(declared));
    return { kind: "run", ...this.chosen, args, crash };
  }

  /** What each command of the selected history would do now. */
  decisions() {
    const { commands: known } = this.session.charts.get(this.selected.chart);
    return new Map([...known.keys()].map((name) => [name, this.session.ask(this.asked(name))]));
  }

  /** The state that the diagram shows, and of which entry. */
  standing() {
    const { chart, history } = this.selected;
    const known = this.session.charts.get(chart);
    const { state, deleted } = this.session.read(chart, history);
    const key = this.keyOf(known);
    if (!key) return { state: deleted ? DELETED : state.state };
    const value = valueOf(this, this.scope(), key);
    const of = key.type === "uuid" ? this.names.uuid(value) : JSON.stringify(value);
    return { state: entryOf(known, state, value).state, of };
  }

  /** The ids of the events that the last action appended. */
  news() {
    const last = this.session.results.at(-1);
    const answers = last?.steps ? last.steps.map((step) => step.answer) : [last?.answer];
    return new Set(answers.flatMap((each) => each?.events ?? []).map(({ id }) => id));
  }

  // --- What people do

  tell(name) {
    this.act(this.asked(name));
  }

  run() {
    const crash = this.crash === "" ? null : Number(this.crash);
    this.crash = "";
    this.act(this.askedRun(crash));
  }

  act(action) {
    this.notice = null;
    this.session.perform(action);
    // A version that was right before this action hardly is after it.
    this.vid = NO_VC;
    this.changed();
    this.animate();
  }

  /** Show the last action's way along the arrow, in the diagram that is shown. */
  animate() {
    const { chart, history } = this.selected;
    const [action, result] = [this.session.actions.at(-1), this.session.results.at(-1)];
    if (action.kind === "tell") {
      if (action.chart === chart && action.history === history)
        travel(result.answer, action.command);
      return;
    }
    for (const { step, sent, answer: came } of result.steps) {
      if (came && step.chart === chart && sent.history === idOf(chart, history))
        travel(came, step.command);
    }
  }

  /** Go to a place of the timeline, and show the history that was last spoken to there. */
  goTo(place) {
    const { actions, undone } = this.session;
    const all = [...actions, ...undone];
    if (place < 0 || place > all.length || place === actions.length) return;
    const about = all[place < actions.length ? place : place - 1];
    const back = place < actions.length;
    this.session.goTo(place);
    this.vid = NO_VC;
    if (about.kind === "tell") this.selected = { chart: about.chart, history: about.history };
    this.notice = back
      ? { outcome: "none", text: `${doneOf(about)} was undone.` }
      : null;
    this.changed();
    if (!back) this.animate();
  }

  undo() {
    this.goTo(this.session.actions.length - 1);
  }

  redo() {
    this.goTo(this.session.actions.length + 1);
  }

  /** Open what there is to know about a state of the chart that is shown. */
  about(state) {
    const chart = this.session.charts.get(this.selected.chart);
    about(this, state, wayTo(chart, this.standing().state, state));
  }

  /** Send these commands, one after the other. */
  go(commands_) {
    for (const command of commands_) this.tell(command);
  }

  startOver() {
    const { start, actions, undone } = this.session;
    if (!start && !actions.length && !undone.length) return;
    this.session.restart([]);
    this.drafts.clear();
    this.forget();
    this.notice = { outcome: "none", text: "Every history is empty again." };
    this.changed();
  }

  select(chart, history) {
    this.selected = { chart, history };
    this.vid = NO_VC;
    this.draw();
  }

  more(chart) {
    const number = Math.min(this.counts.get(chart) + 1, MOST_HISTORIES);
    this.counts.set(chart, number);
    this.select(chart, number);
  }

  choose(value) {
    const [set, operation] = value.split("/");
    this.chosen = { set, operation };
    this.crash = "";
    this.draw();
  }

  // --- Drawing, sharing, copying

  /** Whether a link can hold what was done. */
  linkable() {
    return this.session.actions.length <= MOST;
  }

  changed() {
    for (const id of ["shared", "copied"]) byId(id).textContent = "";
    const { start, actions } = this.session;
    const done = (start || actions.length) && this.linkable() ? encode(this.session) : "";
    const fragment = this.packed ? `#${OWN}${this.packed}~${done}` : done && `#${done}`;
    window.history.replaceState(
      null,
      "",
      fragment || window.location.pathname + window.location.search,
    );
    this.draw();
  }

  draw() {
    commands(this);
    histories(this);
    operations(this);
    sequence(this);
    timeline(this);
    const told = story(this.session, this.names);
    // The way back leads to the explorer in its frame, where what was done goes on.
    const back = byId("back");
    if (back) back.hash = window.location.hash;
    byId("drawn").hidden = !told.start && !told.messages.length && !told.frames.length;
    replace(byId("drawn"), drawn(told));
    answer(this);
    this.refresh();
  }

  /** What follows the controls. */
  refresh() {
    previews(this);
    const legal = [...this.decisions()].map(([name, { outcome: kind }]) => [name, kind]);
    const ours = this.model === this.page;
    const { chart: name } = this.selected;
    const drawn_ = ours || Boolean(this.model.charts.find((each) => each.name === name).layout);
    const chart = this.session.charts.get(this.selected.chart);
    byId("scroller").hidden = !drawn_;
    byId("no-layout").hidden = drawn_;
    showTable(ours ? null : chart, this.standing().state, drawn_);
    show(
      ours ? name : OWN_DRAWING + name,
      this.standing().state,
      new Map(legal.filter(([, kind]) => kind !== "reject")),
    );
    this.writeCopy();
  }

  writeCopy() {
    const as = document.querySelector("[name=as]:checked").value;
    const title = document.title;
    const texts = {
      python: () => python(this.session, this.model),
      case: () => conformanceCase(this.session, title),
      adapter: () => adapterLines(this.session),
      scenario: () => scenario(this.session, this.names, title),
      mermaid: () => mermaid(story(this.session, this.names)),
      svg: () => svgFile(story(this.session, this.names)),
    };
    const { start } = this.session;
    const refused = start !== null && COMMANDS_ALONE.includes(as);
    byId("text-part").hidden = refused;
    byId("no-text").hidden = !refused;
    if (!refused) {
      byId("text").value = texts[as]();
      return;
    }
    byId("no-text").textContent = `${this.names.started(start)}. This form holds commands alone, and whoever runs them begins with empty histories. Choose Mermaid or SVG, or copy the link.`;
  }

  /**
   * Open a chart of the reader's.
   *
   * @throws ChartFileError
   */
  async openOwn(text) {
    const document_ = readChart(text);
    const packed = await pack(JSON.stringify(document_));
    window.history.pushState(null, "", `#${OWN}${packed}~`);
    await this.restore();
    if (this.packed !== packed) return;
    this.notice = { outcome: "none", text: `${document_.title} is open. Its link holds the chart.` };
    this.draw();
  }

  /** Play the history of a journal that the page was made with, if there is one. */
  openRecorded() {
    const { recorded } = this.model;
    if (!recorded) return;
    const { chart, id, events } = recorded;
    const { start, actions, left } = actionsOfRecorded(this.session.charts.get(chart), 1, events);
    this.session.restart(actions, { start });
    this.selected = { chart, history: 1 };
    const shown = events.length - left;
    const which = `This is the history ${id} of the journal`;
    const numbers = `1 to ${shown} of ${events.length}`;
    const text = start
      ? `${which}. Its oldest events were trimmed, so it starts with ${this.names.snapshot(start)}. Events ${numbers} are shown, with the commands that append those after the snapshot.`
      : `${which}: events ${numbers}, with the commands that append them.`;
    const rest = " No command of the chart appends the next event from here, so the others are left out.";
    this.notice = { outcome: left ? "reject" : "none", text: left ? text + rest : text };
  }

  /**
   * Take the first history of a chart from the beginning to a state.
   *
   * @returns the commands that were sent.
   * @throws LinkError if no way leads to the state.
   */
  lead(chart, state) {
    const known = this.session.charts.get(chart);
    const way = wayTo(known, known.initial, state);
    if (!way) throw new LinkError(`No way leads to ${state}.`);
    this.selected = { chart, history: 1 };
    for (const name of way) this.session.perform(this.asked(name));
    return way;
  }

  /**
   * Go to the state that a link names, and have the command ready that it is about.
   *
   * @returns the id of the control that is next; undefined if the link is about no command.
   * @throws LinkError if no way leads to the state.
   */
  arrive({ chart, state, command, other }) {
    this.drafts.clear();
    const way = this.lead(chart, state);
    if (other) {
      const known = this.session.charts.get(chart);
      const { compared } = known.cell(command, true, state);
      for (const name of compared) {
        const arg = known.commands.get(command).arguments[name];
        this.drafts.set(`${this.scope(command)}-${name}`, otherValue(this, this.scope(command), arg));
      }
    }
    const sent = way.length ? ` was taken to ${state} by ${way.join(", ")}.` : ` is in ${state}.`;
    const next = command ? ` Send ${command} to see what it does there.` : "";
    this.notice = { outcome: "none", text: this.names.history(chart, 1) + sent + next };
    return command && `tell-${command}`;
  }

  /** Run an operation with what its controls have; whether it was not refused and changed something. */
  attempt(set, operation) {
    this.chosen = { set, operation };
    const { steps, fault, refused } = this.session.perform(this.askedRun(null));
    const changed = ({ answer }) => answer?.events.length > 0 || answer?.outcome === "delete";
    return !fault && !refused && steps.some(changed);
  }

  /**
   * Run the fewest operations after which the one that a link names does something; none, if those
   * would be too many.
   *
   * @returns the id of the control that is next.
   */
  prepare({ set, operation }) {
    this.drafts.clear();
    const { operations } = this.session.sets.get(set);
    const after = (way, name) => {
      this.session.restart(way);
      return this.attempt(set, name);
    };
    let ways = [[]];
    let found;
    for (let count = 0; count <= MOST_OPERATIONS; count += 1) {
      found = ways.find((way) => after(way, operation));
      if (found) break;
      ways = ways.flatMap((way) =>
        operations.flatMap(({ name }) => (after(way, name) ? [[...this.session.actions]] : [])),
      );
    }
    this.session.restart(found ?? []);
    this.chosen = { set, operation };
    let begun = "";
    if (!found) begun = "Much has to happen before this operation changes anything. ";
    else if (found.length) begun = `The link has run ${found.map(doneOf).join(" and ")}. `;
    this.notice = { outcome: "none", text: `${begun}Run ${operation}, or interrupt it after a step.` };
    return "run";
  }

  /** Take up what a link holds. */
  resume({ start, actions }) {
    this.session.restart(actions, { start });
    const numbers = `actions 1 to ${actions.length}`;
    const text = start
      ? `The link's sequence was restored. ${this.names.started(start)}${actions.length ? `, and ${numbers} follow` : ""}.`
      : `The link's sequence was restored: ${numbers}.`;
    if (start) this.selected = { chart: start.chart, history: start.history };
    this.notice = { outcome: "none", text };
  }

  /** Take up the sequence, or the state, of the page's address. */
  async restore() {
    let fragment = window.location.hash.slice(1);
    if (fragment.startsWith(OWN)) {
      const [packed, rest] = fragment.slice(OWN.length).split("~");
      let opened;
      try {
        opened = readChart(await unpack(packed));
      } catch (error) {
        if (!(error instanceof ChartFileError)) throw error;
        opened = error;
      }
      // Whoever changed the address meanwhile wants to see something else.
      if (window.location.hash.slice(1) !== fragment) return;
      if (opened instanceof ChartFileError) {
        this.use(this.page);
        this.notice = { outcome: "reject", text: `${opened.message} Nothing was opened.` };
        this.draw();
        return;
      }
      this.use({ package: "your_package", charts: [opened], operations: [] }, packed);
      fragment = rest;
    } else if (this.packed) this.use(this.page);
    byId("chart-title").textContent = this.model.charts[0].title;
    this.session.restart([]);
    this.forget();
    this.notice = null;
    let arrived = false;
    let next;
    if (!fragment) this.openRecorded();
    else {
      try {
        const [place, operation] = [placeOf, operationOf].map((of) => of(this.session, fragment));
        if (place) next = this.arrive(place);
        else if (operation) next = this.prepare(operation);
        else this.resume(decode(this.session, fragment));
        arrived = Boolean(place ?? operation);
      } catch (error) {
        if (!(error instanceof LinkError)) throw error;
        this.notice = { outcome: "reject", text: `${error.message} Nothing was restored.` };
      }
    }
    const { start, actions } = this.session;
    for (const { chart, history } of start ? [start, ...actions] : actions) {
      if (chart) this.counts.set(chart, Math.max(this.counts.get(chart), history));
    }
    if (!arrived) {
      this.draw();
      return;
    }
    // From here on the address holds what was done to get there.
    this.changed();
    if (next) byId(next).focus();
  }
}

const doneOf = ({ kind, operation, command }) => (kind === "tell" ? command : operation);

/** Copy a text, and say at a place of the page whether that was possible. */
async function copied(text, place, message) {
  try {
    await navigator.clipboard.writeText(text);
    byId(place).textContent = message;
  } catch {
    // Not every place that a page is opened from may write to the clipboard.
    if (place === "copied") byId("text").select();
    byId(place).textContent =
      place === "copied"
        ? "The browser refused to copy: copy the selected text yourself."
        : "The browser refused to copy: copy the address yourself.";
  }
}

/** Let the reader open a chart: pasted, from a file, or dropped. */
function listenForCharts(app) {
  const [dialog, fault] = [byId("own"), byId("own-fault")];
  const open = async (text) => {
    try {
      await app.openOwn(text);
      fault.textContent = "";
      dialog.close();
    } catch (error) {
      if (!(error instanceof ChartFileError)) throw error;
      fault.textContent = error.message;
      if (!dialog.open) dialog.showModal();
    }
  };
  byId("open-own").addEventListener("click", () => {
    fault.textContent = "";
    dialog.showModal();
  });
  byId("own-close").addEventListener("click", () => dialog.close());
  byId("own-open").addEventListener("click", () => open(byId("own-text").value));
  byId("own-file").addEventListener("change", async ({ target }) => open(await target.files[0].text()));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    open(file ? await file.text() : event.dataTransfer.getData("text"));
  });
}

function start() {
  followScheme();
  const app = new App(JSON.parse(byId("model").textContent));
  const written = (target) =>
    target.closest("input:not([type=radio], [type=checkbox], [type=range]), textarea");
  listen(
    (command) => app.tell(command),
    (state) => app.about(state),
  );
  listenForCharts(app);
  byId("undo").addEventListener("click", () => app.undo());
  byId("again").addEventListener("click", () => app.startOver());
  byId("redo").addEventListener("click", () => app.redo());
  byId("timeline").addEventListener("input", ({ target }) => app.goTo(Number(target.value)));
  byId("share").addEventListener("click", () => {
    if (app.linkable()) copied(address(), "shared", "✓ The link is on the clipboard.");
    else byId("shared").textContent = `A link holds at most ${MOST} actions. Go back in the timeline.`;
  });
  byId("copy").addEventListener("click", () =>
    copied(byId("text").value, "copied", "✓ The text is on the clipboard."),
  );
  byId("save").addEventListener("click", () => {
    const as = document.querySelector("[name=as]:checked").value;
    const href = URL.createObjectURL(new Blob([byId("text").value], { type: "text/plain" }));
    h("a", { href, download: `explored.${ENDINGS[as]}` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 1000);
  });
  for (const choice of document.querySelectorAll("[name=as]")) {
    choice.addEventListener("change", () => app.writeCopy());
  }
  document.addEventListener("keydown", (event) => {
    const known = event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey);
    if (!known || written(event.target) || byId("about").open || byId("own").open) return;
    event.preventDefault();
    if (event.shiftKey) app.redo();
    else app.undo();
  });
  window.addEventListener("hashchange", () => app.restore());
  app.restore();
}

start();
