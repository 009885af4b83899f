// The diagrams, live: where a history stands, what is legal there, and what just happened.
//
// The drawing itself is generated; data attributes say what its states and arrows are.  A click on
// an arrow sends its command; for the keyboard, the same commands are buttons.  A state can be
// opened by pointer and by keyboard.

import { byId } from "./dom.mjs";
import { drawing } from "./drawing.mjs";

const SVG = "http://www.w3.org/2000/svg";
/** How long the way along an arrow takes, in milliseconds. */
const JOURNEY = 600;
/** A drawing shrinks to this part of its size where that makes it fit, so that words can still be read. */
const SMALLEST = 0.95;

/** Call `tell(command)` when an arrow is clicked and `open(state)` when a state is; once for each place. */
export function listen(tell, open, place = document) {
  for (const svg of place.querySelectorAll(".drawing > svg"))
    svg.style.minWidth = `${svg.viewBox.baseVal.width * SMALLEST}px`;
  for (const arrow of place.querySelectorAll(".drawing .arrow[data-command]")) {
    // An arrow is a thin thing to point at: an unseen, wider one lies over it.
    const wide = document.createElementNS(SVG, "path");
    wide.setAttribute("class", "wide");
    wide.setAttribute("d", arrow.querySelector(".line").getAttribute("d"));
    arrow.prepend(wide);
    arrow.addEventListener("click", ({ target }) => {
      const word = target.closest("[data-command]").dataset.command;
      const lit = arrow.querySelector(".command.lit");
      tell(word.includes(" ") ? (lit?.dataset.command ?? word.split(" ")[0]) : word);
    });
  }
  for (const box of place.querySelectorAll(".drawing [data-state]")) {
    const { state } = box.dataset;
    // A picture hides its parts from screen readers, and a group does not.
    box.ownerSVGElement.setAttribute("role", "group");
    box.setAttribute("tabindex", "0");
    box.setAttribute("role", "button");
    // What is written in the box is the button's name, and what it means is told in the dialog.
    box.querySelector("title")?.remove();
    box.addEventListener("click", () => open(state));
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      open(state);
    });
  }
}

/** Draw the reader's own charts that have a layout, in the place of those drawn before. */
export function showOwn(charts, tell, open) {
  const place = byId("own-drawings");
  place.replaceChildren(...charts.filter(({ layout }) => layout).map(drawing));
  listen(tell, open, place);
}

const shown = () => byId("scroller").querySelector(".drawing:not([hidden])");

/** Show a chart's diagram with its current state, and the arrows of the commands legal there. */
export function show(chart, state, legal) {
  for (const drawing of document.querySelectorAll(".drawing")) {
    drawing.hidden = drawing.dataset.of !== chart;
    if (drawing.hidden) continue;
    for (const box of drawing.querySelectorAll("[data-state]")) {
      const current = box.dataset.state === state;
      box.classList.toggle("current", current);
      if (current) box.setAttribute("aria-current", "true");
      else box.removeAttribute("aria-current");
    }
    for (const arrow of drawing.querySelectorAll("[data-source]")) {
      const leaves = arrow.dataset.source === state;
      const lit = (command) => leaves && legal.get(command) === arrow.dataset.outcome;
      arrow.classList.toggle("lit", arrow.dataset.command.split(" ").some(lit));
      for (const word of arrow.querySelectorAll(".command")) {
        word.classList.toggle("lit", lit(word.dataset.command));
      }
    }
  }
  bringIntoView(byId("scroller"));
}

/** Let a dot run along the arrow of a decision, unless the reader prefers less motion. */
export function travel({ source, outcome }, command) {
  if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const arrow = [...(shown()?.querySelectorAll("[data-source]") ?? [])].find(
    ({ dataset }) =>
      dataset.source === source &&
      dataset.outcome === outcome &&
      dataset.command.split(" ").includes(command),
  );
  if (!arrow) return;
  const line = arrow.querySelector(".line");
  const long = line.getTotalLength();
  const dot = document.createElementNS(SVG, "circle");
  dot.setAttribute("class", "traveller");
  dot.setAttribute("r", "7");
  dot.dataset.along = arrow.id;
  arrow.ownerSVGElement.append(dot);
  let began = null;
  const step = (now) => {
    began ??= now;
    const part = Math.min((now - began) / JOURNEY, 1);
    const { x, y } = line.getPointAtLength(long * part);
    dot.setAttribute("cx", x);
    dot.setAttribute("cy", y);
    if (part < 1) requestAnimationFrame(step);
    else dot.remove();
  };
  requestAnimationFrame(step);
}

/** Where the drawing is larger than its frame, scroll the frame so that the current state is seen. */
function bringIntoView(scroller) {
  const current = scroller.querySelector(".drawing:not([hidden]) .current");
  if (!current) return;
  const [box, frame] = [current.getBoundingClientRect(), scroller.getBoundingClientRect()];
  scroller.scrollBy({
    left: box.left + box.width / 2 - frame.left - frame.width / 2,
    top: box.top + box.height / 2 - frame.top - frame.height / 2,
  });
}
