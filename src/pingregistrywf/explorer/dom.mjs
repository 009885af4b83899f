// Elements of the page, made from plain values: text is only ever text.

/**
 * An element with attributes and children.
 *
 * An attribute that is a function listens; one that is false or null is left out; true has no
 * value.
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== false && value !== null)
      element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat().filter((child) => ![null, undefined, false, ""].includes(child)),
  );
  return element;
}

export const byId = (id) => document.getElementById(id);

/** Put other children into a place, and the focus back to where it was, by id. */
export function replace(place, ...children) {
  const { activeElement } = document;
  const within = place.contains(activeElement) ? activeElement.id : "";
  place.replaceChildren(...children.flat());
  if (within) byId(within)?.focus({ preventScroll: true });
}

/** What can be opened, made when it is; `app.open` keeps which are, so that a new drawing does. */
export function details(app, key, summary, make) {
  const open = app.open.has(key);
  const toggle = ({ target }) => {
    if (target.open === app.open.has(key)) return;
    if (target.open) app.open.add(key);
    else app.open.delete(key);
    if (target.open && target.children.length === 1) target.append(make());
  };
  return h(
    "details",
    { open, toggle },
    h("summary", { id: `open-${key}` }, summary),
    open && make(),
  );
}

/** Options of a select. */
export const options = (choices, chosen) =>
  choices.map(({ value, label }) => h("option", { value, selected: value === chosen }, label));

/** A labelled control; `wide` takes a row of its own. */
export const labelled = (id, text, control, hint = "") =>
  h(
    "p",
    { class: "field" },
    h("label", { for: id }, text),
    control,
    hint && h("span", { class: "hint", id: `${id}-hint` }, hint),
  );
