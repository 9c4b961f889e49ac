// How the next answer is to be generated: mode, temperature, seed, length; defaults and limits of each.
// Not where they are kept (the page) and not what a mode's prompt says (the model's own file).
// Invariant: settings that left this file are always in range, whatever was typed.

import type { ReasoningMode } from '../worker/protocol/answers';
import type { LoadedModel } from '../worker/protocol/engine';

/** The knobs beside the question. */
export interface Settings {
  readonly mode: ReasoningMode;
  /** 0 (greedy) to 2. */
  readonly temperature: number;
  /** Unsigned 32 bits. */
  readonly seed: number;
  readonly maxNewTokens: number;
}

/** Settings of a first visit. */
export const DEFAULT_SETTINGS: Settings = { mode: 'solution', temperature: 0, seed: 1, maxNewTokens: 128 };

/** The highest temperature offered. */
export const MAX_TEMPERATURE = 2;

function inRange(value: number, low: number, high: number, fallback: number): number {
  return Number.isFinite(value) ? Math.min(Math.max(value, low), high) : fallback;
}

/** Brings every knob into its range; a mode that the model lacks becomes its first one. */
export function fitSettings(settings: Settings, model: LoadedModel | null): Settings {
  const limit = model?.maxNewTokens ?? 4096;
  const modes = model?.modes ?? [settings.mode];
  const { temperature, seed, maxNewTokens } = settings;
  return {
    mode: modes.includes(settings.mode) ? settings.mode : (modes[0] ?? settings.mode),
    temperature: inRange(temperature, 0, MAX_TEMPERATURE, DEFAULT_SETTINGS.temperature),
    seed: Math.trunc(inRange(seed, 0, 0xffffffff, DEFAULT_SETTINGS.seed)),
    maxNewTokens: Math.trunc(inRange(maxNewTokens, 1, limit, Math.min(DEFAULT_SETTINGS.maxNewTokens, limit))),
  };
}
