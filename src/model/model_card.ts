// Writes the model card of an exported adapter: README.md as the hub shows it, with the base that it belongs to, how it was
// made, and how to load it with PEFT. Names and notes are people's own text and stand there as text.

import type { PeftLoraConfig } from './peft';
import type { WeightPrecision } from './weight_layout';

/** What is known of an adapter. */
export interface AdapterFacts {
  readonly name: string;
  readonly notes: string;
  /** Id of the base model: of the hub, or of the page. */
  readonly modelId: string;
  /** Commit of the base on the hub; null where it is not known. */
  readonly commit: string | null;
  /** SHA-256 of the base's weights, hexadecimal. */
  readonly fingerprint: string;
  /** How these weights were kept when it was trained; null where that is not known. */
  readonly precision: WeightPrecision | null;
  readonly config: PeftLoraConfig;
  readonly modules: readonly string[];
  readonly parameters: number;
  readonly run: { readonly method: 'sft' | 'grpo'; readonly step: number } | null;
  readonly metrics: Readonly<Record<string, number>>;
}

const HUB_ID = /^[\w.-]+\/[\w.-]+$/;
const METHODS = { sft: 'SFT', grpo: 'GRPO' } as const;

/** One line of text without anything that Markdown or YAML would read. */
function plain(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\`*_{}[\]<>#|~]/g, '\\$&');
}

/** Last names of the modules, each once: `q_proj, v_proj`. */
function kinds(modules: readonly string[]): string {
  return [...new Set(modules.map((module) => module.slice(module.lastIndexOf('.') + 1)))].sort().join(', ');
}

function facts({ config, modules, parameters, run, fingerprint, precision, commit }: AdapterFacts): string[] {
  const patterns = config.ranks || config.alphas ? '; some modules differ, see `adapter_config.json`' : '';
  const method = run === null ? 'not known: it was imported' : `${METHODS[run.method]}, ${run.step} steps`;
  return [
    `| base weights, SHA-256 | \`${fingerprint}\` |`,
    `| trained over weights in | ${precision ?? 'not known'} |`,
    `| base revision | ${commit === null ? 'not known' : `\`${commit}\``} |`,
    `| method | ${method} |`,
    `| rank, alpha | ${config.r}, ${config.loraAlpha}${config.useRslora ? ' (rsLoRA)' : ''}${patterns} |`,
    `| dropout | ${config.loraDropout} |`,
    `| modules | ${modules.length}: ${plain(kinds(modules))} |`,
    `| parameters | ${parameters} |`,
  ];
}

function loading({ modelId, commit }: AdapterFacts): string[] {
  const base = HUB_ID.test(modelId) ? modelId : 'FOLDER-OF-THE-BASE-MODEL';
  const revision = HUB_ID.test(modelId) && commit !== null ? `, revision="${commit}"` : '';
  return [
    '```python',
    'from peft import PeftModel',
    'from transformers import AutoModelForImageTextToText',
    '',
    `base = AutoModelForImageTextToText.from_pretrained("${base}"${revision})`,
    'model = PeftModel.from_pretrained(base, "FOLDER-OF-THIS-ADAPTER")',
    '```',
  ];
}

/**
 * Text of README.md.
 * @source Hugging Face's model cards: the keys `base_model`, `library_name` and `tags` of the front matter
 */
export function writeModelCard(adapter: AdapterFacts): string {
  const { name, notes, modelId, metrics } = adapter;
  const base = HUB_ID.test(modelId) ? [`base_model: ${JSON.stringify(modelId)}`] : [];
  const rows = Object.entries(metrics).map(([key, value]) => `| ${plain(key)} | ${value} |`);
  const measured =
    rows.length === 0 ? [] : ['', '## Metrics', '', '| metric | value |', '|---|---|', ...rows];
  return [
    ...['---', ...base, 'library_name: peft', 'tags:', '  - lora', '  - look-back', '---', ''],
    ...[
      `# ${plain(name)}`,
      '',
      `A LoRA adapter for \`${modelId.replaceAll('`', '')}\`, exported by Look-Back.`,
    ],
    ...(notes.trim() === '' ? [] : ['', plain(notes.trim())]),
    ...['', '| what | value |', '|---|---|', ...facts(adapter), ...measured],
    ...[
      '',
      '## How to load it',
      '',
      'With PEFT 0.17 or later and transformers 4.52 or later:',
      '',
      ...loading(adapter),
      '',
    ],
  ].join('\n');
}
