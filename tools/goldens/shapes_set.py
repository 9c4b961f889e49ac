"""Goldens of models in their true sizes with weights from a counter hash (hash_weights.py): what no file could hold.

    python tools/goldens/shapes_set.py test/fixtures/shapes      # about five minutes, 9 GB of memory
    python tools/goldens/shapes_set.py test/fixtures/shapes --only smolvlm-256m

Writes FOLDER/SET.json (prompt, picture, expected ids, tolerances) and FOLDER/SET.safetensors (samples of every stage).
Values are those of transformers run in float64 (its norms and rotary tables stay float32); a stage's tolerance is ten
times how far its own float32 run lies from them.
"""
import argparse
import json
import os
import re
from types import SimpleNamespace

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import (Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, SmolVLMConfig,
                          SmolVLMForConditionalGeneration)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

from hash_weights import fill

SAMPLES = 1024
NOISE_MARGIN = 10
TEXT_LAYERS = ('model.text_model.layers.', 'model.language_model.layers.')


def sample(value):
    """Values at places spread by a multiplicative hash; element k is at (k * 2654435761 mod 2^32) mod size."""
    flat = value.detach().reshape(-1).double()
    at = torch.tensor([(k * 2654435761 % 2**32) % flat.numel() for k in range(min(SAMPLES, flat.numel()))])
    return flat[at]


def picture(seed, height, width):
    """Smooth noise: bytes of the fixtures' linear congruential generator, each held for 8 x 8 pixels."""
    state, cells = seed, []
    rows, columns = -(-height // 8), -(-width // 8)
    for _ in range(rows * columns * 3):
        state = (state * 1664525 + 1013904223) % 2**32
        cells.append(state >> 24)
    small = np.array(cells, np.uint8).reshape(rows, columns, 3)
    return np.repeat(np.repeat(small, 8, 0), 8, 1)[:height, :width]


# How far the values of a matrix spread, times the root of its width: the first entry whose word is in the name counts.
GAINS = (('position_embedding', 14.0), ('lm_head', 2.0), ('q_proj', 2.0), ('k_proj', 2.0), ('attn.qkv', 2.0))
EMBEDDING = (('embed_tokens', 24.0),)
TIED_EMBEDDING = (('embed_tokens', 2.0),)


def limit_of(name):
    """Text layers are made for four bits, as the engine keeps them by default, everything else for eight."""
    return 7 if name.startswith(TEXT_LAYERS) else 127


def gain_of(name, gains):
    return next((gain for word, gain in gains if word in name), 1.0)


def smolvlm():
    """SmolVLM-256M whole: HuggingFaceTB/SmolVLM-256M-Instruct's sizes; a 512-pixel picture that is not split."""
    text = dict(model_type='llama', vocab_size=49280, hidden_size=576, intermediate_size=1536, num_hidden_layers=30,
                num_attention_heads=9, num_key_value_heads=3, head_dim=64, hidden_act='silu', rms_norm_eps=1e-5,
                rope_parameters={'rope_type': 'default', 'rope_theta': 100000.0}, max_position_embeddings=8192,
                attention_bias=False, mlp_bias=False, tie_word_embeddings=False, bos_token_id=1, eos_token_id=2,
                pad_token_id=2)
    vision = dict(model_type='smolvlm_vision', hidden_size=768, intermediate_size=3072, num_hidden_layers=12,
                  num_attention_heads=12, image_size=512, patch_size=16, hidden_act='gelu_pytorch_tanh',
                  layer_norm_eps=1e-6, num_channels=3)
    config = SmolVLMConfig(text_config=text, vision_config=vision, scale_factor=4, image_token_id=49190,
                           tie_word_embeddings=False, pad_token_id=2)
    processor = {'do_resize': True, 'do_rescale': True, 'rescale_factor': 1 / 255, 'do_normalize': True,
                 'do_convert_rgb': True, 'do_pad': True, 'do_image_splitting': True, 'resample': 1,
                 'image_mean': [0.5] * 3, 'image_std': [0.5] * 3, 'size': {'longest_edge': 512},
                 'max_image_size': {'longest_edge': 512}, 'image_processor_type': 'SmolVLMImageProcessor'}
    image = picture(7, 384, 512)
    out = SmolVLMImageProcessorPil(**{k: v for k, v in processor.items() if not k.endswith('type')})(
        images=[[Image.fromarray(image)]], return_tensors='pt')
    pixels = out['pixel_values']
    words = lambda count, first: [(first + 7919 * k) % 49000 + 100 for k in range(count)]
    ids = [1, *words(6, 11), 49189, 49152, *[49190] * 64, 49189, *words(12, 5000), 49279, 198, *words(2, 9000)]
    stages = {'vision.embeddings': 'model.vision_model.embeddings'}
    for block in (0, 5, 11):
        stages[f'vision.block.{block}'] = f'model.vision_model.encoder.layers.{block}'
    stages['image_embeds'] = 'model.connector'
    for layer in (0, 14, 29):
        stages[f'text.layer_out.{layer}'] = f'model.text_model.layers.{layer}'
    return dict(make=SmolVLMForConditionalGeneration, config=config, processor=processor, image=image, ids=ids,
                inputs={'pixel_values': pixels}, stages=stages, steps=8,
                gains=GAINS + EMBEDDING)


def qwen():
    """Qwen2.5-VL-3B's layer shapes: two layers of each tower, the whole vocabulary."""
    text = dict(vocab_size=151936, hidden_size=2048, intermediate_size=11008, num_hidden_layers=2,
                num_attention_heads=16, num_key_value_heads=2, hidden_act='silu', rms_norm_eps=1e-6,
                rope_parameters={'rope_type': 'default', 'type': 'mrope', 'rope_theta': 1e6,
                                 'mrope_section': [16, 24, 24]},
                max_position_embeddings=128000, use_sliding_window=False, bos_token_id=151643, eos_token_id=151645,
                pad_token_id=151643)
    vision = dict(depth=2, hidden_size=1280, hidden_act='silu', intermediate_size=3420, num_heads=16, in_channels=3,
                  patch_size=14, spatial_merge_size=2, temporal_patch_size=2, tokens_per_second=2, window_size=112,
                  out_hidden_size=2048, fullatt_block_indexes=[1])
    config = Qwen2_5_VLConfig(text_config=text, vision_config=vision, image_token_id=151655, video_token_id=151656,
                              vision_start_token_id=151652, vision_end_token_id=151653, tie_word_embeddings=True)
    processor = {'do_resize': True, 'do_rescale': True, 'rescale_factor': 1 / 255, 'do_normalize': True,
                 'do_convert_rgb': True, 'image_mean': [0.48145466, 0.4578275, 0.40821073],
                 'image_std': [0.26862954, 0.26130258, 0.27577711], 'resample': 3, 'patch_size': 14,
                 'temporal_patch_size': 2, 'merge_size': 2, 'min_pixels': 3136, 'max_pixels': 12845056,
                 'image_processor_type': 'Qwen2VLImageProcessor'}
    image = picture(9, 120, 170)
    out = Qwen2VLImageProcessorPil(**{k: v for k, v in processor.items() if not k.endswith('type')})(
        images=[Image.fromarray(image)], return_tensors='pt')
    pixels, grid = out['pixel_values'], out['image_grid_thw']
    tokens = int(grid.prod()) // 4
    words = lambda count, first: [(first + 7919 * k) % 150000 for k in range(count)]
    ids = [*words(5, 11), 151652, *[151655] * tokens, 151653, *words(9, 70000)]
    kinds = torch.tensor([[int(token == 151655) for token in ids]])
    stages = {f'vision.block.{block}': f'model.visual.blocks.{block}' for block in (0, 1)}
    stages['image_embeds'] = 'model.visual.merger'
    stages |= {f'text.layer_out.{layer}': f'model.language_model.layers.{layer}' for layer in (0, 1)}
    return dict(make=Qwen2_5_VLForConditionalGeneration, config=config, processor=processor, image=image, ids=ids,
                inputs={'pixel_values': pixels, 'image_grid_thw': grid, 'mm_token_type_ids': kinds},
                stages=stages, steps=3, gains=GAINS + TIED_EMBEDDING)


SETS = {'smolvlm-256m': (smolvlm, (7, 384, 512)), 'qwen2_5_vl-3b': (qwen, (9, 120, 170))}


def run(model, spec, dtype):
    """Samples of every stage of the prompt, then greedy steps by full recomputation: samples of logits, ids, margin."""
    model = model.to(dtype)
    found, hooks, features = {}, [], []
    for name, module in spec['stages'].items():
        def keep(_, __, output, name=name):
            value = output[0] if isinstance(output, tuple) else output
            if name == 'image_embeds':
                features.append(value)
            found.setdefault(name, sample(value))
        hooks.append(model.get_submodule(module).register_forward_hook(keep))
    ids, rows, chosen, margin = list(spec['ids']), [], [], float('inf')
    inputs = {k: v.to(dtype) if v.is_floating_point() else v for k, v in spec['inputs'].items()}
    for _ in range(spec['steps']):
        if 'image_embeds' in found and 'image_grid_thw' not in inputs:
            # The features of the first step again: this tower is nearly all of the work.
            inputs = {'mm_encoder_outputs': {'image': SimpleNamespace(pooler_output=features[0])}}
        if 'mm_token_type_ids' in inputs:
            inputs['mm_token_type_ids'] = torch.tensor([[int(i == spec['config'].image_token_id) for i in ids]])
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids]), use_cache=False, **inputs, logits_to_keep=1).logits[0, -1]
        best = logits.double().topk(2).values
        margin = min(margin, float(best[0] - best[1]))
        rows.append(logits.double())
        chosen.append(int(logits.argmax()))
        ids.append(chosen[-1])
    for hook in hooks:
        hook.remove()
    found['logits'] = torch.stack([sample(row) for row in rows])
    return found, chosen, margin


def released(config):
    """A config as checkpoints hold it: without what transformers adds to every one."""
    junk = re.compile('id2label|label2id|chunk_size|output_|problem_type|_name_or_path|return_dict|architectures|_impl')
    return {key: released(value) if isinstance(value, dict) else value for key, value in config.items()
            if value is not None and not junk.search(key)}


def write(folder, name):
    make, (seed, height, width) = SETS[name]
    spec = make()
    spec['config']._attn_implementation = 'eager'
    model = spec['make'](spec['config']).eval()
    model.config._attn_implementation = 'eager'
    fill(model, limit_of, lambda parameter: gain_of(parameter, spec['gains']))
    single, single_ids, _ = run(model, spec, torch.float32)
    double, ids, margin = run(model, spec, torch.float64)
    noise = {stage: float((single[stage] - value).abs().max()) for stage, value in double.items()}
    assert ids == single_ids, 'the greedy path hangs on rounding'
    tolerances = {stage: NOISE_MARGIN * value for stage, value in noise.items()}
    assert margin > 4 * tolerances['logits'], (margin, noise)
    os.makedirs(folder, exist_ok=True)
    save_file({stage: value.float().contiguous() for stage, value in double.items()},
              os.path.join(folder, f'{name}.safetensors'))
    config = released(json.loads(spec['config'].to_json_string(use_diff=False)))
    named = [parameter for parameter, _ in model.named_parameters()]
    document = {
        'int4_prefix': next(prefix for prefix in TEXT_LAYERS if any(n.startswith(prefix) for n in named)),
        'gains': spec['gains'], 'config': config, 'processor': spec['processor'], 'input_ids': spec['ids'],
        'picture': {'lcg_seed': seed, 'height': height, 'width': width, 'hold': 8},
        'greedy_ids': ids, 'margin': margin,
        'parameters': sum(p.numel() for p in model.parameters()), 'tolerances': tolerances,
        'largest': {stage: float(value.abs().max()) for stage, value in double.items()},
    }
    with open(os.path.join(folder, f'{name}.json'), 'w', encoding='utf-8') as out:
        out.write('{\n' + ',\n'.join(f' {json.dumps(k)}: {json.dumps(v)}' for k, v in document.items()) + '\n}\n')
    print(name, 'margin', margin, 'noise', noise)


if __name__ == '__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('folder')
    parser.add_argument('--only', choices=SETS)
    options = parser.parse_args()
    for name in [options.only] if options.only else SETS:
        write(options.folder, name)
