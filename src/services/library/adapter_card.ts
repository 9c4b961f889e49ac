// The model card of an adapter that is kept here: what its summary and its written settings say of it.

import { writeModelCard } from '../../model/model_card';
import type { PeftLoraConfig } from '../../model/peft';
import { parseLoraConfig } from '../../model/peft_reader';
import type { AdapterSummary } from '../../worker/protocol/library';

/**
 * Text of an adapter's README.md.
 * @param config text of its adapter_config.json, which is ours or came with the page
 * @param commit of the base model on the hub; null where it is not known
 */
export function adapterCard(adapter: AdapterSummary, config: string, commit: string | null): string {
  return writeModelCard({ ...adapter, commit, config: settingsIn(config), modules: adapter.targetModules });
}

/** Settings of a written adapter_config.json. */
function settingsIn(text: string): PeftLoraConfig {
  const json = JSON.parse(text) as Record<string, unknown>;
  const { rankPattern, alphaPattern, ...config } = parseLoraConfig(json);
  const dropout = typeof json.lora_dropout === 'number' ? json.lora_dropout : 0;
  const patterns = rankPattern.length > 0 ? { ranks: Object.fromEntries(rankPattern) } : {};
  const alphas = alphaPattern.length > 0 ? { alphas: Object.fromEntries(alphaPattern) } : {};
  return { ...config, ...patterns, ...alphas, loraDropout: dropout };
}
