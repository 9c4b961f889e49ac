"""Shards, prompts and model inputs of pocket for the Python scripts. Not a trainer and not the world itself.

The world lives in TypeScript; this file only reads what export_shards.ts and export_samples.ts wrote.
Invariant: every prompt starts with the same 13 tokens, so positions need one table for all samples.
"""
import json

import numpy as np
import torch

SIDE, ROW, HEAD, IMAGE_TOKENS = 48, 192, 13, 9
TASKS = ['list', 'check', 'checkAfter', 'cot', 'cotText', 'backPrompt', 'backPromptText']
HEAD_WORDS = ['<|im_start|>', 'user', '<|vision_start|>'] + ['<|image_pad|>'] * IMAGE_TOKENS + ['<|vision_end|>']


class Shard:
    """One file of export_shards: images uint8 [N,48,48,3], ids and loss classes uint8 [N,192], lengths, tasks,
    and per cell the word id of its shape (or of `-`)."""

    def __init__(self, path, count):
        raw = np.fromfile(path, np.uint8)
        sizes = [count * SIDE * SIDE * 3, count * ROW, count * ROW, count * 3, count * 9]
        assert len(raw) == sum(sizes), (path, len(raw), sum(sizes))
        images, ids, loss, meta, cells = np.split(raw, np.cumsum(sizes)[:-1])
        self.images = images.reshape(count, SIDE, SIDE, 3)
        self.ids, self.loss = ids.reshape(count, ROW), loss.reshape(count, ROW)
        self.meta, self.cells = meta.reshape(count, 3), cells.reshape(count, 9)


def patches(images):
    """uint8 [B,48,48,3] → pixel_values [B·36, 384], in the order of Qwen2.5-VL's processor (merge 2, frame repeated)."""
    x = torch.from_numpy(np.ascontiguousarray(images)).float() / 127.5 - 1
    x = x.view(-1, 3, 2, 8, 3, 2, 8, 3).permute(0, 1, 4, 2, 5, 7, 3, 6)  # b Hm Wm mh mw c ph pw
    return x.unsqueeze(6).expand(*x.shape[:6], 2, 8, 8).reshape(-1, 384)


def position_table():
    """M-RoPE positions [3, ROW] of every sample: three texts, nine image tokens on a 3×3 grid, then text."""
    table = torch.zeros(3, ROW, dtype=torch.long)
    table[:, :3] = torch.arange(3)
    cell = torch.arange(IMAGE_TOKENS)
    table[0, 3:12], table[1, 3:12], table[2, 3:12] = 3, 3 + cell // 3, 3 + cell % 3
    table[:, 12:] = 6 + torch.arange(ROW - 12)
    return table


def load_vocabulary(folder):
    """word → id of a model folder's tokenizer."""
    return json.load(open(f'{folder}/tokenizer.json'))['model']['vocab']
