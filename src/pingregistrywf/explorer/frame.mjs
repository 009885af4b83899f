// The pages around the explorer: one of them may frame it, choose its colours, and be led back to.

const SCHEMES = ["light", "dark"];

/**
 * Show the colours that `?scheme=` names, and those that the page around this one names later.
 *
 * That page posts {scheme}: "light" or "dark".  Nothing else is taken from it.
 */
export function followScheme() {
  const root = document.documentElement;
  const show = (scheme) => {
    if (SCHEMES.includes(scheme)) root.dataset.scheme = scheme;
  };
  root.toggleAttribute("data-framed", window.parent !== window);
  show(new URLSearchParams(window.location.search).get("scheme"));
  window.addEventListener("message", ({ source, data }) => {
    if (source === window.parent) show(data?.scheme);
  });
}

/** The page's address for others, who have colours of their own. */
export const address = () => window.location.href.replace(window.location.search, "");

/** The address of what the page's site says about a state; null if the page belongs to none. */
export const stateReference = ({ site }, chart, state) =>
  site?.state.replace("{chart}", chart).replace("{state}", state) ?? null;
