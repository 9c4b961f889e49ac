"""Golden folders of operators in float64, and of sampling by transformers' own logits processors.

Not here: models. Invariant: inputs are f32 values; outputs are computed in float64 and rounded once (sampling in f32,
as the library does it, because ranks and ties depend on it).
"""
import shutil

import torch
from transformers import (RepetitionPenaltyLogitsProcessor, TemperatureLogitsWarper, TopKLogitsWarper,
                          TopPLogitsWarper)

from golden_file import EXACT, GoldenFile, write_manifest

CLOSE = {'abs': 1e-6, 'rel': 1e-5}
# The seed's cases, beyond the committed shapes: 1, primes, one past a tile, and the widths of real towers.
NORMS = ((1, 1), (3, 7), (2, 1280), (65, 33), (17, 257))
LINEARS = ((1, 3, 1), (2, 1, 5), (33, 51, 65), (7, 50, 99), (1, 257, 129), (129, 17, 3))
CAUSAL = ((1, 1, 1, 8), (2, 7, 1, 24), (33, 3, 3, 40), (65, 4, 2, 72), (31, 2, 2, 80), (9, 8, 1, 128), (129, 2, 1, 4),
          (5, 1, 1, 256))
DECODE = ((1, 7, 1, 24), (2, 3, 3, 8), (129, 4, 2, 80), (64, 2, 1, 72), (300, 6, 2, 40), (33, 1, 1, 128))
SEGMENTS = ((1, 40, [0, 1, 2, 5, 40], 80), (3, 131, [0, 64, 65, 131], 12), (2, 7, [0, 7], 64))
ROPES = (('plain', 1, 1, 4, None), ('chunked', 9, 3, 24, [2, 5, 5]), ('chunked', 3, 2, 80, [8, 16, 16]),
         ('chunked', 5, 1, 12, [6, 0, 0]), ('interleaved', 11, 1, 24, [4, 4, 4]))
SOFTMAXES = ((1, 1), (3, 1000), (65, 7))
CROSS_ENTROPIES = ((1, 7), (3, 1), (65, 33), (2, 5003))
LORAS = ((1, 7, 3, 1), (33, 51, 50, 5), (65, 24, 72, 16))


class OpsWriter:
    """Draws f32 inputs, differentiates in float64, and stores both."""

    def __init__(self, seed):
        self.out = GoldenFile()
        self.generator = torch.Generator().manual_seed(seed)

    def draw(self, *shape, scale=1.0):
        return torch.randn(shape, generator=self.generator) * scale

    def integers(self, low, high, shape):
        return torch.randint(low, high, shape, generator=self.generator)

    def given(self, name, **values):
        for part, value in values.items():
            self.out.given(f'{name}.{part}', value, 'ops')

    def truth(self, name, **values):
        for part, value in values.items():
            self.out.add(f'{name}.{part}', value, 'ops', CLOSE)

    def differentiable(self, name, inputs, function, outputs=('y',), wanted=None, keep=(), backward=True):
        """Inputs, outputs (the first is differentiated against a random dy) and gradients d<input>."""
        self.given(name, **inputs, **dict(keep))
        leaves = {key: value.double().requires_grad_(backward) for key, value in inputs.items()}
        results = function(**leaves)
        results = results if isinstance(results, tuple) else (results,)
        self.truth(name, **{part: value for part, value in zip(outputs, results) if value is not None})
        if not backward:
            return
        dy = self.draw(*results[0].shape)
        self.given(name, dy=dy)
        wanted = wanted or list(inputs)
        gradients = torch.autograd.grad((results[0] * dy.double()).sum(), [leaves[key] for key in wanted])
        self.truth(name, **{f'd{key}': value for key, value in zip(wanted, gradients)})


def norms(w):
    for rows, cols in NORMS:
        inputs = {'x': w.draw(rows, cols), 'w': 1 + w.draw(cols, scale=0.3)}
        eps = torch.tensor([1e-5])
        w.differentiable(f'rmsnorm.{rows}x{cols}', inputs, lambda x, w: (
            w * x * torch.rsqrt((x * x).mean(-1, keepdim=True) + eps.double())), keep={'eps': eps})
        if cols == 1:
            continue
        w.differentiable(f'layernorm.{rows}x{cols}', {**inputs, 'b': w.draw(cols)}, lambda x, w, b: (
            torch.nn.functional.layer_norm(x, (cols,), w, b, float(eps))), keep={'eps': eps})


def linears(w):
    for rows, inner, cols in LINEARS:
        inputs = {'x': w.draw(rows, inner), 'w': w.draw(cols, inner, scale=inner ** -0.5), 'b': w.draw(cols)}
        w.differentiable(f'linear.{rows}x{inner}x{cols}', inputs, lambda x, w, b: x @ w.T + b, wanted=['x'])
    for rows, inner, cols, rank in LORAS:
        inputs = {'x': w.draw(rows, inner), 'w': w.draw(cols, inner, scale=inner ** -0.5), 'b': w.draw(cols),
                  'A': w.draw(rank, inner, scale=inner ** -0.5), 'B': w.draw(cols, rank)}
        w.differentiable(f'lora.{rows}x{inner}x{cols}', inputs,
                         lambda x, w, b, A, B: x @ w.T + b + 0.5 * (x @ A.T) @ B.T, wanted=['x', 'A', 'B'],
                         keep={'scale': torch.tensor([0.5])})
    for rows, cols in ((3, 51), (65, 7), (1, 1)):
        w.differentiable(f'swiglu.{rows}x{cols}', {'g': w.draw(rows, cols, scale=3), 'u': w.draw(rows, cols)},
                         lambda g, u: torch.nn.functional.silu(g) * u)


def attend(q, k, v, mask):
    """o [T, H, D], lse [H, T], p [H, T, S]; `mask` [T, S] marks visible keys."""
    group = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
    scores = torch.einsum('thd,shd->hts', q, k) * q.shape[-1] ** -0.5
    scores = scores.masked_fill(~mask, float('-inf'))
    p = scores.softmax(-1)
    return torch.einsum('hts,shd->thd', p, v), torch.logsumexp(scores, -1), p


def attentions(w):
    for tokens, heads, kv, size in CAUSAL:
        mask = torch.ones(tokens, tokens, dtype=torch.bool).tril()
        inputs = {'q': w.draw(tokens, heads, size, scale=1.5), 'k': w.draw(tokens, kv, size, scale=1.5),
                  'v': w.draw(tokens, kv, size)}
        w.differentiable(f'attention.causal.{tokens}x{heads}x{kv}x{size}', inputs,
                         lambda q, k, v: attend(q, k, v, mask), ('o', 'lse', 'p'))
    for keys, heads, kv, size in DECODE:
        mask = torch.ones(1, keys, dtype=torch.bool)
        inputs = {'q': w.draw(1, heads, size, scale=1.5), 'k': w.draw(keys, kv, size, scale=1.5),
                  'v': w.draw(keys, kv, size)}
        w.differentiable(f'attention.decode.{keys}x{heads}x{kv}x{size}', inputs,
                         lambda q, k, v: attend(q, k, v, mask)[::2], ('o', 'p'), backward=False)
    for i, (heads, tokens, cu, size) in enumerate(SEGMENTS):
        segment = torch.bucketize(torch.arange(tokens), torch.tensor(cu[1:]), right=True)
        mask = segment[:, None] == segment[None]
        inputs = {key: w.draw(tokens, heads, size) for key in 'qkv'}
        w.differentiable(f'attention.segments{i}' if i else 'attention.segments', inputs,
                         lambda q, k, v: attend(q, k, v, mask)[:1], ('o',), keep={'cu': torch.tensor(cu)},
                         backward=False)


def ropes(w):
    for kind, tokens, heads, size, section in ROPES:
        positions = w.integers(0, 3000, (1 if section is None else 3, tokens)).expand(3, tokens)
        half = size // 2
        if section is None:
            stream = torch.zeros(half, dtype=torch.long)
        elif kind == 'chunked':
            stream = torch.repeat_interleave(torch.arange(3), torch.tensor(section))
        else:
            k = torch.arange(half)
            stream = torch.where((k % 3 == 1) & (k < 3 * section[1]), 1,
                                 torch.where((k % 3 == 2) & (k < 3 * section[2]), 2, 0))
        # The library's f32 recipe: angles are f32 products, as the engine's tables are.
        inverse = 1.0 / (1e5 ** (torch.arange(0, size, 2).float() / size))
        angle = positions[stream].T.float() * inverse
        cos, sin = (torch.cat([table, table], -1) for table in (angle.double().cos(), angle.double().sin()))

        def turn(x):
            a, b = x.chunk(2, -1)
            return x * cos[:, None] + torch.cat([-b, a], -1) * sin[:, None]
        name = f'rope.{kind}.{tokens}x{heads}x{size}'
        keep = {'pos': positions.contiguous(), 'theta': torch.tensor([1e5])}
        w.differentiable(name, {'x': w.draw(tokens, heads, size)}, turn,
                         keep=keep if section is None else {**keep, 'section': torch.tensor(section)})
        for part, table in (('cos', cos), ('sin', sin)):
            w.out.add(f'{name}.{part}', table, 'ops', {'abs': 1e-5})


def losses(w):
    for rows, cols in SOFTMAXES:
        w.differentiable(f'softmax.{rows}x{cols}', {'x': w.draw(rows, cols, scale=5)}, lambda x: x.softmax(-1),
                         backward=False)
    for rows, cols in CROSS_ENTROPIES:
        name = f'cross_entropy.{rows}x{cols}'
        logits, labels = w.draw(rows, cols, scale=3), w.integers(0, cols, (rows,))
        if rows > 2:
            labels[1] = -100
        w.given(name, logits=logits, labels=labels)
        x = logits.double().requires_grad_(True)
        logp = x.log_softmax(-1)
        loss = torch.nn.functional.cross_entropy(x, labels)
        picked = torch.where(labels >= 0, logp.gather(1, labels.clamp(min=0)[:, None])[:, 0], 0)
        w.truth(name, loss=loss.reshape(1), d_logits=torch.autograd.grad(loss, x, retain_graph=True)[0], logp=picked,
                entropy=-(logp.exp() * logp).sum(-1))


def write_ops_set(folder, seed):
    shutil.rmtree(folder, ignore_errors=True)
    w = OpsWriter(seed)
    norms(w)
    linears(w)
    attentions(w)
    ropes(w)
    losses(w)
    w.out.save(folder, 'ops.safetensors')
    write_manifest(folder, 'ops', seed, {'ops.safetensors': w.out})
    print(f'ops: {len(w.out.tensors)} tensors')


# Vocabulary, scale of the logits, temperature, top_k, top_p, penalty, how many ids were seen, how many logits tie.
# No tie at the border of top_p: the library's sort is not stable, so which of the tied ids survive is no golden.
SAMPLING = (
    (7, 3, 1.0, 0, 1.0, 1.0, 3, 0), (7, 3, 1.0, 50, 0.9, 1.3, 7, 0), (2, 3, 0.5, 1, 0.5, 1.1, 1, 0),
    (50000, 3, 1.0, 50, 0.95, 1.05, 200, 0), (50000, 3, 5.0, 0, 0.3, 1.0, 10, 0), (50000, 3, 0.7, 5000, 0.999, 1.2, 90, 0),
    (33, 3, 1.0, 0, 0.0, 1.0, 3, 0), (33, 3, 1.0, 0, 1e-7, 1.0, 3, 0), (160, 3, 1e-6, 50, 1.0, 1.05, 30, 0),
    (160, 3, 1e-6, 0, 0.9, 1.0, 30, 0), (160, 3, 5.0, 0, 1.0, 0.8, 30, 0), (160, 3, 1.0, 10, 1.0, 1.0, 5, 25),
    (160, 3, 1.0, 0, 0.999, 1.0, 5, 25), (160, 3, 1.0, 3, 1.0, 1.0, 5, 160), (1000, 30, 1.0, 999, 0.99, 1.3, 500, 0),
    (1000, 0.01, 1.0, 0, 0.5, 1.0, 0, 0), (32, 3, 1.0, 31, 0.8, 1.1, 32, 0), (65, 200, 2.0, 0, 0.95, 1.5, 40, 0),
    (160, 3, 1e-6, 0, 1.0, 1.0, 5, 25), (40000, 1, 1.0, 1, 1.0, 1.0, 5, 3),
)


def write_sampling_set(folder, seed):
    """A folder of single rows: what survives, and with which probability."""
    shutil.rmtree(folder, ignore_errors=True)
    out = GoldenFile()
    generator = torch.Generator().manual_seed(seed)
    for i, (vocab, scale, temperature, top_k, top_p, penalty, seen, ties) in enumerate(SAMPLING):
        logits = torch.randn(vocab, generator=generator) * scale
        if ties:
            tied = torch.randperm(vocab, generator=generator)[:ties]
            logits[tied] = logits.max()
        history = torch.randint(0, vocab, (seen,), generator=generator)
        # Parameters are what f32 holds of them.
        params = torch.tensor([temperature, top_k, top_p, penalty])
        temperature, _, top_p, penalty = params.tolist()
        row = logits[None]
        if penalty != 1:
            row = RepetitionPenaltyLogitsProcessor(penalty)(history[None], row)
        out.given(f'{i}.logits', logits, 'sampling')
        out.given(f'{i}.history', history, 'sampling')
        out.given(f'{i}.params', params, 'sampling')
        out.add(f'{i}.penalised', row[0], 'sampling', {'rel': 1e-6})
        row = TemperatureLogitsWarper(temperature)(None, row) if temperature != 1 else row
        row = TopKLogitsWarper(top_k)(None, row) if top_k else row
        row = TopPLogitsWarper(top_p)(None, row) if top_p < 1 else row
        out.add(f'{i}.kept', torch.isfinite(row[0]), 'sampling', EXACT)
        out.add(f'{i}.probs', row[0].softmax(-1), 'sampling', {'abs': 1e-5})
    out.save(folder, 'sampling.safetensors')
    write_manifest(folder, 'sampling', seed, {'sampling.safetensors': out})
    print(f'sampling: {len(SAMPLING)} rows')
