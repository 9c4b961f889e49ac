"""Pretrains pocket: Hugging Face's Qwen2_5_VLForConditionalGeneration on shards of pocket's world, on CPU.

First the vision tower alone with a throwaway head on each cell, which removes a long plateau; then one mixture
(tools/pocket/mixture.ts). Muon for matrices, AdamW for the rest. The learning rate follows the spent share of the budget
(seconds or steps), so that any budget ends annealed; a file `seconds` in the output folder changes the budget on the way.
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

from pocket_data import GRID_THW, HEAD, IMAGE_TOKENS, PATCHES, TASKS, Shard, patches, position_table

SHARD = 3200
SCALE = 40  # completions' mean number of supervised tokens that one sample counts for: a constant normaliser


def pocket_config():
    text = dict(model_type='qwen2_5_vl_text', vocab_size=256, hidden_size=128, intermediate_size=352,
                num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2, hidden_act='silu',
                max_position_embeddings=512, rms_norm_eps=1e-6, use_sliding_window=False, tie_word_embeddings=True,
                bos_token_id=None, eos_token_id=2, pad_token_id=0,
                rope_parameters=dict(rope_type='default', mrope_section=[4, 6, 6], rope_theta=10000.0))
    vision = dict(model_type='qwen2_5_vl', depth=2, hidden_size=64, intermediate_size=128, num_heads=4, in_channels=3,
                  patch_size=8, spatial_merge_size=2, temporal_patch_size=2, tokens_per_second=2, window_size=64,
                  fullatt_block_indexes=[0, 1], out_hidden_size=128, hidden_act='silu')
    return Qwen2_5_VLConfig(text_config=text, vision_config=vision, image_token_id=5, video_token_id=255,
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
    q, k, v = (t.view(n // PATCHES, PATCHES, self.num_heads, -1).transpose(1, 2) for t in (q, k, v))
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
    """Asks the exporter for shard n+1 while shard n trains; deletes what was read. While the next one is not ready, the
    last one serves again, at most twice."""

    def __init__(self, exporter, tokenizer, folder, seed, first, phase):
        self.phase = phase
        self.command = lambda n, out: ['node', exporter, tokenizer, out, str(seed), str(n), str(SHARD), 'train',
                                       self.phase]
        self.folder, self.next, self.last, self.uses, self.repeats = folder, first, None, 0, 0
        self.request(first)

    def request(self, n):
        path = f'{self.folder}/shard_{n}.bin'
        self.job = (path, subprocess.Popen(self.command(n, path)))

    def take(self):
        path, job = self.job
        if self.last is not None and self.uses < 3 and job.poll() is None:
            self.uses += 1
            self.repeats += 1
            return self.last
        if job.wait() != 0:
            raise RuntimeError(f'export of shard {self.next} failed')
        self.last, self.uses = Shard(path, SHARD), 1
        os.remove(path)
        self.next += 1
        self.request(self.next)
        return self.last

    def close(self):
        path, job = self.job
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


def train_tower(model, stream, seconds, rng, size=64):
    """The vision tower alone: each image token says its cell's shape (or none) and colour word to two linear heads."""
    visual = model.model.visual
    shape_head, colour_head = torch.nn.Linear(128, 7), torch.nn.Linear(128, 11)
    params = list(visual.named_parameters())
    muon = Muon([p for _, p in params if p.ndim >= 2])
    adam = torch.optim.AdamW([p for _, p in params if p.ndim < 2] + [*shape_head.parameters(), *colour_head.parameters()],
                             lr=3e-3, betas=(.9, .98), weight_decay=0)
    thw = torch.tensor([GRID_THW] * size)
    start, step, figures = time.time(), 0, {}
    for images, _, _, _, cells in batches(stream, size, rng):
        share = (time.time() - start) / seconds
        if share >= 1:
            break
        s = schedule(share)
        features = visual(patches(images), grid_thw=thw)
        features = getattr(features, 'pooler_output', features)
        features = torch.cat(list(features)) if isinstance(features, (tuple, list)) else features
        labels = torch.from_numpy(cells.reshape(-1, 2).astype(np.int64))
        loss = 0
        for i, head in enumerate((shape_head, colour_head)):
            asked = labels[:, i] < 255
            logits = head(features[asked])
            loss = loss + F.cross_entropy(logits, labels[asked, i])
            right = (logits.argmax(-1) == labels[asked, i]).float().mean().item()
            figures[i] = .95 * figures.get(i, right) + .05 * right
        loss.backward()
        muon.step(.02 * s)
        for group in adam.param_groups:
            group['lr'] = 3e-3 * s
        adam.step()
        model.zero_grad(set_to_none=True)
        adam.zero_grad(set_to_none=True)
        step += 1
        if step % 50 == 0:
            print(f'tower step {step} share {share:.3f} shape {figures[0]:.4f} colour {figures[1]:.4f}', flush=True)
    print(f'tower done: {step} steps, shape {figures[0]:.4f}, colour {figures[1]:.4f}', flush=True)


def forward(model, positions, batch):
    """Hidden states [B, T, 128] and ids [B, T] of a batch, cut to its longest row. Padding lies right: causality hides it."""
    images, ids, _, meta = batch[:4]
    size, length = len(ids), int(meta[:, 1].max())
    input_ids = torch.from_numpy(ids[:, :length].astype(np.int64))
    hidden = model.model(
        input_ids=input_ids, pixel_values=patches(images), image_grid_thw=torch.tensor([GRID_THW] * size),
        mm_token_type_ids=(input_ids == 5).long(), position_ids=positions[:, None, :length].expand(3, size, length),
        use_cache=False).last_hidden_state
    return hidden, input_ids


def loss_of(model, positions, batch, weights):
    """Weighted cross-entropy over a constant, and the plain mean of the answers' tokens for the log."""
    hidden, input_ids = forward(model, positions, batch)
    weight = weights[torch.from_numpy(batch[2][:, 1:input_ids.shape[1]].astype(np.int64))]
    keep = weight > 0
    logits = model.lm_head(hidden[:, :-1][keep])
    losses = F.cross_entropy(logits, input_ids[:, 1:][keep], reduction='none')
    return (losses * weight[keep]).sum() / (len(input_ids) * SCALE), losses.detach().mean().item()


@torch.no_grad()
def probe(model, positions, shard, batch=64):
    """Abilities on validation samples. A greedy answer equals the oracle's exactly when, fed the oracle's, every argmax
    is right: one forward pass each. `glance` is the counting token alone, beside the best constant count; `arithmetic`
    all tokens after it. Figures of sheets end in S, those of photographs in P."""
    tally, glances = {}, {'S': [], 'P': []}

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
        for suffix, of_kind in (('S', part[3][:, 3] == 0), ('P', part[3][:, 3] == 1)):
            for name in ('list', 'check', 'checkAfter'):
                note(name + suffix, exact[(task == name) & of_kind])
            rows_of = torch.from_numpy(of_kind)[:, None]
            note('mark' + suffix, right[(kind == 2) & rows_of])
            cot = torch.from_numpy(task == 'cot')[:, None] & rows_of
            note('glance' + suffix, right[(kind == 3) & cot])
            glances[suffix] += target[(kind == 3) & cot].tolist()
            for name in ('backPrompt', 'midwayPrompt'):
                # At the token after the first </think> (id 9): does it open <back> (id 10)?
                opens = ((ids[:, :-1] == 9).cumsum(1) == 1) & (ids[:, :-1] == 9)
                opens &= torch.from_numpy((task == name) & of_kind)[:, None]
                note(f'{name}Greedy{suffix}', logits.argmax(-1)[opens] == 10)
                note(f'{name}Sampled{suffix}', logits.softmax(-1)[opens][:, 10])
        note('textOnly', exact[task == 'cotText'])
        note('arithmetic', (right | (kind == 0) | (kind == 3))[task == 'cot'].all(1))
    model.train()
    figures = {name: round(float(np.mean(values)), 4) for name, values in tally.items()}
    for suffix, values in glances.items():
        figures['constant' + suffix] = round(max(np.bincount(values)) / len(values), 4)
    return figures


def save(model, folder, note):
    model.save_pretrained(folder)
    with open(f'{folder}/training.json', 'w') as f:
        json.dump(note, f)


def schedule(share, warmup=.012, hold=.5, floor=.02):
    if share < warmup:
        return share / warmup
    return 1.0 if share < hold else max(floor, 1 - (1 - floor) * (share - hold) / (1 - hold))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--exporter', required=True, help='bundled export_shards.js')
    parser.add_argument('--folder', required=True, help='folder with tokenizer.json')
    parser.add_argument('--out', required=True)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--batch', type=int, default=48)
    parser.add_argument('--seconds', type=float, default=4000)
    parser.add_argument('--steps', type=int, default=0, help='budget in steps instead of seconds')
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--probe-every', type=int, default=300)
    parser.add_argument('--probe-size', type=int, default=1152)
    parser.add_argument('--resume', help='folder that an earlier part of this run saved (weights only)')
    parser.add_argument('--start-step', type=int, default=0, help='steps done by the earlier part')
    parser.add_argument('--start-share', type=float, default=0., help='share of the schedule done by the earlier part')
    parser.add_argument('--tower-seconds', type=float, default=120, help='0 with --resume')
    parser.add_argument('--phases', nargs='+', default=['reading:.6', 'all:1'],
                        help='phases of the mixture, each with the share of the budget at which it ends')
    parser.add_argument('--glance-weight', type=float, default=3.)
    parser.add_argument('--glance-ceiling', type=float, default=.5)
    parser.add_argument('--lr', type=float, default=.02)
    parser.add_argument('--hold', type=float, default=.5, help='share of the budget after which the learning rate falls')
    args = parser.parse_args()
    phases = [(name, float(end)) for name, end in (phase.split(':') for phase in args.phases)]
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
    weights = torch.tensor([0., 1., 4., args.glance_weight])
    stream = ShardStream(args.exporter, f'{args.folder}/tokenizer.json', args.out, args.seed,
                         -(-args.start_step * args.batch // SHARD), phases[0][0])
    rng = np.random.default_rng([args.seed, args.start_step])
    probe_path = f'{args.out}/probe.bin'
    subprocess.run(['node', args.exporter, f'{args.folder}/tokenizer.json', probe_path, str(args.seed), '0',
                    str(args.probe_size), 'validation'], check=True)
    probe_shard = Shard(probe_path, args.probe_size)
    if args.tower_seconds > 0:
        train_tower(model, stream, args.tower_seconds, rng)
    start, step, log = time.time(), 0, open(f'{args.out}/log.jsonl', 'a')
    mean = None
    for batch in batches(stream, args.batch, rng):
        if step % 20 == 0 and os.path.exists(f'{args.out}/seconds'):
            args.seconds = float(open(f'{args.out}/seconds').read())
        done = step / args.steps if args.steps else (time.time() - start) / args.seconds
        share = args.start_share + (1 - args.start_share) * done
        if share >= 1:
            break
        stream.phase = next(name for name, end in phases if share < end)
        s = schedule(share, hold=args.hold)
        loss, plain = loss_of(model, positions, batch, weights)
        loss.backward()
        muon.step(args.lr * s)
        torch.nn.utils.clip_grad_norm_(others, 1.0)
        for group in adam.param_groups:
            group['lr'] = .15 * args.lr * s
        adam.step()
        model.zero_grad(set_to_none=True)
        step += 1
        mean = plain if mean is None else .98 * mean + .02 * plain
        if step % 20 == 0:
            print(f'step {args.start_step + step} share {share:.4f} s {s:.3f} loss {mean:.4f} t {time.time() - start:.0f}', flush=True)
        if step % args.probe_every == 0:
            figures = dict(step=args.start_step + step, share=round(share, 4), loss=round(mean, 4), seconds=round(time.time() - start),
                           repeats=stream.repeats,
                           **probe(model, positions, probe_shard))
            # A glance must stay a glance: once it counts too well, it is no longer trained.
            weights[3] = 0. if figures['glanceS'] > args.glance_ceiling else args.glance_weight
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
