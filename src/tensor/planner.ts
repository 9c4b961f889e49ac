// Assigns memory to a trace: drops dead nodes, colours tensors into arenas, and packs each arena by liveness. Tensors
// alive at the same time never overlap, and no dispatch finds an operand it reads and one it writes in the same arena
// (WebGPU forbids binding one buffer read and read_write at once).

import { alignUp, BINDING_ALIGNMENT } from '../gpu/buffer_region';
import { type Tensor, type Trace, type TraceNode, tensorBytes, wholeOf } from './trace';

/** Place of an activation. */
export interface Placement {
  readonly arena: number;
  readonly offset: number;
  readonly bytes: number;
}

/** Where everything goes. */
export interface Plan {
  /** Nodes that contribute to an output or to external state, in order. */
  readonly nodes: readonly TraceNode[];
  readonly placements: ReadonlyMap<number, Placement>;
  readonly arenaBytes: readonly number[];
  /** Offsets of host-written inputs in their own buffer. */
  readonly inputOffsets: ReadonlyMap<string, number>;
  readonly inputBytes: number;
  /** Sum over activations without any sharing: what the plan saves is measured against it. */
  readonly unplannedBytes: number;
}

interface Interval {
  readonly tensor: Tensor;
  readonly bytes: number;
  readonly first: number;
  last: number;
}

/** Plans a trace. Deterministic: the same trace gives the same plan. */
export function planMemory(trace: Trace): Plan {
  const nodes = liveNodes(trace);
  const intervals = liveIntervals(trace, nodes);
  const colours = colourArenas(nodes, intervals);
  const placements = new Map<number, Placement>();
  const arenaBytes: number[] = [];
  const arenas = Math.max(0, ...[...colours.values()].map((colour) => colour + 1));
  for (let arena = 0; arena < arenas; arena++) {
    const members = [...intervals.values()].filter(({ tensor }) => colours.get(tensor.id) === arena);
    arenaBytes.push(packArena(arena, members, placements));
  }
  const inputOffsets = new Map<string, number>();
  let inputBytes = 0;
  for (const [name, tensor] of trace.inputs) {
    inputOffsets.set(name, inputBytes);
    inputBytes += alignUp(tensorBytes(tensor), BINDING_ALIGNMENT);
  }
  const unplannedBytes = [...intervals.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  return { nodes, placements, arenaBytes, inputOffsets, inputBytes, unplannedBytes };
}

function writes(node: TraceNode, index: number): boolean {
  return node.call.kernel.bindings[index] === 'read_write';
}

/** Reverse walk from outputs and external writes; a node that writes something needed makes its operands needed. */
function liveNodes(trace: Trace): TraceNode[] {
  const needed = new Set<number>([...trace.outputs.values()].map((tensor) => wholeOf(tensor).id));
  const kept: TraceNode[] = [];
  for (let index = trace.nodes.length - 1; index >= 0; index--) {
    const node = trace.nodes[index]!;
    const useful = node.operands.some(
      (tensor, at) => writes(node, at) && (tensor.kind === 'external' || needed.has(wholeOf(tensor).id)),
    );
    if (!useful) continue;
    kept.push(node);
    for (const tensor of node.operands) needed.add(wholeOf(tensor).id);
  }
  return kept.reverse();
}

function liveIntervals(trace: Trace, nodes: readonly TraceNode[]): Map<number, Interval> {
  const intervals = new Map<number, Interval>();
  nodes.forEach((node, index) => {
    node.operands.forEach((operand, at) => {
      if (operand.kind !== 'activation') return;
      // A part is alive as long as its whole.
      const tensor = wholeOf(operand);
      const interval = intervals.get(tensor.id);
      if (interval) interval.last = index;
      else if (!writes(node, at)) {
        throw new Error(`${node.call.kernel.name} reads ${tensor.name} before anything wrote it.`);
      } else
        intervals.set(tensor.id, {
          tensor,
          bytes: alignUp(tensorBytes(tensor), BINDING_ALIGNMENT),
          first: index,
          last: index,
        });
    });
  });
  for (const tensor of trace.outputs.values()) {
    const interval = intervals.get(wholeOf(tensor).id);
    if (interval) interval.last = nodes.length;
  }
  return intervals;
}

/** Greedy colouring in order of first use; conflicts are (read operand, written operand) pairs of one node. */
function colourArenas(
  nodes: readonly TraceNode[],
  intervals: ReadonlyMap<number, Interval>,
): Map<number, number> {
  const conflicts = new Map<number, Set<number>>();
  const connect = (a: number, b: number): void => {
    const set = conflicts.get(a) ?? new Set<number>();
    conflicts.set(a, set.add(b));
  };
  for (const node of nodes) {
    const activations = node.operands
      .map((tensor, at) => ({ tensor: wholeOf(tensor), written: writes(node, at) }))
      .filter(({ tensor }) => tensor.kind === 'activation');
    for (const a of activations) {
      for (const b of activations) {
        if (!a.written || b.written) continue;
        if (a.tensor.id === b.tensor.id)
          throw new Error(`${node.call.kernel.name} reads and writes ${a.tensor.name} through two bindings.`);
        connect(a.tensor.id, b.tensor.id);
        connect(b.tensor.id, a.tensor.id);
      }
    }
  }
  const colours = new Map<number, number>();
  for (const id of intervals.keys()) {
    const taken = new Set([...(conflicts.get(id) ?? [])].map((other) => colours.get(other)));
    let colour = 0;
    while (taken.has(colour)) colour++;
    colours.set(id, colour);
  }
  return colours;
}

interface Placed {
  readonly interval: Interval;
  readonly offset: number;
}

/** Nodes of a span of time; most tensors live within one or two spans. */
const SPAN = 64;
/** Tensors that live longer are kept apart and always looked at. */
const MOST_SPANS = 8;

const spanOf = (node: number): number => Math.floor(node / SPAN);

/** Placed intervals, found by when they live: a long trace has ten thousands, of which few live at once. */
class PlacedIntervals {
  readonly #spans = new Map<number, Placed[]>();
  readonly #long: Placed[] = [];
  readonly #all: Placed[] = [];

  add(placed: Placed): void {
    const { first, last } = placed.interval;
    this.#all.push(placed);
    if (spanOf(last) - spanOf(first) >= MOST_SPANS) this.#long.push(placed);
    else
      for (let span = spanOf(first); span <= spanOf(last); span++) {
        const found = this.#spans.get(span);
        if (found) found.push(placed);
        else this.#spans.set(span, [placed]);
      }
  }

  /** Those that live at some time of an interval. */
  during({ first, last }: Interval): Placed[] {
    const lives = ({ interval: other }: Placed): boolean => other.first <= last && first <= other.last;
    if (spanOf(last) - spanOf(first) >= MOST_SPANS) return this.#all.filter(lives);
    const found = this.#long.filter(lives);
    for (let span = spanOf(first); span <= spanOf(last); span++)
      for (const placed of this.#spans.get(span) ?? []) {
        // In the first span that both share, so that each is found once.
        const shared = Math.max(spanOf(first), spanOf(placed.interval.first));
        if (span === shared && lives(placed)) found.push(placed);
      }
    return found;
  }
}

/** First fit, largest first. Returns the arena's bytes. */
function packArena(arena: number, members: readonly Interval[], placements: Map<number, Placement>): number {
  const placed = new PlacedIntervals();
  const order = [...members].sort((a, b) => b.bytes - a.bytes || a.first - b.first);
  let size = 0;
  for (const interval of order) {
    const busy = placed.during(interval).sort((a, b) => a.offset - b.offset);
    let offset = 0;
    for (const { interval: other, offset: at } of busy) {
      if (at - offset >= interval.bytes) break;
      offset = Math.max(offset, at + other.bytes);
    }
    placed.add({ interval, offset });
    placements.set(interval.tensor.id, { arena, offset, bytes: tensorBytes(interval.tensor) });
    size = Math.max(size, offset + interval.bytes);
  }
  return size;
}
