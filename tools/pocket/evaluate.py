"""Greedy evaluation of a pocket checkpoint with Hugging Face, batched: accuracy, trigger, genuine scans, by prompt.

It is the independent check, beside the product's own evaluate command, that the world, the tokenizer and the prompts are
right. Prompts go through the folder's own tokenizer and chat template, as typed by a person.
"""
import argparse
import json
import math
import os
import re
import sys
from collections import defaultdict

import numpy as np
import torch
from transformers import AutoTokenizer, Qwen2_5_VLForConditionalGeneration

from pocket_data import GRID_THW, IMAGE_TOKENS, SIDE, patches


def encode_prompt(tokenizer, question):
    messages = [{'role': 'user', 'content': [{'type': 'image'}, {'type': 'text', 'text': question}]}]
    ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=False)
    at = ids.index(5)
    return ids[:at] + [5] * IMAGE_TOKENS + ids[at + 1:]


@torch.no_grad()
def generate(model, prompts, images, limit, batch=128):
    """Greedy completions (lists of ids). Rows of one prompt length go together, so nothing is ever padded."""
    out, groups = [None] * len(prompts), defaultdict(list)
    for i, p in enumerate(prompts):
        groups[len(p)].append(i)
    for rows in groups.values():
        for start in range(0, len(rows), batch):
            part = rows[start:start + batch]
            ids = torch.tensor([prompts[i] for i in part])
            full = model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), mm_token_type_ids=(ids == 5).long(),
                pixel_values=patches(images[part]), image_grid_thw=torch.tensor([GRID_THW] * len(part)),
                do_sample=False, max_new_tokens=limit)
            for row, i in zip(full[:, ids.shape[1]:].tolist(), part):
                out[i] = row[:row.index(2)] if 2 in row else row
    return out


def wilson(hits, n):
    p, z = hits / n, 1.96
    mid, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return [round((mid + s * half) / (1 + z * z / n), 4) for s in (-1, 1)]


def summarise(texts, samples):
    boxes = [re.findall(r'\\boxed\{ *(\w+) *\}', t) for t in texts]
    right = np.array([bool(b) and b[-1] == s['answer'] for b, s in zip(boxes, samples)])
    trigger = np.array(['<back>' in t for t in texts])
    genuine = np.array([bool(re.search(r'<back>[^<]*[a-d][1-4] [^<]*[a-d][1-4] ', t)) for t in texts])
    one = [i for i, s in enumerate(samples) if len(s['counts']) == 1]
    seen = [re.search(r'i see (\d+)', texts[i]) for i in one]
    counts = [samples[i]['counts'][0] for i in one]
    glance = np.array([bool(m) and int(m[1]) == c for m, c in zip(seen, counts)])
    constant = max(counts.count(c) for c in set(counts)) / len(counts) if counts else None

    def share(x):
        return round(float(np.mean(x)), 4) if len(x) else None

    return {'n': len(texts), 'accuracy': share(right), 'ci': wilson(int(right.sum()), len(right)),
            'trigger': share(trigger), 'genuine': share(genuine), 'accuracyGivenScan': share(right[genuine]),
            'accuracyGivenNoScan': share(right[~genuine]), 'glance': share(glance), 'bestConstantGlance': constant,
            'length': round(float(np.mean([len(t.split()) for t in texts])), 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('model')
    parser.add_argument('samples', help='folder that export_samples wrote')
    parser.add_argument('--suffix', action='append', default=[], help='appended to the question; repeatable')
    parser.add_argument('--probe', action='store_true', help='list and bare scan, exact')
    parser.add_argument('--count', type=int, default=10 ** 9)
    parser.add_argument('--show', type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(int(os.environ.get('THREADS', 1)))
    samples = json.load(open(f'{args.samples}/samples.json'))[:args.count]
    images = np.fromfile(f'{args.samples}/images.bin', np.uint8).reshape(-1, SIDE, SIDE, 3)[:args.count]
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(args.model, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(args.model)

    def answers(questions, pictures):
        prompts = [encode_prompt(tokenizer, q) for q in questions]
        return [tokenizer.decode(ids) for ids in generate(model, prompts, pictures, 160)]

    for suffix in args.suffix or ['']:
        texts = answers([f"{s['question']} {suffix}".rstrip() for s in samples], images)
        for text, s in list(zip(texts, samples))[:args.show]:
            print(s['question'], suffix, '|', text, '| right:', s['answer'])
        print(json.dumps({'suffix': suffix, **summarise(texts, samples)}), flush=True)
    if args.probe:
        lists = answers([s['list']['prompt'] for s in samples], images)
        print(json.dumps({'list exact': float(np.mean([t == s['list']['answer'] for t, s in zip(lists, samples)]))}), flush=True)
        rows = [i for i, s in enumerate(samples) if s['check']]
        scans = answers([samples[i]['check']['prompt'] for i in rows], images[rows])
        counted = defaultdict(list)
        for t, i in zip(scans, rows):
            clear = samples[i]['clearness']
            if len(samples[i]['counts']) == 1:
                name = 'sheet' if clear is None else 'photograph, clear at 0.2' if clear >= .2 else 'photograph, clear at 0.1'
                marks = re.findall(r' (\d+)(?= |$)', t.split('.', 1)[-1])
                counted[name].append(int(marks[-1] if marks else 0) == samples[i]['counts'][0])
        print(json.dumps({'count by scan': {k: [round(float(np.mean(v)), 4), len(v)] for k, v in counted.items()}}), flush=True)
        exact = [t == samples[i]['check']['answer'] for t, i in zip(scans, rows)]
        print(json.dumps({'check exact': float(np.mean(exact))}), flush=True)


if __name__ == '__main__':
    sys.exit(main())
