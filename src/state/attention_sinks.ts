// Finds attention sinks: cells of the picture that draw attention on nearly every step, whatever the token is ("Visual Attention
// Sink in Large Multimodal Models", arXiv 2503.03321, describes them). They can be dimmed, so that what differs is seen.

import type { Step } from './session';

/** A cell is hot on a step when it has this many times what an even spread over the picture would give it. */
const HOT = 2;
/** A sink is hot on this part of the recorded steps at least. */
const NEARLY_ALL = 0.8;
/** Fewer steps than this say nothing of every step. */
const LEAST_STEPS = 8;

/**
 * The sinks among the cells of recorded maps; empty where too few steps are recorded. Linear in steps times cells.
 * @param steps all steps of an answer, whose maps have one length
 */
export function attentionSinks(steps: readonly Pick<Step, 'map'>[]): ReadonlySet<number> {
  const maps = steps.flatMap(({ map }) => (map === null ? [] : [map]));
  const hot = new Uint32Array(maps[0]?.length ?? 0);
  for (const map of maps) {
    const even = map.reduce((sum, value) => sum + value, 0) / map.length;
    map.forEach((value, cell) => {
      if (even > 0 && value >= HOT * even) hot[cell] = (hot[cell] ?? 0) + 1;
    });
  }
  if (maps.length < LEAST_STEPS) return new Set();
  return new Set([...hot.keys()].filter((cell) => (hot[cell] ?? 0) >= NEARLY_ALL * maps.length));
}
