// Command line: puts a trained adapter into public/adapters, where the page finds it. `npm run bundle-adapter -- --run DIR
// --report FILE --id ID --name NAME`
// The list names exactly what lies in the folders, with the fingerprint of the base model; every adapter has a card.

import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from '../src/model/peft';
import { parseLoraConfig } from '../src/model/peft_reader';
import { parseSafetensors } from '../src/model/safetensors';
import type { WeightPrecision } from '../src/model/weight_layout';
import { adapterCard } from '../src/services/library/adapter_card';
import { ADAPTER_LIST, BundledAdapters } from '../src/services/library/bundled_adapters';
import { log, readArguments, runCommand, UsageError } from './command_line';
import type { EvaluateReport } from './evaluate';
import { writeWhole } from './train_files';

const USAGE = `npm run bundle-adapter -- --run DIR --report FILE --id ID --name NAME [--notes NOTES]
npm run bundle-adapter -- --cards

  --run DIR       a folder of \`npm run train\`
  --report FILE   what \`npm run evaluate -- --json\` printed for that adapter
  --id ID         its folder in public/adapters
  --name NAME     what the page calls it
  --notes NOTES   a sentence or two for its card
  --cards         write the cards of the listed adapters again, and nothing else`;

const PUBLIC = 'public';

/** What is to be put there. */
interface Bundle {
  readonly run: string;
  readonly report: string;
  readonly id: string;
  readonly name: string;
  readonly notes: string;
}

await runCommand(USAGE, async () => {
  const {
    cards,
    notes = '',
    ...given
  } = readArguments({
    ...{ run: { type: 'string' }, report: { type: 'string' }, id: { type: 'string' } },
    ...{ name: { type: 'string' }, notes: { type: 'string' }, cards: { type: 'boolean' } },
  });
  const { run, report, id, name } = given;
  if (cards !== true) {
    if (run === undefined || report === undefined || id === undefined || name === undefined)
      throw new UsageError('--run, --report, --id and --name are needed.');
    if (!/^[\w-]+$/.test(id)) throw new UsageError('--id takes letters, digits, - and _.');
    await list(await bundled({ run, report, id, name, notes }));
  }
  await writeCards();
});

/** Copies an adapter's files and describes them. */
async function bundled({ run, report, id, name, notes }: Bundle): Promise<object> {
  const folder = `adapters/${id}`;
  await mkdir(join(PUBLIC, folder), { recursive: true });
  const files = [ADAPTER_CONFIG, ADAPTER_WEIGHTS];
  for (const file of files) await copyFile(join(run, file), join(PUBLIC, folder, file));
  const { tensors } = await parseSafetensors(ADAPTER_WEIGHTS, await readFile(join(run, ADAPTER_WEIGHTS)));
  const json = JSON.parse(await readFile(join(run, ADAPTER_CONFIG), 'utf8')) as {
    readonly base_model_name_or_path: string;
  };
  const { r, loraAlpha } = parseLoraConfig(json);
  const modelId = json.base_model_name_or_path;
  const base = await readFile(join(PUBLIC, 'models', modelId, 'model.safetensors'));
  const { about } = JSON.parse(await readFile(join(run, 'run.json'), 'utf8')) as {
    readonly about: { readonly weights: WeightPrecision };
  };
  const steps = (await readFile(join(run, 'metrics.jsonl'), 'utf8')).trim().split('\n');
  const lines = (await readFile(report, 'utf8')).trim().split('\n');
  const found = JSON.parse(lines.at(-1) ?? '') as EvaluateReport;
  const targets = [...tensors.keys()].flatMap((key) => /\.(\w+)\.lora_[AB]\.weight$/.exec(key)?.[1] ?? []);
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(run, file))).size));
  return {
    ...{ id, name, notes, folder, modelId },
    fingerprint: createHash('sha256').update(base).digest('hex'),
    precision: about.weights,
    ...{ r, loraAlpha, targetModules: [...new Set(targets)].sort() },
    parameters: [...tensors.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    createdAt: Math.floor(Date.now() / 1000) * 1000,
    run: { id, method: steps[0]?.includes('"reward"') ? 'grpo' : 'sft', step: steps.length },
    metrics: {
      accuracy: found.accuracy.mean,
      'look_back/trigger_rate': found.triggerRate,
      'look_back/empty_back_rate': found.emptyBackRate,
      'look_back/image_attention_before': found.attention.late,
      'look_back/image_attention_inside': found.attention.inBack,
    },
  };
}

/** Puts an entry into the list, in the place that it has: the first is the page's default. */
async function list(entry: object): Promise<void> {
  const path = join(PUBLIC, ADAPTER_LIST);
  const { adapters } = JSON.parse(await readFile(path, 'utf8')) as { adapters: { readonly id: string }[] };
  const { id } = entry as { readonly id: string };
  const place = adapters.findIndex((adapter) => adapter.id === id);
  adapters.splice(place < 0 ? adapters.length : place, place < 0 ? 0 : 1, entry as { readonly id: string });
  await writeWhole(path, `${JSON.stringify({ adapters }, null, 2)}\n`);
}

/** Writes the card of every listed adapter into its folder, as the page writes it for an export. */
async function writeCards(): Promise<void> {
  const root = new URL('https://page.invalid/');
  const listed = new BundledAdapters(root, async ({ pathname }) => {
    const headers = {
      'content-type': pathname.endsWith('.json') ? 'application/json' : 'application/octet-stream',
    };
    return new Response(await readFile(join(PUBLIC, pathname)), { headers });
  });
  for (const adapter of await listed.list()) {
    const files = await listed.open(adapter.id);
    if (files === null) continue;
    const card = adapterCard(adapter, new TextDecoder().decode(files.config), null);
    await writeWhole(join(PUBLIC, 'adapters', adapter.id, 'README.md'), card);
    log(`public/adapters/${adapter.id}: ${adapter.parameters} parameters, ${adapter.bytes} bytes`);
  }
}
