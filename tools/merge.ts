// Command line: writes a model with an adapter merged into it. `npm run merge -- --model pocket --adapter DIR --out
// DIR`
// It needs no graphics device, and leaves model and adapter alone.

import { ADAPTER_SETTINGS } from '../src/settings/generation_settings';
import { log, readArguments, runCommand, settingOption, UsageError } from './command_line';
import { mergeFolder } from './merge_folder';
import { findModel } from './model_source';

const USAGE = `npm run merge -- --model ID|DIR --adapter DIR|ZIP|ID --out DIR [--strength S] [--force]`;

await runCommand(USAGE, async (signal) => {
  const { model, adapter, out, strength, force } = readArguments({
    model: { type: 'string' },
    adapter: { type: 'string' },
    out: { type: 'string' },
    strength: { type: 'string' },
    force: { type: 'boolean' },
  });
  if (model === undefined || adapter === undefined || out === undefined)
    throw new UsageError('--model, --adapter and --out are needed.');
  const { folder, names } = await findModel(model, signal);
  const call = {
    model: folder,
    names,
    adapter,
    out,
    strength: settingOption('strength', ADAPTER_SETTINGS.strength, strength),
    force: force === true,
  };
  const merged = await mergeFolder(call, (name) => log(name), signal);
  log(`${merged} matrices merged; the model is in ${out}`);
});
