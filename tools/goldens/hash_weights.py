"""Makes the weights of a model from a counter hash, so that a test can make the same ones and no file holds them.

Value (row, column) of a matrix is q * 2^-k: q from the hash of its position, k from the width of the row. One value in
every 32 of a row has the largest q, so that rounding to int8 (q up to 127) or int4 (q up to 7) loses nothing.
test/soak/shapes/hash_weights.ts is the same in TypeScript.
"""
import math

import numpy as np
import torch

GROUP = 32


def name_seed(name):
    """FNV-1a of the canonical name."""
    state = 0x811C9DC5
    for byte in name.encode():
        state = (state ^ byte) * 0x01000193 & 0xFFFFFFFF
    return state


def mix(counter):
    """The 32-bit mixer "lowbias32" of C. Wellons, over an array of u32."""
    x = counter.copy()
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return x


def matrix(name, rows, columns, limit, gain=1.0):
    """f32 [rows, columns] whose values have about gain / sqrt(columns) as standard deviation."""
    span = 2 * limit + 1
    spread = math.sqrt((span * span - 1) / 12)
    scale = np.float32(2.0 ** round(math.log2(gain / (math.sqrt(columns) * spread))))
    out = np.empty((rows, columns), np.float32)
    seed = np.uint32(name_seed(name))
    with np.errstate(over='ignore'):
        for first in range(0, rows, 4096):
            last = min(rows, first + 4096)
            counter = np.arange(first * columns, last * columns, dtype=np.uint32) * np.uint32(0x9E3779B1) + seed
            bits = mix(counter).reshape(last - first, columns)
            q = (bits % np.uint32(span)).astype(np.int32) - limit
            q[:, ::GROUP] = np.where(bits[:, ::GROUP] & 1, limit, -limit)
            out[first:last] = q.astype(np.float32) * scale
    return out


def vector(name, size):
    """f32 [size]: biases q / 512, norm weights 1 + q / 128, with q from -31 to 31."""
    with np.errstate(over='ignore'):
        bits = mix(np.arange(size, dtype=np.uint32) * np.uint32(0x9E3779B1) + np.uint32(name_seed(name)))
    q = (bits % np.uint32(63)).astype(np.int32) - 31
    values = q / 512 if name.endswith('.bias') else 1 + q / 128
    return values.astype(np.float32)


def fill(model, limit_of, gain_of):
    """Overwrites every parameter; `limit_of` and `gain_of` take its name."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 1:
                values = vector(name, weight.numel())
            else:
                columns = weight[0].numel()
                values = matrix(name, weight.shape[0], columns, limit_of(name), gain_of(name))
            weight.copy_(torch.from_numpy(values).reshape(weight.shape))
