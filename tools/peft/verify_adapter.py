"""Whether Python's PEFT and this engine mean the same by an adapter: equal logits from Hugging Face + PEFT and from
`adapter_logits`, in both directions and under both key styles.

Not a test of a model's answers. Needs torch, transformers, peft, safetensors; the app and its tests never do.
Invariant: an adapter that PEFT would load as a no-op fails: every LoRA tensor of the file must land in a module, no
LoRA tensor of the model may stay unfilled, and every B must be non-zero.

    python tools/peft/verify_adapter.py public/models/pocket [--adapter public/adapters/NAME] [--count 12] [--prompts FILE]

Without --adapter one with random A and B is made by PEFT; --prompts and --count are those of `adapter_logits`. Names of
transformers before 4.52 are compared for the families that had them. Prints the table of docs/results/peft.md; exit code 1 when a
row fails.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import zipfile

import peft
import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForImageTextToText

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../..')
# What f32 sums of the engine may be off. The reference is PEFT in f64: PEFT's own f32 sums are up to 1.4e-3 off, ten times the
# engine's on the same prompt, and said nothing about the engine there.
TOLERANCE = 5e-4
TARGETS = r'.*(language_model|text_model)\.layers\.\d+\.(self_attn\.(q|k|v|o)_proj|mlp\.(gate|up|down)_proj)'
# Families whose decoder had another name before transformers 4.52.
OLD_NAMES = ('qwen2_vl', 'qwen2_5_vl')


def load_base(model, dtype):
    return AutoModelForImageTextToText.from_pretrained(model, dtype=dtype, attn_implementation='eager').eval()


def make_adapter(model, folder, seed=7):
    """An adapter by PEFT itself, with A as PEFT initialises it and B drawn instead of zero."""
    torch.manual_seed(seed)
    wrapped = get_peft_model(load_base(model, torch.float32), LoraConfig(
        r=4, lora_alpha=8, target_modules=TARGETS, task_type='CAUSAL_LM'))
    for name, tensor in wrapped.named_parameters():
        if 'lora_B' in name:
            torch.nn.init.normal_(tensor, std=0.05)
    wrapped.save_pretrained(folder)


def old_style(folder, out):
    """The same adapter under the names of transformers before 4.52."""
    os.makedirs(out)
    weights = load_file(f'{folder}/adapter_model.safetensors')
    renamed = {k.replace('model.language_model.layers', 'model.layers'): v for k, v in weights.items()}
    assert renamed.keys() != weights.keys()
    save_file(renamed, f'{out}/adapter_model.safetensors', metadata={'format': 'pt'})
    config = json.load(open(f'{folder}/adapter_config.json'))
    json.dump(config, open(f'{out}/adapter_config.json', 'w'))


def engine_logits(args, adapter, out, exported):
    command = ['node', 'tools/run.mjs', 'adapter_logits', '--model', os.path.abspath(args.model),
               '--adapter', os.path.abspath(adapter), '--out', out, '--count', str(args.count)]
    prompts = ['--prompts', os.path.abspath(args.prompts)] if args.prompts else []
    subprocess.run(command + prompts + ['--export', exported], cwd=ROOT, check=True)


def apply_checked(model, folder):
    """The base with the adapter in f64; fails unless every tensor of the file is in the model and the other way round."""
    wrapped = PeftModel.from_pretrained(load_base(model, torch.float64), folder).eval().to(torch.float64)
    stored = load_file(f'{folder}/adapter_model.safetensors')
    loaded = {name.replace('.default.weight', '.weight'): tensor
              for name, tensor in wrapped.named_parameters() if 'lora_' in name}
    if stored.keys() != loaded.keys():
        extra, missing = sorted(stored.keys() - loaded.keys()), sorted(loaded.keys() - stored.keys())
        raise SystemExit(f'{folder}: PEFT has no place for {extra[:3]} and found nothing for {missing[:3]}')
    for name, tensor in stored.items():
        assert torch.equal(loaded[name].float(), tensor.float()), f'{name} changed while loading'
    weakest = min(tensor.norm().item() for name, tensor in loaded.items() if 'lora_B' in name)
    assert weakest > 0, f'{folder}: a lora_B is zero, so that its module does nothing'
    return wrapped, len(loaded), weakest


def tiles_of(patches, grid, config):
    """Pictures [tiles, 3, edge, edge] of patch rows in the order of merged blocks."""
    merge, patch = config.scale_factor, config.vision_config.patch_size
    tiles, rows, columns = grid
    blocks = patches.reshape(tiles, rows // merge, columns // merge, merge, merge, 3, patch, patch)
    return blocks.permute(0, 5, 1, 3, 6, 2, 4, 7).reshape(tiles, 3, rows * patch, columns * patch)


@torch.no_grad()
def logits_of(model, tensors, index):
    ids, grid = tensors[f'input_ids.{index}'], tensors[f'grid_thw.{index}']
    pixels = tensors[f'pixel_values.{index}'].to(model.dtype)
    if model.config.model_type == 'smolvlm':
        pictures = {'pixel_values': tiles_of(pixels, grid[0].tolist(), model.config)[None]}
    else:
        types = (ids == model.config.image_token_id).long()
        pictures = {'pixel_values': pixels, 'image_grid_thw': grid, 'mm_token_type_ids': types}
    return model(input_ids=ids, attention_mask=torch.ones_like(ids), **pictures).logits[0]


def compare(theirs, ours):
    """(largest difference, positions, positions whose best token differs although theirs leads by more than the tolerance)."""
    top = theirs.topk(2).values
    clear = top[:, 0] - top[:, 1] > TOLERANCE
    wrong = (theirs.argmax(-1) != ours.argmax(-1)) & clear
    return (theirs - ours).abs().max().item(), len(theirs), int(wrong.sum())


def check(model, folder, engine_file):
    """Rows (prompt, positions, |Δ| adapted, |Δ| base, effect of the adapter, clear argmax disagreements)."""
    wrapped, count, weakest = apply_checked(model, folder)
    tensors = load_file(engine_file)
    rows = []
    for index in range(sum(name.startswith('logits.') for name in tensors)):
        theirs = logits_of(wrapped, tensors, index)
        with wrapped.disable_adapter():
            base = logits_of(wrapped, tensors, index)
        delta, positions, wrong = compare(theirs, tensors[f'logits.{index}'])
        base_delta = compare(base, tensors[f'base.{index}'])[0]
        rows.append((index, positions, delta, base_delta, (theirs - base).abs().max().item(), wrong))
    return rows, count, weakest


def unpack(archive, folder):
    with zipfile.ZipFile(archive) as z:
        assert sorted(z.namelist()) == ['adapter_config.json', 'adapter_model.safetensors'], z.namelist()
        z.extractall(folder)
    with safe_open(f'{folder}/adapter_model.safetensors', 'pt') as f:
        assert f.metadata() == {'format': 'pt'}, f.metadata()
    return folder


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('model')
    parser.add_argument('--adapter')
    parser.add_argument('--count', type=int, default=12)
    parser.add_argument('--prompts')
    return parser.parse_args()


def compare_all(args, work):
    """Runs the engine and returns what is to be compared: (PEFT's folder, its name, the engine's file, its name)."""
    source = args.adapter or f'{work}/peft'
    if args.adapter is None:
        make_adapter(args.model, source)
    pairs = [(source, 'the adapter', 'new', 'the adapter')]
    engine_logits(args, source, f'{work}/new.safetensors', f'{work}/new.zip')
    exports = [(unpack(f'{work}/new.zip', f'{work}/ours'), "the engine's export", 'new', 'the adapter')]
    if AutoConfig.from_pretrained(args.model).model_type in OLD_NAMES:
        old_style(source, f'{work}/old')
        engine_logits(args, f'{work}/old', f'{work}/old.safetensors', f'{work}/old.zip')
        pairs.append((source, 'the adapter', 'old', 'the same, old key style'))
        again = unpack(f'{work}/old.zip', f'{work}/again')
        exports.append((again, "the engine's export of the old style", 'old', 'the same, old key style'))
    return pairs + exports


def main():
    args = parse()
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    failed = False
    with tempfile.TemporaryDirectory() as work:
        compared = compare_all(args, work)
        with safe_open(f'{work}/new.safetensors', 'pt') as f:
            about = f.metadata()
        python = '.'.join(map(str, sys.version_info[:2]))
        print(f'{about["model"].rstrip("/").split("/")[-1]}, {args.adapter or "a random adapter"}: '
              f'{about["modules"]} modules. Python {python}, torch {torch.__version__.split("+")[0]}, '
              f'transformers {transformers.__version__}, peft {peft.__version__}; {about["device"]}.\n')
        print('| PEFT loads | engine loads | tensors | least ‖B‖ | prompts | positions '
              '| max abs Δlogit | base alone | adapter moves logits by | argmax differs |')
        print('|---|---|---|---|---|---|---|---|---|---|')
        for theirs, theirs_name, file, engine_name in compared:
            rows, count, weakest = check(args.model, theirs, f'{work}/{file}.safetensors')
            deltas, bases, moves = ([row[column] for row in rows] for column in (2, 3, 4))
            positions, wrong = sum(row[1] for row in rows), sum(row[5] for row in rows)
            failed |= max(deltas) > TOLERANCE or wrong > 0 or min(moves) <= 100 * TOLERANCE
            print(f'| {theirs_name} | {engine_name} | {count} | {weakest:.3g} | {len(rows)} | {positions} '
                  f'| {max(deltas):.2e} | {max(bases):.2e} | {min(moves):.2f}–{max(moves):.2f} | {wrong} |')
        print('\n| prompt | positions | max abs Δlogit | base alone | adapter moves logits by | argmax differs |')
        print('|---|---|---|---|---|---|')
        for index, positions, delta, base_delta, moved, wrong in rows:
            print(f'| {index} | {positions} | {delta:.2e} | {base_delta:.2e} | {moved:.2f} | {wrong} |')
    print(f'\n{"FAILED" if failed else "Equal"} at a tolerance of {TOLERANCE:g}.')
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
