"""Shards, prompts and model inputs of pocket for the Python scripts, which read what export_shards.ts and
export_samples.ts wrote: the world itself lives in TypeScript.

Every prompt starts with the same 20 tokens, so positions need one table for all samples.
"""
import json

import numpy as np
import torch

GRID, SIDE, ROW = 4, 64, 224
IMAGE_TOKENS = GRID * GRID
HEAD = 3 + IMAGE_TOKENS + 1
PATCHES = 4 * IMAGE_TOKENS
GRID_THW = [1, 2 * GRID, 2 * GRID]
TASKS = ['list', 'check', 'checkAfter', 'cot', 'cotText', 'backPrompt', 'backPromptText', 'midwayPrompt',
         'midwayPromptText']


class Shard:
    """One file of export_shards: images uint8 [N,64,64,3], ids and loss classes uint8 [N,224], meta [N,4] (prompt length,
    length, task, photograph), and per cell a shape and a colour word [N,16,2], 255 where there is nothing to ask."""

    def __init__(self, path, count):
        raw = np.fromfile(path, np.uint8)
        sizes = [count * SIDE * SIDE * 3, count * ROW, count * ROW, count * 4, count * IMAGE_TOKENS * 2]
        assert len(raw) == sum(sizes), (path, len(raw), sum(sizes))
        images, ids, loss, meta, cells = np.split(raw, np.cumsum(sizes)[:-1])
        self.images = images.reshape(count, SIDE, SIDE, 3)
        self.ids, self.loss = ids.reshape(count, ROW), loss.reshape(count, ROW)
        self.meta, self.cells = meta.reshape(count, 4), cells.reshape(count, IMAGE_TOKENS, 2)


def patches(images):
    """uint8 [B,64,64,3] → pixel_values [B·64, 384], in the order of Qwen2.5-VL's processor (merge 2, frame repeated)."""
    x = torch.from_numpy(np.ascontiguousarray(images)).float() / 127.5 - 1
    x = x.view(-1, GRID, 2, 8, GRID, 2, 8, 3).permute(0, 1, 4, 2, 5, 7, 3, 6)  # b Hm Wm mh mw c ph pw
    return x.unsqueeze(6).expand(*x.shape[:6], 2, 8, 8).reshape(-1, 384)


def position_table():
    """M-RoPE positions [3, ROW] of every sample: three texts, the image tokens on a 4×4 grid, then text."""
    table = torch.zeros(3, ROW, dtype=torch.long)
    table[:, :3] = torch.arange(3)
    cell, end = torch.arange(IMAGE_TOKENS), 3 + IMAGE_TOKENS
    table[0, 3:end], table[1, 3:end], table[2, 3:end] = 3, 3 + cell // GRID, 3 + cell % GRID
    table[:, end:] = 3 + GRID + torch.arange(ROW - end)
    return table


def load_vocabulary(folder):
    """word → id of a model folder's tokenizer."""
    return json.load(open(f'{folder}/tokenizer.json'))['model']['vocab']
