"""Turns a trained folder (f32) into one that the app ships: bf16 weights, processor, prompts and model list.

The tokenizer files must lie in the folder already (make_tokenizers.py); the model card is written by hand. from_pretrained of
the shipped folder gives the trained weights rounded to bf16 once.
"""
import argparse
import json
import os

import torch
from transformers import Qwen2_5_VLForConditionalGeneration

LABELS = {'pocket': 'Pocket'}
PROCESSOR = {
    'image_processor_type': 'Qwen2VLImageProcessor', 'processor_class': 'Qwen2_5_VLProcessor',
    'do_resize': True, 'do_rescale': True, 'do_normalize': True, 'do_convert_rgb': True,
    'rescale_factor': 1 / 255, 'resample': 3, 'image_mean': [.5, .5, .5], 'image_std': [.5, .5, .5],
    'patch_size': 8, 'merge_size': 2, 'temporal_patch_size': 2,
    # 63² and 65²: between them every square picture of any size becomes 64×64. With 64² for both, rounding in
    # smart_resize sends some sizes to 48×48.
    'min_pixels': 3969, 'max_pixels': 4225, 'size': {'shortest_edge': 3969, 'longest_edge': 4225},
}
PROMPTS = {
    'modes': {
        'plain': {'suffix': ''}, 'cot': {'suffix': ''},
        'semantic': {'suffix': 'use back midway'}, 'solution': {'suffix': 'use back'},
    },
    'grid': 4,
    'knows': 'This model sees any picture as 4 × 4 cells, each of one of eleven colours, and drawn sheets as circles, '
             'squares, triangles, stars, rings and hearts in eight colours; it counts, compares and adds up.',
    'max_new_tokens': 200,
    'tags': {'think': ['<think>', '</think>'], 'back': ['<back>', '</back>'], 'box': ['\\boxed{', '}']},
    'notes': 'The suffix follows the question after one space. Solution looks after a whole candidate solution, semantic '
             'before the arithmetic.',
}


def ship(source, folder):
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(source, dtype=torch.bfloat16)
    model.save_pretrained(folder)
    os.chmod(f'{folder}/model.safetensors', 0o644)
    for name, data in (('preprocessor_config.json', PROCESSOR), ('lookback.json', PROMPTS)):
        with open(f'{folder}/{name}', 'w') as f:
            json.dump(data, f, indent=2, ensure_ascii=False)
            f.write('\n')


def list_models(root):
    entries = []
    for name, label in LABELS.items():
        folder = f'{root}/{name}'
        if os.path.exists(f'{folder}/model.safetensors'):
            files = [{'name': f, 'bytes': os.path.getsize(f'{folder}/{f}')}
                     for f in sorted(os.listdir(folder)) if not f.endswith('.md')]
            entries.append({'id': name, 'label': label, 'folder': f'models/{name}',
                            'bytes': sum(f['bytes'] for f in files), 'files': files})
    with open(f'{root}/models.json', 'w') as f:
        json.dump(entries, f, indent=2)
        f.write('\n')


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('source', nargs='?', help='folder that save_pretrained wrote; omit to rewrite models.json only')
    parser.add_argument('folder', help='public/models/NAME')
    args = parser.parse_args()
    if args.source:
        ship(args.source, args.folder)
    list_models(os.path.dirname(args.folder.rstrip('/')))
