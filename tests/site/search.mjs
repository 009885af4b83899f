// What the site's search finds: node search.mjs SITE QUERY…
//
// Runs the worker of the built site, as the site does.  Prints, for each query, the addresses of the
// pages found, the best first.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { runInThisContext } from "node:vm";

const [site, ...queries] = process.argv.slice(2);
const workers = join(site, "assets", "javascripts", "workers");
const [script] = readdirSync(workers).filter((name) => name.endsWith(".js"));
const { config, docs } = JSON.parse(readFileSync(join(site, "search", "search_index.json"), "utf-8"));

let ask;
let answered;
globalThis.self = globalThis;
globalThis.addEventListener = (_, listener) => {
  ask = listener;
};
globalThis.postMessage = (message) => answered(message);
runInThisContext(readFileSync(join(workers, script), "utf-8"));

const send = (type, data) =>
  new Promise((resolve) => {
    answered = resolve;
    ask({ data: { type, data } });
  });

await send(0, { config, docs, options: { suggest: false } });
const found = [];
for (const query of queries) {
  const { data } = await send(2, query);
  found.push(data.items.map(([{ location }]) => location));
}
console.log(JSON.stringify(found));
