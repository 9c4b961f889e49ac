// The card of an exported adapter: what the hub reads, what people read, and texts that try to be more than text.

import { describe, expect, it } from 'vitest';
import { type AdapterFacts, writeModelCard } from '../../src/model/model_card';

const FACTS: AdapterFacts = {
  ...{ name: 'Looks again', notes: 'On charts.', modelId: 'Qwen/Qwen2.5-VL-3B-Instruct' },
  ...{ commit: 'c'.repeat(40), fingerprint: 'ab'.repeat(32), precision: 'int4', parameters: 1234 },
  config: {
    r: 8,
    loraAlpha: 16,
    loraDropout: 0.05,
    useRslora: false,
    baseModel: 'b',
    targetModules: ['q_proj'],
  },
  modules: [
    'model.language_model.layers.0.self_attn.q_proj',
    'model.language_model.layers.1.self_attn.q_proj',
  ],
  run: { method: 'grpo', step: 40 },
  metrics: { reward: 0.75 },
};

describe('writeModelCard', () => {
  it('names base, revision, method, settings, metrics, and the way to load it', () => {
    const card = writeModelCard(FACTS);
    expect(card).toMatch(
      /^---\nbase_model: "Qwen\/Qwen2\.5-VL-3B-Instruct"\nlibrary_name: peft\ntags:\n {2}- lora\n/,
    );
    for (const part of [
      '# Looks again',
      'On charts.',
      `\`${'ab'.repeat(32)}\``,
      '| method | GRPO, 40 steps |',
      '| trained over weights in | int4 |',
      '| rank, alpha | 8, 16 |',
      '| modules | 2: q\\_proj |',
      '| reward | 0.75 |',
      `from_pretrained("Qwen/Qwen2.5-VL-3B-Instruct", revision="${'c'.repeat(40)}")`,
    ])
      expect(card).toContain(part);
  });

  it('says what is not known, and names no base of the hub where there is none', () => {
    const card = writeModelCard({
      ...FACTS,
      ...{ modelId: 'pocket', commit: null, precision: null, run: null, metrics: {} },
    });
    expect(card).not.toContain('base_model');
    expect(card).not.toContain('Metrics');
    expect(card).toContain('| base revision | not known |');
    expect(card).toContain('| trained over weights in | not known |');
    expect(card).toContain('| method | not known: it was imported |');
    expect(card).toContain('from_pretrained("FOLDER-OF-THE-BASE-MODEL")');
  });

  it('keeps names and notes what they are: text on one line', () => {
    const name = 'x\n---\nbase_model: evil/model\n# y | z <script>';
    const card = writeModelCard({
      ...FACTS,
      name,
      notes: '[a](javascript:b)\n\n| c |',
      modelId: 'a/b"\n```',
    });
    expect(card.split('\n').filter((line) => line === '---')).toHaveLength(2);
    expect(card).not.toMatch(/^base_model/m);
    expect(card).toContain('# x --- base\\_model: evil/model \\# y \\| z \\<script\\>');
    expect(card).toContain('\\[a\\](javascript:b) \\| c \\|');
  });
});
