"""Goldens of adapters that reach vision tower and connector, beside the model folders of test/fixtures.

    python tools/goldens/adapter_set.py test/fixtures/tiny-qwen2_5_vl test/fixtures/tiny-smolvlm …

Writes FOLDER/adapter-tower/: the adapter as PEFT saves it, and io.safetensors with image features and logits of the folder's
own prompt under it, in float64; lists them in the folder's manifest under the stage `adapter`. The targets are those that
people give PEFT: `all-linear`, or last names of modules that vision tower and decoder share. Ranks and alphas differ by
pattern. Before anything is written, the model without the adapter must give the folder's own logits.
"""
import argparse
import json
import os

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
from transformers import AutoModelForImageTextToText

from golden_file import GoldenFile, add_to_manifest

OUT = 'adapter-tower'
FEATURE, LOGIT = {'abs': 1e-4}, {'abs': 5e-4}
BASE_TOLERANCE = 5e-4

ADAPTERS = {
    'qwen2_5_vl': dict(r=3, lora_alpha=6, target_modules='all-linear', rank_pattern={'q_proj': 5, r'visual\.blocks\.1\..*': 1},
                       alpha_pattern={r'layers\.(0|2)\.mlp\.\w+': 1.5, 'merger.mlp.0': 9}),
    'qwen2_vl': dict(r=2, lora_alpha=3, target_modules=['qkv', 'fc1', 'o_proj', 'gate_proj']),
    'qwen3_vl': dict(r=2, lora_alpha=4, target_modules='all-linear', use_rslora=True,
                     rank_pattern={r'deepstack_merger_list\.\d+\.linear_fc1': 4}),
    'smolvlm': dict(r=3, lora_alpha=5, target_modules=['q_proj', 'v_proj', 'out_proj', 'fc1', 'proj', 'up_proj'], use_rslora=True,
                    rank_pattern={'proj': 6, 'text_model.layers.0.self_attn.q_proj': 1}, alpha_pattern={'fc1': 2}),
}


def inputs_of(golden, kind):
    ids = golden['input_ids'].long()[None]
    pixels = golden['pixel_values'].double()
    if kind == 'smolvlm':
        return dict(input_ids=ids, attention_mask=torch.ones_like(ids), pixel_values=pixels[None])
    return dict(input_ids=ids, attention_mask=torch.ones_like(ids), pixel_values=pixels,
                image_grid_thw=golden['image_grid_thw'].long())


@torch.no_grad()
def run(model, kind, inputs):
    """Image features, DeepStack features, logits."""
    base = model.get_base_model() if hasattr(model, 'get_base_model') else model
    if kind == 'smolvlm':
        found = base.model.get_image_features(inputs['pixel_values'])
    else:
        inputs = {**inputs, 'mm_token_type_ids': (inputs['input_ids'] == base.config.image_token_id).int()}
        found = base.model.get_image_features(inputs['pixel_values'], inputs['image_grid_thw'])
    embeds = found.pooler_output
    embeds = torch.cat(list(embeds)) if isinstance(embeds, (tuple, list)) else embeds.flatten(0, -2)
    deepstack = [torch.cat(list(part)) if isinstance(part, (tuple, list)) else part
                 for part in getattr(found, 'deepstack_features', None) or []]
    return embeds, deepstack, model(**inputs, use_cache=False).logits[0]


def attach(model, settings, seed):
    """The model under an adapter whose A and B are drawn, so that every module moves the result."""
    peft = get_peft_model(model, LoraConfig(task_type='CAUSAL_LM', **settings)).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in sorted(peft.named_parameters()):
            if 'lora_' in name:
                scale = weight.shape[1] ** -0.5 if 'lora_A' in name else 0.2
                weight.copy_((torch.randn(weight.shape, generator=generator) * scale).float())
    return peft


def kind_of(folder):
    """The model type that a folder's config names."""
    with open(os.path.join(folder, 'config.json'), encoding='utf-8') as file:
        return json.load(file)['model_type']


def write_set(folder, seed):
    kind = kind_of(folder)
    golden = load_file(os.path.join(folder, 'io.safetensors'))
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float64, attn_implementation='eager').eval()
    inputs = inputs_of(golden, kind)
    rows = golden['rows'].long()
    plain, _, logits = run(model, kind, inputs)
    off = max((plain - golden['image_embeds']).abs().max().item(), (logits[rows] - golden['logits']).abs().max().item())
    assert off < BASE_TOLERANCE, f'{folder}: without an adapter transformers is {off} off the goldens'
    peft = attach(model, ADAPTERS[kind], seed)
    embeds, deepstack, adapted = run(peft, kind, inputs)
    moved = [(embeds - plain).abs().max().item(), (adapted - logits).abs().max().item()]
    assert min(moved) > 0.1, f'{folder}: the adapter moves features and logits by {moved} only'
    out = GoldenFile()
    out.add('image_embeds', embeds, 'adapter', FEATURE)
    for tap, features in enumerate(deepstack):
        out.add(f'deepstack.{tap}', features, 'adapter', FEATURE)
    out.add('logits', adapted[rows], 'adapter', LOGIT)
    target = os.path.join(folder, OUT)
    peft.to(torch.float32).save_pretrained(target, save_embedding_layers=False)
    for name in os.listdir(target):
        if not name.startswith('adapter_'):
            os.remove(os.path.join(target, name))
    config = os.path.join(target, 'adapter_config.json')
    with open(config, encoding='utf-8') as file:
        settings = json.load(file)
    # The folder it was made in is nobody's business, and sets of targets have no order.
    settings['base_model_name_or_path'] = os.path.basename(os.path.normpath(folder))
    if isinstance(settings['target_modules'], list):
        settings['target_modules'].sort()
    with open(config, 'w', encoding='utf-8') as file:
        json.dump(settings, file, indent=2, sort_keys=True)
    out.save(target, 'io.safetensors')
    names = [f'{OUT}/{name}' for name in sorted(os.listdir(target))]
    about = 'image features and logits under the adapter, by adapter_set.py'
    add_to_manifest(folder, names, {f'{OUT}/io.safetensors': out}, about)
    print(f'{folder}: features move by {moved[0]:.2f}, logits by {moved[1]:.2f}; base off by {off:.1e}')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', nargs='+')
    parser.add_argument('--seed', type=int, default=20)
    args = parser.parse_args()
    torch.set_num_threads(1)
    for folder in args.folder:
        write_set(folder, args.seed)


if __name__ == '__main__':
    main()
