// Ways through a chart: the shortest sequence of commands from one state to another.

/** The outcomes that lead somewhere. */
const LEADING = ["emit", "delete"];

/**
 * The commands of the shortest way, [] if the states are one; null if no way leads there.
 *
 * The table says where a command leads if its arguments are those that are carried.
 */
export function wayTo(chart, from, to) {
  const ways = new Map([[from, []]]);
  for (const [state, way] of ways) {
    if (state === to) return way;
    for (const command of chart.commands.keys()) {
      const cell = chart.cell(command, true, state);
      if (!cell || !LEADING.includes(cell.outcome) || ways.has(cell.target)) continue;
      ways.set(cell.target, [...way, command]);
    }
  }
  return null;
}
