// Runs a user's reward function in an interpreter of its own: it sees one completion and the language, and nothing else.
// There is no network, no file, no timer and no clock, memory is limited, and every completion gets a fresh context, so
// that equal completions score equally. Time is limited here between operations; what stays within one long operation
// is ended by whoever runs this file in a Worker (custom_reward.ts).

import type { QuickJSContext, QuickJSWASMModule } from 'quickjs-emscripten-core';
import type { RewardSample } from '../train/rewards';

/** What a user's function is given: plain data, a copy. */
export interface CustomRewardSample extends Omit<RewardSample, 'countTokens'> {
  /** Content of its last whole box, or null. */
  readonly answer: string | null;
  /** 1 for the right answer in the box, else 0. */
  readonly accuracy: number;
  /** The looks back in order with their tokens. */
  readonly backs: readonly { readonly text: string; readonly tokens: number }[];
}

/** What came of one call. */
export type CustomRewardReply =
  | { readonly score: number; readonly why: string }
  | {
      readonly fault: 'reward/source' | 'reward/failed' | 'reward/memory' | 'reward/time';
      readonly message: string;
    };

/** Largest reward in absolute value, and longest reason. */
export const MAX_SCORE = 1000;
const MAX_WHY = 300;
const MEMORY_BYTES = 32 << 20;
const STACK_BYTES = 256 << 10;
const MAX_MESSAGE = 300;

/** Taken out of the language, as it would make equal completions score differently. */
const PREPARE = 'delete globalThis.Date; delete Math.random; delete globalThis.performance;';

let engine: Promise<QuickJSWASMModule> | undefined;

/** The interpreter; compiled to plain JavaScript, as the page's policy allows no WebAssembly. Loaded when first needed. */
function loadEngine(): Promise<QuickJSWASMModule> {
  engine ??= Promise.all([
    import('quickjs-emscripten-core'),
    import('@jitl/quickjs-asmjs-mjs-release-sync'),
  ]).then(([{ newQuickJSWASMModuleFromVariant }, variant]) =>
    newQuickJSWASMModuleFromVariant(variant.default),
  );
  return engine;
}

/** Loads the interpreter and makes its first context, which takes longest: no completion's time is spent on it. */
export async function prepareSandbox(): Promise<void> {
  const runtime = (await loadEngine()).newRuntime();
  runtime.newContext().dispose();
  runtime.dispose();
}

/** An error of the interpreter in words, bounded. */
function messageOf(dumped: unknown): {
  readonly name: string;
  readonly message: string;
  readonly line: string;
} {
  const { name, message, stack } = (typeof dumped === 'object' && dumped !== null ? dumped : {}) as Record<
    string,
    unknown
  >;
  const place = /reward\.js:(\d+)/.exec(String(stack ?? ''))?.[1];
  return {
    name: String(name ?? 'Error').slice(0, MAX_MESSAGE),
    message: String(message ?? dumped).slice(0, MAX_MESSAGE),
    line: place === undefined ? '' : ` in line ${place}`,
  };
}

function faultOf(dumped: unknown, where: 'reward/source' | 'reward/failed'): CustomRewardReply {
  const { name, message, line } = messageOf(dumped);
  if (message === 'interrupted') return { fault: 'reward/time', message: `It took too long${line}.` };
  if (message === 'out of memory')
    return {
      fault: 'reward/memory',
      message: `It needs more than ${MEMORY_BYTES >> 20} MB of memory${line}.`,
    };
  const missing =
    name === 'ReferenceError' ? ' A reward has the language alone: no network, files or timers.' : '';
  return { fault: where, message: `${name}${line}: ${message}.${missing}` };
}

/** What the function returned: a number, or an object with one and perhaps a reason. */
function readReturned(returned: unknown): CustomRewardReply {
  const object =
    typeof returned === 'object' && returned !== null
      ? (returned as Record<string, unknown>)
      : { score: returned };
  const { score, why = '' } = object;
  if (typeof score !== 'number' || !Number.isFinite(score) || Math.abs(score) > MAX_SCORE) {
    const message = `It returned ${String(JSON.stringify(returned)).slice(0, 80)}, not a number from -${MAX_SCORE} to ${MAX_SCORE} or {score, why}.`;
    return { fault: 'reward/failed', message };
  }
  return { score, why: String(why).slice(0, MAX_WHY) };
}

/** Evaluates a script; its value where that is a text, or what was thrown. */
function evaluate(
  context: QuickJSContext,
  script: string,
): { readonly text?: string; readonly thrown?: unknown } {
  const result = context.evalCode(script, 'reward.js', { strict: true, type: 'global' });
  if (result.error !== undefined) {
    const thrown: unknown = context.dump(result.error);
    result.error.dispose();
    return { thrown };
  }
  const isText = context.typeof(result.value) === 'string';
  const text = isText ? context.getString(result.value) : '';
  result.value.dispose();
  return { text };
}

/** Calls the function and hands its result out as text: objects never cross, whatever their getters do. */
const CALL = `JSON.stringify((() => {
  const given = reward(JSON.parse(globalThis.sample));
  const plain = typeof given === 'object' && given !== null ? { score: given.score, why: given.why } : { score: given };
  return { score: typeof plain.score === 'number' ? String(plain.score) : null, kind: typeof given, why: typeof plain.why === 'string' ? plain.why.slice(0, 300) : '' };
})())`;

/** Reads what {@link CALL} gave; the function may have changed `JSON` itself. */
function readCalled(text: string): CustomRewardReply {
  try {
    const { score, kind, why } = JSON.parse(text) as { score: string | null; kind: string; why: string };
    return readReturned(score === null ? kind : { score: Number(score), why });
  } catch {
    return { fault: 'reward/failed', message: 'What it returned could not be read.' };
  }
}

function inContext(context: QuickJSContext, source: string, sample: CustomRewardSample): CustomRewardReply {
  const defined = evaluate(context, source);
  if ('thrown' in defined) return faultOf(defined.thrown, 'reward/source');
  if (evaluate(context, 'typeof reward').text !== 'function') {
    return { fault: 'reward/source', message: 'It defines no function named "reward".' };
  }
  const given = context.newString(JSON.stringify(sample));
  context.setProp(context.global, 'sample', given);
  given.dispose();
  const called = evaluate(context, CALL);
  return 'thrown' in called ? faultOf(called.thrown, 'reward/failed') : readCalled(called.text ?? '');
}

/**
 * Scores one completion with the source of a function named `reward`. What the source does wrong is told in the reply.
 * @param limitMs time between operations of the interpreter
 */
export async function runCustomReward(
  source: string,
  sample: CustomRewardSample,
  limitMs: number,
): Promise<CustomRewardReply> {
  const quickjs = await loadEngine();
  try {
    const runtime = quickjs.newRuntime();
    runtime.setMemoryLimit(MEMORY_BYTES);
    runtime.setMaxStackSize(STACK_BYTES);
    const context = runtime.newContext();
    evaluate(context, PREPARE);
    const end = performance.now() + limitMs;
    runtime.setInterruptHandler(() => performance.now() > end);
    const reply = inContext(context, source, sample);
    context.dispose();
    runtime.dispose();
    return reply;
  } catch (error) {
    // The interpreter itself gave up; the next call gets a new one.
    engine = undefined;
    return {
      fault: 'reward/memory',
      message: `The interpreter gave up: ${String(error).slice(0, MAX_MESSAGE)}`,
    };
  }
}
