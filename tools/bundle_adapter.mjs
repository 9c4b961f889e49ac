// Puts a trained adapter into public/adapters, where the page finds it: `node tools/bundle_adapter.mjs ID NAME RUN
// REPORT`.
// RUN is a folder of `npm run train`, REPORT the JSON of `npm run evaluate -- --json` with that adapter. The list
// names exactly what lies in the folder, with the fingerprint of its base model.
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [id, name, run, reportFile, notes = ''] = process.argv.slice(2);
if (!id || !name || !run || !reportFile) {
  console.error('usage: node tools/bundle_adapter.mjs ID NAME RUN REPORT [NOTES]');
  process.exit(2);
}
const FILES = ['adapter_config.json', 'adapter_model.safetensors'];
const LIST = 'public/adapters/adapters.json';
const folder = `adapters/${id}`;
mkdirSync(join('public', folder), { recursive: true });
for (const file of FILES) copyFileSync(join(run, file), join('public', folder, file));
const config = JSON.parse(readFileSync(join(run, FILES[0]), 'utf8'));
const weights = readFileSync(join(run, FILES[1]));
const header = JSON.parse(weights.subarray(8, 8 + Number(weights.readBigUInt64LE(0))).toString('utf8'));
const tensors = Object.entries(header).filter(([key]) => key !== '__metadata__');
const targets = [...new Set(tensors.map(([key]) => /\.(\w+)\.lora_[AB]\.weight$/.exec(key)?.[1]))].sort();
const model = config.base_model_name_or_path;
const base = readFileSync(join('public/models', model, 'model.safetensors'));
const steps = readFileSync(join(run, 'metrics.jsonl'), 'utf8').trim().split('\n');
const report = JSON.parse(readFileSync(reportFile, 'utf8').trim().split('\n').at(-1));
const entry = {
  id,
  name,
  notes,
  folder,
  modelId: model,
  fingerprint: createHash('sha256').update(base).digest('hex'),
  r: config.r,
  loraAlpha: config.lora_alpha,
  targetModules: targets,
  parameters: tensors.reduce((sum, [, { shape }]) => sum + shape.reduce((a, b) => a * b, 1), 0),
  bytes: FILES.reduce((sum, file) => sum + statSync(join(run, file)).size, 0),
  createdAt: Math.floor(Date.now() / 1000) * 1000,
  run: { id, method: steps[0]?.includes('"reward"') ? 'grpo' : 'sft', step: steps.length },
  metrics: {
    accuracy: report.accuracy.mean,
    'look_back/trigger_rate': report.triggerRate,
    'look_back/empty_back_rate': report.emptyBackRate,
    'look_back/image_attention_before': report.attention.late,
    'look_back/image_attention_inside': report.attention.inBack,
  },
};
const list = existsSync(LIST) ? JSON.parse(readFileSync(LIST, 'utf8')) : { adapters: [] };
// In the place that it has: the first of the list is the page's default.
const place = list.adapters.findIndex((adapter) => adapter.id === id);
list.adapters.splice(place < 0 ? list.adapters.length : place, place < 0 ? 0 : 1, entry);
writeFileSync(LIST, `${JSON.stringify(list, null, 2)}\n`);
console.log(
  `${folder}: ${entry.parameters} parameters, ${entry.bytes} bytes, accuracy ${entry.metrics.accuracy}`,
);
