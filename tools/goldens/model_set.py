"""Golden folders of tiny random Qwen2.5-VL models: weights, one prompt with images, every stage, decode, look-back.

Runs transformers in fp32 with eager attention on weights that 16 bits hold exactly. Not here: adapters (lora_set.py).
Invariant: the weights are redrawn so that attention is far from uniform (the library's own init hides most mistakes),
and the greedy path keeps a margin, so that ids are a fair golden.
"""
import copy
import json
import os
import shutil
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import GenerationConfig, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.vision_utils import get_vision_window_index

from golden_file import EXACT, GoldenFile, write_json, write_manifest
from lora_set import write_lora

HIDDEN = {'abs': 5e-4, 'rel': 1e-4}
TABLE, FEATURE, SHARE, LOGIT = {'abs': 1e-5}, {'abs': 1e-4}, {'abs': 2e-4}, {'abs': 5e-4}
MIN_MARGIN = 5e-3


@dataclass
class Spec:
    """One model and one prompt. `prompt` lists runs of text tokens (a count) and pictures (height, width)."""
    heads: int = 6
    kv: int = 2
    head_dim: int = 16
    inter: int = 136
    layers: int = 3
    vocab: int = 160
    section: tuple = (2, 3, 3)
    theta: float = 1e6
    eps: float = 1e-6
    tie: bool = False
    v_heads: int = 2
    v_head_dim: int = 20
    v_inter: int = 52
    depth: int = 4
    patch: int = 4
    merge: int = 2
    temporal: int = 2
    window: int = 16
    fullatt: tuple = (1, 3)
    pixels: tuple = (64, 6400)
    mean: tuple = (0.48145466, 0.4578275, 0.40821073)
    std: tuple = (0.26862954, 0.26130258, 0.27577711)
    prompt: tuple = (4, (23, 41), 2, (32, 16), 5)
    rows: object = None
    keep_layers: object = None
    keep_steps: object = None
    decode: int = 5
    generate: int = 8
    generation: dict = field(default_factory=lambda: {'do_sample': True, 'temperature': 1e-6,
                                                      'repetition_penalty': 1.05, 'eos_token_id': [2, 1]})
    dtype: torch.dtype = torch.bfloat16
    # Raw keys written over config.json after everything is computed; None removes one.
    config: dict = field(default_factory=dict)
    processor: dict = field(default_factory=dict)
    # Adapter, see lora_set.py; None makes none.
    lora: object = None
    variants: bool = True
    video: bool = True
    max_position: int = 512


def model_config(spec, tie):
    v = spec.vocab
    config = Qwen2_5_VLConfig(
        text_config=dict(
            vocab_size=v, hidden_size=spec.heads * spec.head_dim, intermediate_size=spec.inter,
            num_hidden_layers=spec.layers, num_attention_heads=spec.heads, num_key_value_heads=spec.kv,
            hidden_act='silu', max_position_embeddings=spec.max_position, rms_norm_eps=spec.eps, use_sliding_window=False,
            rope_parameters={'rope_type': 'default', 'type': 'mrope', 'rope_theta': spec.theta,
                             'mrope_section': list(spec.section)},
            bos_token_id=1, eos_token_id=2, pad_token_id=1),
        vision_config=dict(
            depth=spec.depth, hidden_size=spec.v_heads * spec.v_head_dim, hidden_act='silu',
            intermediate_size=spec.v_inter, num_heads=spec.v_heads, in_channels=3, patch_size=spec.patch,
            spatial_merge_size=spec.merge, temporal_patch_size=spec.temporal, tokens_per_second=2,
            window_size=spec.window, out_hidden_size=spec.heads * spec.head_dim,
            fullatt_block_indexes=list(spec.fullatt)),
        image_token_id=v - 9, video_token_id=v - 8, vision_start_token_id=v - 11, vision_end_token_id=v - 10,
        tie_word_embeddings=tie)
    config._attn_implementation = 'eager'
    return config


def redraw(model, seed, dtype, tie):
    """Norms 1 + 0.2 N, biases 0.2 N, matrices N / sqrt(fan in) (twice that for q and k), embeddings N (less when tied)."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            noise = torch.randn(weight.shape, generator=generator)
            if name.endswith('.bias'):
                noise *= 0.2
            elif weight.ndim == 1:
                noise = 1 + 0.2 * noise
            elif 'embed_tokens' in name:
                noise *= 0.15 if tie else 1
            else:
                noise /= weight[0].numel() ** 0.5
                if any(part in name for part in ('q_proj', 'k_proj', 'attn.qkv')):
                    noise *= 2
            # Both 16-bit formats hold the rounded value, so that one draw serves every storage dtype.
            rounded = noise.to(torch.bfloat16).to(torch.float16).float() if dtype == torch.float16 else noise
            weight.copy_(rounded.to(torch.bfloat16).float())


def build(spec, seed, tie):
    model = Qwen2_5_VLForConditionalGeneration(model_config(spec, tie)).float().eval()
    redraw(model, seed, spec.dtype, tie)
    return model


def preprocessor_config(spec):
    return {'do_resize': True, 'do_rescale': True, 'rescale_factor': 1 / 255, 'do_normalize': True,
            'do_convert_rgb': True, 'image_mean': list(spec.mean), 'image_std': list(spec.std), 'resample': 3,
            'patch_size': spec.patch, 'temporal_patch_size': spec.temporal, 'merge_size': spec.merge,
            'min_pixels': spec.pixels[0], 'max_pixels': spec.pixels[1],
            'image_processor_type': 'Qwen2VLImageProcessor', 'processor_class': 'Qwen2_5_VLProcessor'}


def make_prompt(spec, seed):
    """Ids [1, S], pictures, pixel values and grids; every picture stands between vision_start and vision_end."""
    rng = np.random.default_rng(seed)
    config = model_config(spec, spec.tie)
    processor = Qwen2VLImageProcessorPil(**{k: v for k, v in preprocessor_config(spec).items() if not k.endswith('type')
                                            and k != 'processor_class'})
    pictures = [rng.integers(0, 256, (*item, 3), dtype=np.uint8) for item in spec.prompt if isinstance(item, tuple)]
    pixels, grids = None, torch.zeros(0, 3, dtype=torch.long)
    if pictures:
        out = processor(images=[Image.fromarray(p) for p in pictures], return_tensors='pt')
        pixels, grids = out['pixel_values'], out['image_grid_thw']
    ids, image = [], 0
    for item in spec.prompt:
        if isinstance(item, tuple):
            count = int(grids[image].prod()) // spec.merge ** 2
            ids += [config.vision_start_token_id, *[config.image_token_id] * count, config.vision_end_token_id]
            image += 1
        else:
            ids += rng.integers(3, spec.vocab - 12, item).tolist()
    return torch.tensor([ids]), pictures, pixels, grids


class Recorder:
    """Outputs (or first inputs) of modules during one forward pass, in order of the calls."""

    def __init__(self):
        self.seen, self.handles = {}, []

    def output(self, key, module):
        self.handles.append(module.register_forward_hook(
            lambda _m, _i, out: self.seen.setdefault(key, []).append(out)))

    def first_input(self, key, module):
        self.handles.append(module.register_forward_pre_hook(
            lambda _m, args, kwargs: self.seen.setdefault(key, []).append(args[0] if args else kwargs['hidden_states']),
            with_kwargs=True))

    def close(self):
        for handle in self.handles:
            handle.remove()


def cu_full(grids):
    lengths = [int(h * w) for t, h, w in grids.tolist() for _ in range(t)]
    return torch.tensor([0, *np.cumsum(lengths).tolist()])


def windows(spec, grids):
    return get_vision_window_index(grids, spatial_merge_size=spec.merge, window_size=spec.window, patch_size=spec.patch,
                                   kwargs={})


def unpermute(x, index, unit):
    back = torch.argsort(index)
    return x.view(-1, unit, x.shape[-1])[back].reshape(x.shape)


def add_vision(out, spec, model, pixels, grids):
    index, cu = windows(spec, grids)
    recorder = Recorder()
    visual = model.model.visual
    recorder.output('patch', visual.patch_embed)
    recorder.output('rope', visual.rotary_pos_emb)
    for block in visual.blocks:
        recorder.output('block', block)
    features = visual(pixels, grid_thw=grids).pooler_output
    recorder.close()
    cos, sin = recorder.seen['rope'][0]
    out.add('vit.window_index', index, 'vision', EXACT)
    out.add('vit.cu_window', torch.unique_consecutive(torch.as_tensor(cu)), 'vision', EXACT)
    out.add('vit.cu_full', cu_full(grids), 'vision', EXACT)
    out.add('vit.cos', cos.reshape(pixels.shape[0], -1), 'vision', TABLE)
    out.add('vit.sin', sin.reshape(pixels.shape[0], -1), 'vision', TABLE)
    out.add('vit.patch_embed', recorder.seen['patch'][0], 'vision', FEATURE)
    for i, block in enumerate(recorder.seen['block']):
        out.add(f'vit.block.{i}', unpermute(block, index, spec.merge ** 2), 'vision', HIDDEN)
        out.add(f'vit.block.{i}.permuted', block, 'vision', HIDDEN)
    out.add('image_embeds', features, 'vision', FEATURE)


def add_video(out, spec, model, seed):
    m = spec.merge
    grids = torch.tensor([[2, 3 * m, 5 * m], [1, 2 * m, 2 * m], [3, m, 3 * m]])
    generator = torch.Generator().manual_seed(seed)
    width = 3 * spec.temporal * spec.patch ** 2
    pixels = torch.randn(int(grids.prod(-1).sum()), width, generator=generator)
    index, cu = windows(spec, grids)
    out.given('vit_video.pixel_values', pixels, 'vision')
    out.given('vit_video.grid_thw', grids, 'vision')
    out.add('vit_video.window_index', index, 'vision', EXACT)
    out.add('vit_video.cu_window', torch.unique_consecutive(torch.as_tensor(cu)), 'vision', EXACT)
    out.add('vit_video.cu_full', cu_full(grids), 'vision', EXACT)
    out.add('vit_video.image_embeds', model.model.visual(pixels, grid_thw=grids).pooler_output, 'vision', FEATURE)


def media(pixels, grids):
    return {} if pixels is None else {'pixel_values': pixels, 'image_grid_thw': grids}


def types_of(ids, config):
    return (ids == config.image_token_id).int()


def add_prompt(out, spec, model, ids, pixels, grids, rows):
    """Text stages; returns the forward output with its cache."""
    text = model.model.language_model
    recorder = Recorder()
    recorder.output('rope', text.rotary_emb)
    for layer in text.layers:
        recorder.first_input('in', layer)
    recorder.first_input('pre', text.norm)
    recorder.output('post', text.norm)
    result = model(input_ids=ids, mm_token_type_ids=types_of(ids, model.config), use_cache=True, output_attentions=True,
                   **media(pixels, grids))
    recorder.close()
    grid = grids if len(grids) else None
    positions, delta = model.model.get_rope_index(ids, types_of(ids, model.config), image_grid_thw=grid)
    cos, sin = recorder.seen['rope'][0]
    out.add('position_ids', positions[:, 0], 'position', EXACT)
    out.add('rope_delta', delta.reshape(1), 'position', EXACT)
    out.add('text.cos', cos[0], 'position', TABLE)
    out.add('text.sin', sin[0], 'position', TABLE)
    kept = range(spec.layers) if spec.keep_layers is None else spec.keep_layers
    for i in kept:
        out.add(f'text.layer_in.{i}', recorder.seen['in'][i][0], 'text', HIDDEN)
    out.add('text.pre_norm', recorder.seen['pre'][0][0], 'text', HIDDEN)
    out.add('text.post_norm', recorder.seen['post'][0][0], 'text', HIDDEN)
    out.given('rows', torch.tensor(rows))
    for i in kept:
        layer = result.past_key_values.layers[i]
        out.add(f'attn.{i}', result.attentions[i][0][:, rows], 'attention', SHARE)
        out.add(f'kv.{i}.k', layer.keys[0], 'text', HIDDEN)
        out.add(f'kv.{i}.v', layer.values[0], 'text', HIDDEN)
    out.add('logits', result.logits[0][rows], 'logits', LOGIT)
    return result


def greedy(model, ids, pixels, grids, steps):
    """Ids, logits and attention rows of `steps` tokens, end ids ignored; and the smallest margin."""
    types = types_of(ids, model.config)
    result = model(input_ids=ids, mm_token_type_ids=types, use_cache=True, **media(pixels, grids))
    _, delta = model.model.get_rope_index(ids, types, image_grid_thw=grids if len(grids) else None)
    cache, scores, chosen, attention = result.past_key_values, [result.logits[0, -1]], [], []
    for step in range(1, steps + 1):
        chosen.append(int(scores[-1].argmax()))
        if step == steps:
            break
        position = (ids.shape[1] + step - 1 + delta).reshape(1, 1, 1).expand(3, 1, 1)
        result = model(input_ids=torch.tensor([[chosen[-1]]]), position_ids=position, past_key_values=cache,
                       use_cache=True, output_attentions=True)
        scores.append(result.logits[0, -1])
        attention.append(torch.stack([a[0, :, 0] for a in result.attentions]))
    scores = torch.stack(scores)
    best = scores.topk(2).values
    return chosen, scores, attention, float((best[:, 0] - best[:, 1]).min())


def add_decode(out, spec, ids, config, grids, decoded):
    chosen, scores, attention, _ = decoded
    out.add('decode.ids', torch.tensor(chosen), 'decode', EXACT)
    out.add('decode.logits', scores, 'decode', LOGIT)
    for step, rows in enumerate(attention, 1):
        if spec.keep_steps is None or step in spec.keep_steps:
            out.add(f'decode.attn.{step}', rows, 'decode', SHARE)
    if len(grids) == 0:
        return
    prompt = ids[0]
    pads = prompt == config.image_token_id
    start, count, end = int(pads.nonzero()[0]), int(grids[0].prod()) // spec.merge ** 2, len(prompt)
    sums, ratios, masked = [], [], []
    for rows in attention:
        bounds = [0, start, start + count, start + count + 1, end, rows.shape[-1]]
        sums.append(torch.stack([rows[..., a:b].sum(-1) for a, b in zip(bounds, bounds[1:])], -1))
        mean = rows.mean(1)
        total = mean[:, start:].sum(-1)
        ratios.append(torch.stack([mean[:, start:start + count].sum(-1), mean[:, start + count + 1:end].sum(-1),
                                   mean[:, end:].sum(-1)]).div(total).mean(-1))
        image, text = mean[:, :end][:, pads].sum(-1), mean[:, start:end][:, ~pads[start:]].sum(-1)
        masked.append(torch.stack([image, text, mean[:, end:].sum(-1)]).div(total).mean(-1))
    out.add('lookback.ranges', torch.tensor([start, count, end]), 'lookback', EXACT)
    for name, value in (('sums', sums), ('ratio', ratios), ('mask_ratio', masked)):
        out.add(f'lookback.{name}', torch.stack(value), 'lookback', SHARE)


def generated(spec, model, ids, pixels, grids):
    """Ids of generate() with the folder's settings, and whether two seeds agree: only then is sampling a golden."""
    settings = {'bos_token_id': 1, 'pad_token_id': 1, **spec.generation}
    results = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        result = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids),
                                mm_token_type_ids=types_of(ids, model.config),
                                generation_config=GenerationConfig(**settings, max_new_tokens=spec.generate),
                                **media(pixels, grids))
        results.append(result[0, ids.shape[1]:])
    return settings, results[0], torch.equal(results[0], results[1])


def renamed(tensors):
    out = {}
    for name, value in tensors.items():
        if name.startswith('visual.'):
            name = f'model.{name}'
        elif name.startswith('model.') and not name.startswith(('model.visual.', 'model.language_model.')):
            name = f'model.language_model.{name[len("model."):]}'
        out[name] = value
    return out


def flat_config(nested):
    text = dict(nested['text_config'])
    rope = text.pop('rope_parameters')
    for key in ('layer_types', 'model_type', 'sliding_window'):
        text.pop(key, None)
    vision = {k: v for k, v in nested['vision_config'].items()
              if k not in ('rope_parameters', 'model_type', 'in_channels', 'initializer_range')}
    top = {k: v for k, v in nested.items() if k not in ('text_config', 'vision_config', 'dtype')}
    return {**top, **text, 'sliding_window': 32768, 'max_window_layers': 70, 'rope_theta': rope['rope_theta'],
            'torch_dtype': 'bfloat16', 'rope_scaling': {'type': 'mrope', 'mrope_section': rope['mrope_section']},
            'vision_config': {**vision, 'in_chans': 3, 'spatial_patch_size': vision['patch_size']}}


def save_model(model, folder, dtype):
    # A copy, because narrowing would also round the rotary frequencies.
    copy.deepcopy(model).to(dtype).save_pretrained(folder)
    generation = os.path.join(folder, 'generation_config.json')
    if os.path.exists(generation):
        os.remove(generation)


def add_variants(folder, spec, seed, inputs, rows, goldens):
    tensors = load_file(os.path.join(folder, 'model.safetensors'))
    config = json.load(open(os.path.join(folder, 'config.json')))
    new = os.path.join(folder, 'variants/new-prefix')
    os.makedirs(new)
    save_file(renamed(tensors), os.path.join(new, 'model.safetensors'))
    shutil.copy(os.path.join(folder, 'config.json'), new)
    sharded = os.path.join(folder, 'variants/sharded')
    write_json(sharded, 'config.json', flat_config(config))
    names = sorted(tensors)
    shards = [names[:len(names) // 2], names[len(names) // 2:]]
    weight_map = {}
    for i, shard in enumerate(shards, 1):
        file = f'model-{i:05d}-of-{len(shards):05d}.safetensors'
        save_file({name: tensors[name] for name in shard}, os.path.join(sharded, file))
        weight_map.update({name: file for name in shard})
    write_json(sharded, 'model.safetensors.index.json', {'metadata': {'total_size': 0}, 'weight_map': weight_map})
    other = build(spec, seed + 7, not spec.tie)
    name = 'untied' if spec.tie else 'tied'
    ids, _, pixels, grids = inputs
    out = GoldenFile()
    result = other(input_ids=ids, mm_token_type_ids=types_of(ids, other.config), **media(pixels, grids))
    out.given('rows', torch.tensor(rows), 'logits')
    out.add('logits', result.logits[0][rows], 'logits', LOGIT)
    save_model(other, os.path.join(folder, f'variants/{name}'), spec.dtype)
    out.save(os.path.join(folder, f'variants/{name}'))
    goldens[f'variants/{name}/io.safetensors'] = out


def find_seed(spec, seed):
    """The first seed whose greedy and generated paths are no matter of rounding."""
    for attempt in range(seed, seed + 40):
        model = build(spec, attempt, spec.tie)
        inputs = make_prompt(spec, attempt)
        ids, _, pixels, grids = inputs
        decoded = greedy(model, ids, pixels, grids, spec.decode)
        settings, tokens, stable = generated(spec, model, ids, pixels, grids)
        if decoded[3] > MIN_MARGIN and stable:
            return attempt, model, inputs, decoded, settings, tokens
    raise SystemExit('no seed with a clear margin: use fewer steps')


def override(folder, file, changes):
    path = os.path.join(folder, file)
    value = json.load(open(path))
    for key, change in changes.items():
        part, _, leaf = key.rpartition('.')
        at = value[part] if part else value
        at.pop(leaf, None)
        if change is not None:
            at[leaf] = change
    write_json(folder, file, value)


@torch.no_grad()
def write_model_set(folder, name, spec, seed):
    shutil.rmtree(folder, ignore_errors=True)
    seed, model, inputs, decoded, settings, tokens = find_seed(spec, seed)
    ids, pictures, pixels, grids = inputs
    length = ids.shape[1]
    rows = list(range(length)) if spec.rows is None else [r % length for r in spec.rows]
    out = GoldenFile()
    for i, picture in enumerate(pictures):
        out.given(f'image.{i}', picture)
    out.given('input_ids', ids[0])
    if pictures:
        out.add('pixel_values', pixels, 'processor', {'abs': 1e-6})
        out.add('image_grid_thw', grids, 'processor', EXACT)
        add_vision(out, spec, model, pixels, grids)
    add_prompt(out, spec, model, ids, pixels, grids, rows)
    add_decode(out, spec, ids, model.config, grids, decoded)
    out.add('generate.ids', tokens, 'generate', EXACT)
    if spec.video:
        add_video(out, spec, model, seed)
    out.save(folder)
    goldens = {'io.safetensors': out}
    save_model(model, folder, spec.dtype)
    write_json(folder, 'generation_config.json', settings)
    write_json(folder, 'preprocessor_config.json', preprocessor_config(spec))
    if spec.variants:
        add_variants(folder, spec, seed, inputs, rows, goldens)
    if spec.lora:
        write_lora(folder, model, spec.lora, inputs, media(pixels, grids), rows, seed, goldens)
    override(folder, 'config.json', spec.config)
    override(folder, 'preprocessor_config.json', spec.processor)
    write_manifest(folder, name, seed, goldens)
    print(f'{name}: seed {seed}, {length} tokens, {len(pictures)} pictures, margin {decoded[3]:.3f}, '
          f'generated {tokens.tolist()}')
