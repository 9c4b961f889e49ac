"""Makes golden folders of the form of test/fixtures for shapes, seeds and prompts that are not committed.

    python tools/goldens/make_goldens.py OUT [--only NAME ...] [--seed N] [--random COUNT]

Not a test: `npm run parity -- OUT/NAME` compares the engine with what this writes.
"""
import argparse
import os
import random

import torch

from data_set import write_preprocess_set, write_tokenizer_set
from model_set import Spec, write_model_set
from ops_set import write_ops_set, write_sampling_set

ALL = 'q|k|v|o|gate|up|down'
GRPO = {'lengths': (7, 3, 10, 5), 'eps_low': 0.2, 'eps_high': 0.28, 'beta': 0.04, 'max_length': 12}

# Each stresses something that the committed set does not; the comment says what.
MODELS = {
    # Nothing special: another seed.
    'plain': Spec(lora={'r': 4, 'alpha': 8, 'modules': ALL, 'labels': 6, 'grpo': GRPO}),
    # An adapter of rank 5 with rsLoRA on some modules of an odd tied model, every text token supervised, six completions.
    'adapter-some': Spec(heads=3, kv=1, head_dim=12, inter=51, layers=2, vocab=113, section=(2, 2, 2), tie=True, depth=2,
                         fullatt=(1,), prompt=(3, (20, 33), 9), rows=(0, -3, -1), variants=False, video=False, lora={
                             'r': 5, 'alpha': 3, 'rslora': True, 'modules': 'q|v|down', 'labels': 9, 'grpo': {
                                 'lengths': (1, 17, 4, 9, 17, 2), 'eps_low': 0.1, 'eps_high': 0.3, 'beta': 0.0,
                                 'max_length': 17}}),
    # Rank 1 on one module in heads of 10, one supervised token, two completions.
    'adapter-one': Spec(heads=4, kv=2, head_dim=10, inter=33, layers=3, section=(1, 2, 2), depth=1, fullatt=(0,),
                        prompt=((9, 12), 2, (20, 8), 3), variants=False, video=False, lora={
                            'r': 1, 'alpha': 16, 'modules': 'k', 'labels': 1, 'grpo': {
                                'lengths': (2, 3), 'eps_low': 0.2, 'eps_high': 0.2, 'beta': 0.5, 'max_length': 8}}),
    # Heads of 8 without grouping, one picture after text, hidden 24, odd MLP widths, a vocabulary of 113, tied.
    'small-heads': Spec(heads=3, kv=3, head_dim=8, inter=51, layers=2, vocab=113, section=(2, 1, 1), tie=True,
                        v_heads=1, v_head_dim=8, v_inter=50, depth=2, fullatt=(0,), prompt=(9, (19, 30), 3)),
    # One key/value head for seven, heads of 12, patches of 6, windows of one merged token, every block full.
    'wide-group': Spec(heads=7, kv=1, head_dim=12, inter=50, section=(1, 2, 3), vocab=211, v_heads=3, v_head_dim=12,
                       v_inter=45, depth=2, patch=6, window=14, fullatt=(0, 1), pixels=(144, 5000),
                       prompt=(1, (30, 31), (13, 50), 2), generation={'do_sample': False, 'repetition_penalty': 1.3,
                                                                      'eos_token_id': [2, 7, 11, 40]}),
    # Real sizes of head and patch: 64 and 80 wide, patches of 14, windows of 112 pixels, no full block, three pictures.
    'real-heads': Spec(heads=4, kv=2, head_dim=64, inter=96, layers=2, section=(8, 12, 12), v_heads=1, v_head_dim=80,
                       v_inter=68, depth=2, patch=14, window=112, fullatt=(), pixels=(784, 40000),
                       prompt=((170, 120), (40, 90), 7, (60, 61), 3), rows=(0, 5, -2, -1), video=False),
    # A long prompt, few kept layers, rows and steps; f32 weights; sampling limits that the temperature makes moot.
    'long': Spec(heads=6, kv=3, head_dim=20, inter=75, layers=4, section=(4, 3, 3), vocab=1000, theta=5e5,
                 v_head_dim=24, v_inter=77, depth=3, window=24, fullatt=(2,), pixels=(64, 20000),
                 prompt=(150, (90, 110), 120, (33, 64), 41), rows=(0, 63, 64, 200, 300, -1), keep_layers=(0, 3),
                 keep_steps=(2, 5), decode=7, dtype=torch.float32, video=False, max_position=4096,
                 generation={'do_sample': True, 'temperature': 1e-6, 'top_k': 3, 'top_p': 0.5, 'eos_token_id': 2}),
    # f16 weights, hidden 72 in heads of 24, a merge of 1, a temporal patch of 1, other pixel statistics.
    'merge-one': Spec(heads=3, kv=1, head_dim=24, inter=51, section=(4, 4, 4), v_heads=2, v_head_dim=16, v_inter=33,
                      merge=1, temporal=1, window=12, depth=3, fullatt=(1,), mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4),
                      pixels=(16, 900), dtype=torch.float16, prompt=(2, (17, 22), 6), eps=1e-5),
    # A merge of 3, three temporal slices.
    'merge-three': Spec(heads=4, kv=4, head_dim=16, inter=60, layers=2, merge=3, temporal=3, window=24, v_heads=2,
                        v_head_dim=8, v_inter=30, pixels=(144, 4000), prompt=(3, (40, 25), 2, (13, 60), 1)),
    # A prompt without a picture.
    'text-only': Spec(prompt=(21,), layers=2, variants=False),
    # Grouping of three in heads of 40, a zero section, limits of top_k 1, no penalty, a context hardly longer than used.
    'tight': Spec(heads=3, kv=1, head_dim=40, inter=100, layers=1, section=(20, 0, 0), prompt=((16, 24), 4), depth=1,
                  fullatt=(0,), generation={'do_sample': True, 'top_k': 1, 'eos_token_id': 2}, generate=20, decode=12,
                  max_position=64, variants=False),
    # Six images between single tokens; the last token of the prompt ends a picture; wide vocabulary, not a word multiple.
    'many-pictures': Spec(heads=8, kv=2, head_dim=8, inter=64, section=(1, 1, 2), vocab=5003, tie=True, theta=1e4,
                          prompt=(1, (8, 8), 1, (16, 8), 1, (20, 20), 1, (8, 40), 1, (12, 12), (31, 9)),
                          generation={'do_sample': False, 'eos_token_id': 2, 'repetition_penalty': 0.8}),
    # Ten layers, grouping of five, a vocabulary past 32768, a long generation.
    'deep': Spec(heads=5, kv=1, head_dim=32, inter=64, layers=10, section=(4, 6, 6), vocab=50257, tie=True, depth=6,
                 fullatt=(2, 5), prompt=(2, (40, 40), 3), generate=24, variants=False, video=False,
                 generation={'do_sample': True, 'temperature': 1e-6, 'repetition_penalty': 1.05, 'min_p': 0.1,
                             'eos_token_id': [2, 3, 4]}),
    # Windows of 14 merged tokens over pictures of a thousand patches, heads of 128 beside heads of 4, few rows.
    'wide-windows': Spec(heads=2, kv=1, head_dim=128, inter=90, layers=2, section=(16, 24, 24), v_heads=6, v_head_dim=4,
                         v_inter=31, depth=3, window=112, fullatt=(0,), pixels=(64, 20000),
                         prompt=((130, 132), 6, (8, 97), 2), rows=(-1, 100, 3), theta=1e7, eps=1e-3, variants=False),
    # Settings under the names that other writers use: limits as `size`, rope_scaling, tying inside text_config.
    'other-writers': Spec(tie=True, layers=2, depth=2, fullatt=(1,), config={
        'tie_word_embeddings': None, 'text_config.tie_word_embeddings': True, 'text_config.rope_parameters': None,
        'text_config.rope_theta': 1e6, 'text_config.rope_scaling': {'type': 'mrope', 'mrope_section': [2, 3, 3]},
        'text_config.eos_token_id': [2, 1], 'text_config.pad_token_id': None, 'text_config.head_dim': 16,
        'vision_config.rope_parameters': None, 'text_config.layer_types': None}, processor={
        'min_pixels': None, 'max_pixels': None, 'size': {'shortest_edge': 64, 'longest_edge': 6400},
        'do_convert_rgb': None, 'rescale_factor': None, 'resample': None}, variants=False, video=False),
    # Heads of 10: even, but no multiple of four.
    'even-heads': Spec(heads=6, kv=2, head_dim=10, inter=70, layers=2, section=(1, 2, 2), variants=False),
}


def random_spec(seed):
    """A small config, prompt and adapter at random; every draw is one that transformers accepts."""
    rng = random.Random(seed)
    kv, head_dim = rng.randint(1, 3), 2 * rng.randint(2, 24)
    cuts = sorted(rng.randint(0, head_dim // 2) for _ in range(2))
    patch, merge, depth = rng.choice((2, 3, 4, 5, 8)), rng.choice((1, 2, 2, 2, 3)), rng.randint(1, 3)
    edge = patch * merge
    picture = [(rng.randint(1, 9 * edge), rng.randint(1, 9 * edge)) for _ in range(rng.randint(1, 4))]
    prompt = []
    for size in picture:
        prompt += [rng.randint(0, 7)] * rng.randint(0, 1) + [size]
    modules = [name for name in ALL.split('|') if rng.random() < 0.5] or ['q']
    return Spec(
        heads=kv * rng.randint(1, 5), kv=kv, head_dim=head_dim, inter=rng.randint(1, 130), layers=rng.randint(1, 3),
        vocab=rng.randint(40, 700), section=(cuts[0], cuts[1] - cuts[0], head_dim // 2 - cuts[1]),
        theta=10 ** rng.uniform(3, 7), eps=10 ** rng.uniform(-6, -4), tie=rng.random() < 0.5,
        v_heads=rng.randint(1, 4), v_head_dim=4 * rng.randint(1, 7), v_inter=rng.randint(1, 90), depth=depth, patch=patch,
        merge=merge, temporal=rng.choice((1, 2, 2, 3)), window=edge * rng.randint(1, 5) + rng.randint(0, edge - 1),
        fullatt=tuple(block for block in range(depth) if rng.random() < 0.4),
        pixels=(edge ** 2 * rng.randint(1, 4), edge ** 2 * rng.randint(8, 60)), prompt=(*prompt, rng.randint(1, 12)),
        rows=None if rng.random() < 0.5 else sorted(rng.sample(range(-8, 0), 3)), decode=rng.randint(2, 9),
        generate=rng.randint(1, 20), dtype=rng.choice((torch.bfloat16, torch.float16, torch.float32)),
        generation={'do_sample': rng.random() < 0.5, 'temperature': 1e-6, 'top_k': rng.choice((0, 1, 5, 50)),
                    'top_p': rng.choice((1.0, 0.9, 0.1)), 'repetition_penalty': rng.choice((1.0, 1.05, 1.3, 0.9)),
                    'eos_token_id': rng.sample(range(40), rng.randint(1, 5))},
        variants=rng.random() < 0.3, video=rng.random() < 0.5, max_position=4096,
        lora={'r': rng.randint(1, 9), 'alpha': rng.randint(1, 16), 'rslora': rng.random() < 0.5,
              'modules': '|'.join(modules), 'labels': rng.randint(1, 3),
              'grpo': {'lengths': [rng.randint(1, 12) for _ in range(2 * rng.randint(1, 3))], 'eps_low': 0.2,
                       'eps_high': rng.choice((0.2, 0.3)), 'beta': rng.choice((0.0, 0.1)), 'max_length': 12}})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('out')
    parser.add_argument('--only', nargs='*')
    parser.add_argument('--seed', type=int, default=100)
    parser.add_argument('--random', type=int, default=0, help='this many random models instead of the named sets')
    parser.add_argument('--tokenizer', default='test/fixtures/tokenizer-qwen2', help='folder for the tokenizer set')
    args = parser.parse_args()
    torch.set_num_threads(1)
    writers = {name: lambda folder, name=name: write_model_set(folder, name, MODELS[name], args.seed) for name in MODELS}
    writers['ops'] = lambda folder: write_ops_set(folder, args.seed)
    writers['sampling'] = lambda folder: write_sampling_set(folder, args.seed)
    writers['preprocess'] = lambda folder: write_preprocess_set(folder, args.seed)
    writers['tokenizer'] = lambda folder: write_tokenizer_set(folder, args.tokenizer, args.seed)
    if args.random:
        writers = {f'random-{seed}': lambda folder, seed=seed: write_model_set(folder, f'random-{seed}',
                                                                              random_spec(seed), seed)
                   for seed in range(args.seed, args.seed + args.random)}
    for name in args.only or writers:
        writers[name](os.path.join(args.out, name))


if __name__ == '__main__':
    main()
