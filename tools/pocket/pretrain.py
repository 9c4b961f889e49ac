"""Pretrains pocket: Hugging Face's Qwen2_5_VLForConditionalGeneration on shards of the shapes world, on CPU.

One run of one mixture from the first step (tools/pocket/mixture.ts); Muon for matrices, AdamW for the rest.
Not SFT and not RL. Invariant: what it saves, save_pretrained wrote, and from_pretrained reads back.
The learning rate follows the spent share of the budget (seconds or steps), so that any budget ends annealed.
"""
import argparse
import json
import math
import os
import subprocess
import time

import numpy as np
import torch
import torch.nn.functional as F
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2_5_vl import modeling_qwen2_5_vl as hf

from pocket_data import ROW, TASKS, Shard, patches, position_table

SHARD = 9600
SCALE = 28  # completions' mean number of supervised tokens that one sample counts for: a constant normaliser


def pocket_config():
    text = dict(model_type='qwen2_5_vl_text', vocab_size=112, hidden_size=128, intermediate_size=352,
                num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2, hidden_act='silu',
                max_position_embeddings=512, rms_norm_eps=1e-6, use_sliding_window=False, tie_word_embeddings=True,
                bos_token_id=None, eos_token_id=2, pad_token_id=0,
                rope_parameters=dict(rope_type='default', mrope_section=[4, 6, 6], rope_theta=10000.0))
    vision = dict(model_type='qwen2_5_vl', depth=2, hidden_size=64, intermediate_size=128, num_heads=4, in_channels=3,
                  patch_size=8, spatial_merge_size=2, temporal_patch_size=2, tokens_per_second=2, window_size=48,
                  fullatt_block_indexes=[0, 1], out_hidden_size=128, hidden_act='silu')
    return Qwen2_5_VLConfig(text_config=text, vision_config=vision, image_token_id=5, video_token_id=111,
                            vision_start_token_id=3, vision_end_token_id=4, tie_word_embeddings=True)


def initialise(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for name, p in model.named_parameters():
        with torch.no_grad():
            if 'embed_tokens' in name:
                p.normal_(0, .02, generator=generator)
            elif p.ndim >= 2:
                p.normal_(0, .5 / math.sqrt(p[0].numel()), generator=generator)
                if p.ndim == 5:  # both frames of a still picture are equal: start their kernels equal
                    p[:, :, 1] = p[:, :, 0]
            else:
                p.fill_(1.0 if 'norm' in name or 'ln_q' in name else 0.0)


def batched_vision_attention(self, hidden_states, cu_seqlens=None, position_embeddings=None, **kwargs):
    """Qwen2_5_VLVisionAttention.forward for pictures of one size: one batched call instead of one per picture."""
    n = hidden_states.shape[0]
    q, k, v = self.qkv(hidden_states).view(n, 3, self.num_heads, -1).unbind(1)
    q, k = hf.apply_rotary_pos_emb_vision(q, k, *position_embeddings)
    q, k, v = (t.view(n // 36, 36, self.num_heads, -1).transpose(1, 2) for t in (q, k, v))
    out = F.scaled_dot_product_attention(q, k, v, scale=self.scaling)
    return self.proj(out.transpose(1, 2).reshape(n, -1))


class Muon:
    """Momentum with orthogonalised updates (Keller Jordan's Muon), matrices of one shape handled together."""

    def __init__(self, parameters, momentum=.95, decay=1e-3):
        self.momentum, self.decay = momentum, decay
        self.groups = {}
        for p in parameters:
            self.groups.setdefault((p.shape[0], p[0].numel()), []).append(p)
        self.buffers = {shape: torch.zeros(len(ps), *shape) for shape, ps in self.groups.items()}

    @staticmethod
    def orthogonalise(g):
        x = g / (g.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
        tall = x.shape[1] > x.shape[2]
        x = x.transpose(1, 2) if tall else x
        for _ in range(5):
            a = x @ x.transpose(1, 2)
            x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
        return x.transpose(1, 2) if tall else x

    @torch.no_grad()
    def step(self, lr):
        for (rows, cols), ps in self.groups.items():
            g = torch.stack([p.grad.view(rows, cols) for p in ps])
            buffer = self.buffers[rows, cols]
            buffer.mul_(self.momentum).add_(g, alpha=1 - self.momentum)
            update = self.orthogonalise(g.lerp(buffer, self.momentum)) * math.sqrt(max(1, rows / cols))
            for p, u in zip(ps, update):
                p.mul_(1 - lr * self.decay).sub_(u.view_as(p), alpha=lr)


class ShardStream:
    """Asks the exporter for shard n+1 while shard n trains; deletes what was read."""

    def __init__(self, exporter, tokenizer, folder, seed, first):
        self.command = lambda n, out: ['node', exporter, tokenizer, out, str(seed), str(n), str(SHARD)]
        self.folder, self.next, self.jobs = folder, first, {}
        self.request(first)

    def request(self, n):
        path = f'{self.folder}/shard_{n}.bin'
        self.jobs[n] = (path, subprocess.Popen(self.command(n, path)))

    def take(self):
        path, job = self.jobs.pop(self.next)
        if job.wait() != 0:
            raise RuntimeError(f'export of shard {self.next} failed')
        self.next += 1
        self.request(self.next)
        shard = Shard(path, SHARD)
        os.remove(path)
        return shard

    def close(self):
        for path, job in self.jobs.values():
            job.wait()
            os.remove(path)


def batches(stream, size, rng):
    """Endless batches, bucketed by length: pools of six batches are sorted, cut and shuffled."""
    while True:
        shard = stream.take()
        order = rng.permutation(SHARD)
        for start in range(0, SHARD - 6 * size + 1, 6 * size):
            pool = order[start:start + 6 * size]
            pool = pool[np.argsort(shard.meta[pool, 1], kind='stable')]
            for part in rng.permutation(6):
                rows = pool[part * size:(part + 1) * size]
                yield shard.images[rows], shard.ids[rows], shard.loss[rows], shard.meta[rows], shard.cells[rows]


def forward(model, positions, batch):
    """Hidden states [B, T, 128] and ids [B, T] of a batch, cut to its longest row. Padding lies right: causality hides it."""
    images, ids, _, meta = batch[:4]
    size, length = len(ids), int(meta[:, 1].max())
    input_ids = torch.from_numpy(ids[:, :length].astype(np.int64))
    hidden = model.model(
        input_ids=input_ids, pixel_values=patches(images), image_grid_thw=torch.tensor([[1, 6, 6]] * size),
        mm_token_type_ids=(input_ids == 5).long(), position_ids=positions[:, None, :length].expand(3, size, length),
        use_cache=False).last_hidden_state
    return hidden, input_ids


def loss_of(model, positions, batch, weights, cell_weight):
    """Weighted cross-entropy over a constant, and the plain mean of the answers' tokens for the log.

    Besides the answers, each image position may be asked for the shape in its cell (`cell_weight` a token). Answers
    alone teach colours at once but leave shapes at chance for long: what a shape is and where to look for it would
    have to be found together.
    """
    hidden, input_ids = forward(model, positions, batch)
    weight = weights[torch.from_numpy(batch[2][:, 1:input_ids.shape[1]].astype(np.int64))]
    keep = weight > 0
    logits = model.lm_head(hidden[:, :-1][keep])
    losses = F.cross_entropy(logits, input_ids[:, 1:][keep], reduction='none')
    total = (losses * weight[keep]).sum()
    if cell_weight > 0:
        cells = torch.from_numpy(batch[4].astype(np.int64))
        total = total + cell_weight * F.cross_entropy(
            model.lm_head(hidden[:, 3:12]).flatten(0, 1), cells.flatten(), reduction='sum')
    return total / (len(input_ids) * SCALE), losses.detach().mean().item()


@torch.no_grad()
def probe(model, positions, shard, batch=96):
    """Abilities on validation samples. A greedy answer equals the oracle's exactly when, fed the oracle's, every argmax
    is right: one forward pass each. `glance` is the counting token alone, `arithmetic` all tokens after it."""
    tally = {}

    def note(name, values):
        tally.setdefault(name, []).extend(values.tolist())

    model.eval()
    order = np.argsort(shard.meta[:, 1], kind='stable')
    for start in range(0, len(order), batch):
        rows = order[start:start + batch]
        part = (shard.images[rows], shard.ids[rows], shard.loss[rows], shard.meta[rows])
        hidden, ids = forward(model, positions, part)
        logits = model.lm_head(hidden[:, :-1])
        right, target = logits.argmax(-1) == ids[:, 1:], ids[:, 1:]
        kind = torch.from_numpy(part[2][:, 1:ids.shape[1]].astype(np.int64))
        task = np.array([TASKS[t] for t in part[3][:, 2]])
        exact = (right | (kind == 0)).all(1)
        for name in ('list', 'check', 'checkAfter', 'cotText'):
            note(name, exact[task == name])
        note('mark', right[kind == 2])
        cot = torch.from_numpy(task == 'cot')
        note('glance', right[(kind == 3) & cot[:, None]])
        note('arithmetic', (right | (kind == 0) | (kind == 3))[cot].all(1))
        for name in ('backPrompt', 'backPromptText'):
            # At the token after the first </think> (id 9): does it open <back> (id 10)?
            rows_of = torch.from_numpy(task == name)
            opens = ((ids[:, :-1] == 9).cumsum(1) == 1) & (ids[:, :-1] == 9) & rows_of[:, None]
            note(name + 'Greedy', logits.argmax(-1)[opens] == 10)
            note(name + 'Sampled', logits.softmax(-1)[opens][:, 10])
    model.train()
    return {name: round(float(np.mean(values)), 4) for name, values in tally.items()}


def save(model, folder, note):
    model.save_pretrained(folder)
    with open(f'{folder}/training.json', 'w') as f:
        json.dump(note, f)


def schedule(share, warmup=.012, hold=.45, floor=.02):
    if share < warmup:
        return share / warmup
    return 1.0 if share < hold else max(floor, 1 - (1 - floor) * (share - hold) / (1 - hold))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--exporter', required=True, help='bundled export_shards.js')
    parser.add_argument('--folder', required=True, help='folder with tokenizer.json')
    parser.add_argument('--out', required=True)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--batch', type=int, default=96)
    parser.add_argument('--seconds', type=float, default=5100)
    parser.add_argument('--steps', type=int, default=0, help='budget in steps instead of seconds')
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--probe-every', type=int, default=400)
    parser.add_argument('--probe-size', type=int, default=1536)
    parser.add_argument('--cell-weight', type=float, default=1., help='loss weight of an image position')
    parser.add_argument('--cell-from', type=int, default=0, help='first step with that loss')
    parser.add_argument('--resume', help='folder that an earlier part of this run saved (weights only)')
    parser.add_argument('--start-step', type=int, default=0, help='steps done by the earlier part')
    parser.add_argument('--start-share', type=float, default=0., help='share of the schedule done by the earlier part')
    parser.add_argument('--glance-ceiling', type=float, default=.42)
    parser.add_argument('--lr', type=float, default=.02)
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)

    model = Qwen2_5_VLForConditionalGeneration._from_config(pocket_config(), attn_implementation='sdpa')
    initialise(model, args.seed)
    if args.resume:
        model = Qwen2_5_VLForConditionalGeneration.from_pretrained(args.resume, dtype=torch.float32)
        model.train()
    hf.Qwen2_5_VLVisionAttention.forward = batched_vision_attention
    params = list(model.named_parameters())
    matrices = [p for n, p in params if p.ndim >= 2 and 'embed_tokens' not in n]
    others = [p for n, p in params if p.ndim < 2 or 'embed_tokens' in n]
    muon = Muon(matrices)
    adam = torch.optim.AdamW(others, lr=3e-3, betas=(.9, .98), weight_decay=0, foreach=True)
    positions = position_table()
    # By loss class: none, plain, mark of a scan, count at a glance.
    weights = torch.tensor([0., 1., 4., 1.])
    stream = ShardStream(args.exporter, f'{args.folder}/tokenizer.json', args.out, args.seed,
                         -(-args.start_step * args.batch // SHARD))
    rng = np.random.default_rng([args.seed, args.start_step])
    probe_path = f'{args.out}/probe.bin'
    subprocess.run(['node', args.exporter, f'{args.folder}/tokenizer.json', probe_path, str(args.seed), '0',
                    str(args.probe_size), 'validation'], check=True)
    probe_shard = Shard(probe_path, args.probe_size)
    start, step, log = time.time(), 0, open(f'{args.out}/log.jsonl', 'a')
    mean = None
    for batch in batches(stream, args.batch, rng):
        done = step / args.steps if args.steps else (time.time() - start) / args.seconds
        share = args.start_share + (1 - args.start_share) * done
        if share >= 1:
            break
        s = schedule(share)
        cell_weight = args.cell_weight if args.start_step + step >= args.cell_from else 0.
        loss, plain = loss_of(model, positions, batch, weights, cell_weight)
        loss.backward()
        muon.step(args.lr * s)
        torch.nn.utils.clip_grad_norm_(others, 1.0)
        for group in adam.param_groups:
            group['lr'] = 3e-3 * s
        adam.step()
        model.zero_grad(set_to_none=True)
        step += 1
        mean = plain if mean is None else .98 * mean + .02 * plain
        if step % 20 == 0:
            print(f'step {args.start_step + step} share {share:.4f} s {s:.3f} loss {mean:.4f} t {time.time() - start:.0f}', flush=True)
        if step % args.probe_every == 0:
            figures = dict(step=args.start_step + step, share=round(share, 4), loss=round(mean, 4), glance_weight=float(weights[3]),
                           **probe(model, positions, probe_shard))
            # A glance must stay a glance: once it counts too well, it is no longer trained (its band is .3 to .45).
            weights[3] = 0. if figures['glance'] > args.glance_ceiling else 1.
            print(json.dumps(figures), flush=True)
            log.write(json.dumps(figures) + '\n')
            log.flush()
            save(model, f'{args.out}/latest', figures)
    figures = dict(step=args.start_step + step, share=1., loss=round(mean, 4), seconds=round(time.time() - start),
                   **probe(model, positions, probe_shard))
    print(json.dumps(figures), flush=True)
    save(model, f'{args.out}/final', figures)
    stream.close()


if __name__ == '__main__':
    main()
