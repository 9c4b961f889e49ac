// Holds how the next answer is to be generated, and says which of its settings cannot be used with the loaded model.
// Nothing that was typed is replaced: a value that cannot be used stays, is marked, and keeps the question from being asked.

import { GENERATION_SETTINGS, type GenerationSettings } from '../settings/generation_settings';
import { defaultsOf } from '../settings/read_settings';
import { faultOf, mustBe, type NumberSetting } from '../settings/setting';
import type { LoadedModel } from '../worker/protocol/engine';

/** The settings beside the question that are numbers. */
export type AnswerNumber = 'temperature' | 'seed' | 'maxNewTokens' | 'maxImageTokens';

/** The settings beside the question. `maxNewTokens` null is the model's own limit. */
export type Settings = Pick<GenerationSettings, 'mode' | AnswerNumber>;

const { topP, topK, repetitionPenalty, ...first } = defaultsOf(GENERATION_SETTINGS);

/** Settings of a first visit. */
export const DEFAULT_SETTINGS: Settings = first;

/** Settings of every answer that the page offers no field for. */
export const FIXED_SETTINGS: Omit<GenerationSettings, keyof Settings> = { topP, topK, repetitionPenalty };

/** A setting as the loaded model allows it: no answer is longer than the model's longest. */
export function answerSetting(id: AnswerNumber, model: LoadedModel | null): NumberSetting {
  const setting: NumberSetting = GENERATION_SETTINGS[id];
  return id === 'maxNewTokens' && model !== null ? { ...setting, max: model.maxNewTokens } : setting;
}

/** What a setting must be, where its value cannot be used; null where it can. */
export function settingProblem(
  id: AnswerNumber,
  settings: Settings,
  model: LoadedModel | null,
): string | null {
  const setting = answerSetting(id, model);
  return faultOf(setting, settings[id]) === null ? null : mustBe(setting);
}

/** Whether all settings can be used. */
export function settingsUsable(settings: Settings, model: LoadedModel | null): boolean {
  return (['temperature', 'seed', 'maxNewTokens', 'maxImageTokens'] as const).every(
    (id) => settingProblem(id, settings, model) === null,
  );
}

/** A mode that the model lacks becomes its first one, as the list of modes shows it. */
export function modeFor(settings: Settings, model: LoadedModel | null): Settings {
  const modes = model?.modes ?? [settings.mode];
  return modes.includes(settings.mode) ? settings : { ...settings, mode: modes[0] ?? settings.mode };
}
