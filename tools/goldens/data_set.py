"""Golden folders of data preparation: resizing and patches by Pillow and transformers, text by its tokenizers.

Not here: SmolVLM tiles. Invariant: pictures are procedural (a 32-bit LCG, top byte of each state), so that a case is
its settings and needs no picture on disk.
"""
import os
import random
import shutil

import numpy as np
import torch
from PIL import Image
from transformers import AutoTokenizer
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil, smart_resize

from golden_file import EXACT, GoldenFile, write_json, write_manifest

# Source and target, height first: single pixels, primes, hardly a change, and one axis only.
RESIZES = (((1, 1), (5, 3)), ((5, 3), (1, 1)), ((17, 31), (16, 32)), ((97, 2), (3, 89)), ((64, 50), (64, 51)),
           ((33, 40), (99, 40)), ((200, 7), (11, 300)), ((1, 500), (7, 13)))
# Height, width, channels, patch, merge, temporal, smallest and largest number of pixels.
PATCHES = ((9, 31, 3, 4, 2, 2, 64, 6400), (50, 20, 4, 6, 3, 1, 400, 4000), (33, 47, 1, 14, 2, 3, 3136, 9000),
           (5, 5, 3, 16, 1, 2, 2000, 3000), (120, 7, 3, 4, 2, 2, 64, 300), (28, 56, 3, 14, 2, 2, 3136, 12845056))


def procedural(seed, height, width, channels):
    state, out = np.uint32(seed), np.empty(height * width * channels, np.uint8)
    value = int(state)
    for i in range(out.size):
        value = (value * 1664525 + 1013904223) % 2 ** 32
        out[i] = value >> 24
    image = out.reshape(height, width, channels)
    return Image.fromarray(image[..., 0] if channels == 1 else image)


def source(seed, height, width, channels):
    return {'lcg_seed': seed, 'height': height, 'width': width, 'channels': channels}


def smart_resize_rows(rng, count):
    rows, refused = [], []
    while len(rows) < count:
        factor = rng.choice((8, 14, 18, 28, 32, 48))
        low = rng.choice((factor ** 2, 3136, 65536))
        high = low * rng.choice((2, 16, 4096))
        h, w = (max(1, int(2 ** rng.uniform(0, 12))) for _ in range(2))
        try:
            rows.append([h, w, factor, low, high, *smart_resize(h, w, factor, low, high)])
        except ValueError:
            refused.append([h, w, factor, low, high])
    return rows, refused


def write_preprocess_set(folder, seed):
    shutil.rmtree(folder, ignore_errors=True)
    rng, out, cases = random.Random(seed), GoldenFile(), {}
    rows, refused = smart_resize_rows(rng, 400)
    out.add('smart_resize', torch.tensor(rows), 'preprocess', EXACT)
    out.add('smart_resize_errors', torch.tensor(refused or [[1, 900, 28, 3136, 9999]]), 'preprocess', EXACT)
    for i, (size, target) in enumerate(RESIZES):
        cases[f'resize.{i}'] = {'kind': 'pillow_resize', 'source': source(seed + i, *size, 3), 'out_height': target[0],
                                'out_width': target[1]}
        image = procedural(seed + i, *size, 3)
        for name, method in (('bicubic', Image.BICUBIC), ('lanczos', Image.LANCZOS)):
            out.add(f'resize.{i}.{name}', np.array(image.resize(target[::-1], method)), 'preprocess', EXACT)
    for i, (height, width, channels, patch, merge, temporal, low, high) in enumerate(PATCHES):
        config = {'do_resize': True, 'do_rescale': True, 'rescale_factor': 1 / 255, 'do_normalize': True,
                  'do_convert_rgb': True, 'resample': 3, 'patch_size': patch, 'temporal_patch_size': temporal,
                  'merge_size': merge, 'image_mean': [0.5, 0.4, 0.3], 'image_std': [0.25, 0.5, 0.3],
                  'min_pixels': low, 'max_pixels': high}
        first, second = source(seed + 100 + i, height, width, channels), source(seed + 200 + i, width, height, 3)
        cases[f'qwen.{i}'] = {'kind': 'qwen', 'sources': [first, second],
                              'config': {**config, 'image_processor_type': 'Qwen2VLImageProcessor'}}
        images = [procedural(s['lcg_seed'], s['height'], s['width'], s['channels']) for s in (first, second)]
        result = Qwen2VLImageProcessorPil(**config)(images=images, return_tensors='pt')
        out.add(f'qwen.{i}.grid_thw', result['image_grid_thw'], 'preprocess', EXACT)
        out.add(f'qwen.{i}.pixel_values', result['pixel_values'], 'preprocess', {'abs': 1e-6})
    out.save(folder, 'preprocess.safetensors')
    write_json(folder, 'cases.json', cases)
    write_manifest(folder, 'preprocess', seed, {'preprocess.safetensors': out})
    print(f'preprocess: {len(rows)} sizes, {len(cases)} cases')


PIECES = ('the', ' boat', "'s", "'LL", "'ſ", ' ', '  ', '\n', '\r\n', '\t', '\u00a0', '\u2028', '\ufeff', '\u0085', 'é',
          'e\u0301', 'ﬁ', '½', '٣', '12', '3.14', '_', '--', '!?', '…', '“', '图片', 'क्षे', '👍🏽', '👨‍👩‍👧', '\u200d', 'İ', 'ß',
          '<think>', '</think>', '<back>', '</back>', '<|im_start|>', '<|im_end|>', '<|image_pad|>', '<|im_', '|>',
          '<|vision_start|>', '<|endoftext|>', '<tool_call>', '\\boxed{', '}', '\u0000', '\u001b', 'Å', 'ÅÅ', '가', 'ᄀ', 'ᅡ',
          'x', 'A', 'Z', '<', '>', '/', '\U0001f600', '\U00020000', '\u0600', '\u0e33', '\u1f80')


def chat(rng):
    messages, grids = [], []

    def content(pictures):
        items = []
        for _ in range(rng.randint(1, 3)):
            if pictures and rng.random() < 0.5:
                items.append({'type': 'image'})
                grids.append([1, 2 * rng.randint(1, 4), 2 * rng.randint(1, 4)])
            else:
                items.append({'type': 'text', 'text': ''.join(rng.choices(PIECES[:30] + PIECES[-12:], k=5))})
        return items
    if rng.random() < 0.4:
        messages.append({'role': 'system', 'content': content(False)})
    for turn in range(rng.randint(1, 3)):
        if turn:
            messages.append({'role': 'assistant', 'content': content(False)})
        messages.append({'role': 'user', 'content': content(True)})
    return messages, grids


def write_tokenizer_set(folder, tokenizer_folder, seed):
    """Random strings and chats by the tokenizer of another folder, whose files are copied."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for name in ('tokenizer.json', 'tokenizer_config.json'):
        shutil.copy(os.path.join(tokenizer_folder, name), folder)
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    rng, strings, chats = random.Random(seed), [], []
    for i in range(300):
        text = ''.join(rng.choices(PIECES, k=rng.randint(1, 12)))
        encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        ids = encoded['input_ids']
        row = {'text': text, 'ids': ids, 'offsets': encoded['offset_mapping'], 'decoded': tokenizer.decode(ids),
               'decoded_skip_special': tokenizer.decode(ids, skip_special_tokens=True)}
        if i % 3 == 0:
            row['prefix_decodes'] = [tokenizer.decode(ids[:n + 1]) for n in range(len(ids))]
        strings.append(row)
    for i in range(40):
        messages, grids = chat(rng)
        vision_ids = rng.random() < 0.3
        rendered = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=i % 4 != 0,
                                                 add_vision_id=vision_ids)
        head, *rest = rendered.split('<|image_pad|>')
        expanded = head + ''.join('<|image_pad|>' * (h * w // 4) + part for (_, h, w), part in zip(grids, rest))
        chats.append({'name': str(i), 'messages': messages, 'add_generation_prompt': i % 4 != 0, 'grids': grids,
                      'add_vision_id': vision_ids, 'rendered': rendered,
                      'ids': tokenizer(expanded, add_special_tokens=False)['input_ids']})
    write_json(folder, 'goldens.json', {'strings': strings, 'chats': chats})
    write_manifest(folder, 'tokenizer', seed, {})
    print(f'tokenizer: {len(strings)} strings, {len(chats)} chats')
