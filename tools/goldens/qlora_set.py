"""Goldens of QLoRA's gradients beside the model folders of test/fixtures.

    python tools/goldens/qlora_set.py test/fixtures/tiny-qwen2_5_vl test/fixtures/tiny-smolvlm …

Rounds the folder's weights to each precision, in numpy and apart from the engine's own code, and takes loss and gradients of
the folder's adapter over the values that the rounded weights stand for, from transformers and PEFT in float64. Writes
FOLDER/qlora.safetensors and lists it in the folder's manifest under the stage `qlora`. For each precision it holds

    P.weights_sha256   of the rounded checkpoint: all tensors as f32, one after another in the order of their names
    P.loss             mean cross-entropy of the supervised tokens of lora.safetensors
    P.gradients        a row for each dA and dB, in the order of their names: the Frobenius norm, then 8 sums of all
                       elements, each with the sign that `signs` gives it. The sums of a difference have its norm as their
                       root mean square, so that a row tells how far a gradient is off without holding it.
"""
import argparse
import hashlib
import os
import shutil
import tempfile

import numpy as np
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText

from adapter_set import inputs_of, kind_of
from golden_file import EXACT, GoldenFile, add_to_manifest
from hash_weights import GROUP, mix

OUT = 'qlora.safetensors'
LIMITS = {'int8': 127, 'int4': 7}
# Quants that the search for an int4 scale gives to the value of largest magnitude.
STEPS = {'int8': (), 'int4': (7.25, 7.75, 8.25, 8.75)}
SMALLEST_SCALE = 2.0 ** -126
# f32 sums leave a gradient up to 3e-5 of its norm off here; what rounding does to it, which a product over other weights would
# miss, is 2.6e-2 at least.
LOSS, GRADIENT = {'abs': 1e-4}, {'rel': 1e-3}
SUMS = 8


def bf16(values, up=False):
    """f64 values as f32 and then as bf16, in f64: the nearest, or with `up` the nearest that is at least as far from zero."""
    bits = values.astype(np.float32).view(np.uint32).astype(np.uint64)
    bits = bits + 0xFFFF if up else bits + 0x7FFF + ((bits >> 16) & 1)
    return (bits >> 16 << 16).astype(np.uint32).view(np.float32).astype(np.float64)


def scales_of(groups, kind):
    """bf16 scales [n] of groups [n, 32], in f64: the least-squares scale of the best rounding, or the largest magnitude's."""
    largest = groups[np.arange(len(groups)), np.abs(groups).argmax(1)]
    plain = bf16(np.abs(largest) / LIMITS[kind], up=True)
    best, gain = np.zeros(len(groups)), np.zeros(len(groups))
    for steps in STEPS[kind]:
        q = np.clip(np.rint(groups * (-steps / largest)[:, None]), -LIMITS[kind] - 1, LIMITS[kind])
        wq, qq = np.zeros(len(groups)), np.zeros(len(groups))
        # One after another: the engine's sums are rounded in this order.
        for column in range(GROUP):
            wq, qq = wq + groups[:, column] * q[:, column], qq + q[:, column] ** 2
        better = wq * wq / qq > gain
        best, gain = np.where(better, wq / qq, best), np.where(better, wq * wq / qq, gain)
    found = bf16(best)
    found = np.where(np.abs(found) < SMALLEST_SCALE, plain, found) if STEPS[kind] else plain
    return np.where(plain < SMALLEST_SCALE, 0, found)


def rounded(weight, kind):
    """The f32 values that a matrix stands for in groups of 32 neighbours of a row with a scale each."""
    matrix = weight.float().reshape(weight.shape[0], -1).numpy().astype(np.float64)
    rows, width = matrix.shape
    groups = np.pad(matrix, ((0, 0), (0, -width % GROUP))).reshape(-1, GROUP)
    with np.errstate(divide='ignore', invalid='ignore'):
        scale = scales_of(groups, kind)[:, None]
        q = np.where(scale == 0, 0, np.clip(np.rint(groups * (1 / scale)), -LIMITS[kind] - 1, LIMITS[kind]))
    # Quants are whole numbers, which have no negative zero.
    values = (scale.astype(np.float32) * (q + 0.0).astype(np.float32)).reshape(rows, -1)[:, :width]
    return torch.from_numpy(np.ascontiguousarray(values)).reshape(weight.shape)


def format_of(name, weight, precision):
    """How the engine keeps a tensor: vectors and position tables as f32, of the others only the decoder's in int4."""
    if weight.ndim == 1 or 'pos_embed' in name or 'position_embedding' in name:
        return None
    text = '.layers.' in name and 'vision' not in name and 'visual' not in name
    return precision if text else 'int8'


def rounded_checkpoint(folder, precision):
    stored = load_file(os.path.join(folder, 'model.safetensors'))
    kinds = {name: format_of(name, weight, precision) for name, weight in stored.items()}
    return {name: weight.float() if kinds[name] is None else rounded(weight, kinds[name])
            for name, weight in stored.items()}


def sha256_of(tensors):
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(tensors[name].contiguous().numpy().tobytes())
    return torch.tensor(list(digest.digest()), dtype=torch.uint8)


def signs(count):
    """±1 [SUMS, count]: bit k of the hash of an element's place is its sign in sum k."""
    with np.errstate(over='ignore'):
        bits = mix(np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B1))
    return np.stack([1.0 - 2.0 * ((bits >> np.uint32(k)) & 1) for k in range(SUMS)])


def gradient_row(gradient):
    flat = gradient.reshape(-1).numpy()
    return torch.tensor([np.linalg.norm(flat), *(signs(len(flat)) @ flat)])


def loss_and_gradients(folder, tensors, kind):
    """Of the folder's adapter over a checkpoint, in float64."""
    with tempfile.TemporaryDirectory() as work:
        shutil.copy(os.path.join(folder, 'config.json'), work)
        save_file(tensors, os.path.join(work, 'model.safetensors'), metadata={'format': 'pt'})
        model = AutoModelForImageTextToText.from_pretrained(work, dtype=torch.float64, attn_implementation='eager')
    peft = PeftModel.from_pretrained(model.eval(), os.path.join(folder, 'adapter'), is_trainable=True).to(torch.float64)
    given = load_file(os.path.join(folder, 'lora.safetensors'))
    inputs = inputs_of(load_file(os.path.join(folder, 'io.safetensors')), kind)
    assert torch.equal(inputs['input_ids'][0], given['input_ids'].long())
    if kind != 'smolvlm':
        inputs['mm_token_type_ids'] = (inputs['input_ids'] == model.config.image_token_id).int()
    logits = peft.eval()(**inputs, use_cache=False).logits
    assert logits.dtype == torch.float64
    loss = torch.nn.functional.cross_entropy(logits[0, :-1], given['labels'].long()[1:], ignore_index=-100)
    loss.backward()
    gradients = {}
    for name, weight in peft.named_parameters():
        if 'lora_' in name:
            module, letter = name.removeprefix('base_model.model.').split('.lora_')
            gradients[f'{module}.d{letter[0]}'] = weight.grad
    expected = {name for name in given if name.endswith(('.dA', '.dB'))}
    assert gradients.keys() == expected, sorted(gradients.keys() ^ expected)[:3]
    return loss.detach(), gradients, given


def relative(found, golden):
    return max(((found[name] - golden[name]).norm() / golden[name].norm()).item() for name in found)


def write_set(folder):
    kind = kind_of(folder)
    out = GoldenFile()
    stored = load_file(os.path.join(folder, 'model.safetensors'))
    _, plain, given = loss_and_gradients(folder, {name: weight.float() for name, weight in stored.items()}, kind)
    off = relative(plain, given)
    assert off < 1e-3, f'{folder}: without rounding the gradients are {off} off those of lora.safetensors'
    for precision in LIMITS:
        tensors = rounded_checkpoint(folder, precision)
        loss, gradients, _ = loss_and_gradients(folder, tensors, kind)
        out.add(f'{precision}.weights_sha256', sha256_of(tensors), 'qlora', EXACT)
        out.add(f'{precision}.loss', loss.reshape(1), 'qlora', LOSS)
        rows = torch.stack([gradient_row(gradients[name]) for name in sorted(gradients)])
        out.add(f'{precision}.gradients', rows, 'qlora', GRADIENT)
        moved = [((gradients[name] - plain[name]).norm() / plain[name].norm()).item() for name in gradients]
        print(f'{folder}, {precision}: rounding moves gradients by {min(moved):.3f} to {max(moved):.3f}')
    out.save(folder, OUT)
    add_to_manifest(folder, [OUT], {OUT: out}, 'loss and gradients over rounded weights, by qlora_set.py')
    print(f'{folder}: without rounding {off:.1e} off lora.safetensors')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', nargs='+')
    args = parser.parse_args()
    torch.set_num_threads(1)
    for folder in args.folder:
        write_set(folder)


if __name__ == '__main__':
    main()
