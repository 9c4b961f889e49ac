"""LoRA goldens beside a model folder: masked loss and gradients, AdamW steps, and GRPO losses over completions.

The adapter is PEFT's; losses and GRPO terms are written out. Invariant: base weights are frozen, dropout is 0, and the
adapter on disk is the one that the goldens were computed with.
"""
import os

import torch
from peft import LoraConfig, get_peft_model

from golden_file import EXACT, GoldenFile

LOSS, GRADIENT = {'abs': 1e-4}, {'rel': 1e-3}
STEPPED = {'abs': 1e-4, 'outliers': 0.005}
LOGP, TERM = {'abs': 5e-4}, {'abs': 1e-3, 'rel': 1e-3}
LOSS_TYPES = ('grpo', 'bnpo', 'dr_grpo', 'dapo')


def attach(model, settings, seed):
    """The model under an adapter with random A and B. `settings`: r, alpha, rslora, modules (letters before _proj)."""
    config = LoraConfig(r=settings['r'], lora_alpha=settings['alpha'], use_rslora=settings.get('rslora', False),
                        target_modules=rf"model\.language_model\..*\.({settings['modules']})_proj",
                        task_type='CAUSAL_LM')
    peft = get_peft_model(model, config).eval()
    generator = torch.Generator().manual_seed(seed + 1)
    for name, weight in sorted(peft.named_parameters()):
        if 'lora_' in name:
            with torch.no_grad():
                scale = weight.shape[1] ** -0.5 if 'lora_A' in name else 0.2
                weight.copy_(torch.randn(weight.shape, generator=generator) * scale)
    return peft


def adapters(peft):
    """Canonical module path and letter of every adapter matrix, with its parameter."""
    for name, weight in peft.named_parameters():
        if 'lora_' in name:
            module, letter = name.removeprefix('base_model.model.').split('.lora_')
            yield module, letter[0], weight


def forward(peft, ids, extra):
    types = (ids == peft.config.image_token_id).int()
    return peft(input_ids=ids, mm_token_type_ids=types, use_cache=False, **extra).logits


def masked_loss(logits, labels):
    return torch.nn.functional.cross_entropy(logits[0, :-1].float(), labels[1:], ignore_index=-100)


class Taps:
    """Residual streams of one pass, with their gradients kept."""

    def __init__(self, text):
        self.inputs, self.handles = [], []
        for module in [*text.layers, text.norm]:
            self.handles.append(module.register_forward_pre_hook(self.keep, with_kwargs=True))

    def keep(self, _module, args, kwargs):
        x = args[0] if args else kwargs['hidden_states']
        if x.requires_grad:
            x.retain_grad()
        self.inputs.append(x)

    def close(self):
        for handle in self.handles:
            handle.remove()


def add_loss(out, peft, ids, labels, extra, rows):
    taps = Taps(peft.get_base_model().model.language_model)
    logits = forward(peft, ids, extra)
    logits.retain_grad()
    loss = masked_loss(logits, labels)
    peft.zero_grad()
    loss.backward()
    taps.close()
    supervised = (labels[1:] >= 0).nonzero()[:, 0]
    out.given('rows', torch.tensor(rows), 'lora')
    out.add('logits', logits[0][rows], 'lora', {'abs': 5e-4})
    out.add('loss', loss.reshape(1), 'lora', LOSS)
    out.add('supervised_rows', supervised, 'lora', EXACT)
    out.add('d_logits', logits.grad[0][supervised], 'lora', GRADIENT)
    *layers, last = taps.inputs
    for i, x in enumerate(layers):
        if x.grad is not None:
            out.add(f'd_layer_in.{i}', x.grad[0], 'lora', GRADIENT)
    out.add('d_pre_norm', last.grad[0], 'lora', GRADIENT)
    for module, letter, weight in adapters(peft):
        out.add(f'{module}.d{letter}', weight.grad, 'lora', GRADIENT)


def add_steps(out, peft, ids, labels, extra, name, clip):
    """Three AdamW steps; the adapter is put back afterwards."""
    matrices = [weight for _, _, weight in adapters(peft)]
    before = [weight.detach().clone() for weight in matrices]
    optimizer = torch.optim.AdamW(matrices, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0)
    losses, norms = [], []
    for _ in range(3):
        optimizer.zero_grad()
        loss = masked_loss(forward(peft, ids, extra), labels)
        loss.backward()
        losses.append(loss.detach())
        norms.append(torch.nn.utils.clip_grad_norm_(matrices, 1.0 if clip else float('inf')))
        optimizer.step()
    with torch.no_grad():
        losses.append(masked_loss(forward(peft, ids, extra), labels))
    out.add(f'{name}.losses', torch.stack(losses), 'adamw', LOSS)
    out.add(f'{name}.grad_norms', torch.stack(norms), 'adamw', GRADIENT)
    for module, letter, weight in adapters(peft):
        out.add(f'{module}.{letter}.{name}', weight, 'adamw', STEPPED)
    with torch.no_grad():
        for weight, value in zip(matrices, before):
            weight.copy_(value)


def token_logps(peft, prompt, completions, mask, extra, temperature=1.0):
    """Log-probability and entropy [G, C] of every completion token, zero where padded."""
    logps, entropies = [], []
    for row, seen in zip(completions, mask):
        # Padding lies behind what counts, so a causal model needs no mask for it.
        logits = forward(peft, torch.cat([prompt, row])[None], extra)[0, len(prompt) - 1:-1] / temperature
        logp = logits.log_softmax(-1)
        logps.append(torch.where(seen, logp.gather(1, row[:, None])[:, 0], 0))
        entropies.append(torch.where(seen, -(logp.exp() * logp).sum(-1), 0))
    return torch.stack(logps), torch.stack(entropies)


def advantages_of(rewards, floor=None):
    mean, std = rewards.mean(-1, keepdim=True), rewards.std(-1, keepdim=True)
    return (rewards - mean) / (std + 1e-4 if floor is None else std.clamp(min=floor))


def reduced(per_token, mask, kind, length, tokens):
    """The scalar loss of rows; `tokens` counts the whole batch for dapo."""
    if kind == 'grpo':
        return (per_token.sum(-1) / mask.sum(-1)).mean()
    return per_token.sum() / {'bnpo': mask.sum(), 'dr_grpo': len(mask) * length, 'dapo': tokens}[kind]


def add_grpo(out, peft, config, prompt, extra, settings, seed):
    """`settings`: lengths of the completions (the longest is cut off, the others end), eps_low, eps_high, beta."""
    generator = torch.Generator().manual_seed(seed + 2)
    lengths = settings['lengths']
    width = max(lengths)
    completions = torch.randint(3, config.text_config.vocab_size - 12, (len(lengths), width), generator=generator)
    mask = torch.arange(width) < torch.tensor(lengths)[:, None]
    for row, length in zip(completions, lengths):
        if length < width:
            row[length - 1], row[length:] = 2, 1
    low, high, beta, limit = settings['eps_low'], settings['eps_high'], settings['beta'], settings['max_length']
    out.given('prompt_ids', prompt, 'grpo')
    out.given('completion_ids', completions, 'grpo')
    out.given('completion_mask', mask, 'grpo')
    out.given('hparams', torch.tensor([low, high, beta, limit]), 'grpo')
    with peft.disable_adapter(), torch.no_grad():
        ref, _ = token_logps(peft, prompt, completions, mask, extra)
    with torch.no_grad():
        warm, warm_entropy = token_logps(peft, prompt, completions, mask, extra, 0.7)
    logps, entropy = token_logps(peft, prompt, completions, mask, extra)
    old = torch.where(mask, logps.detach() + 0.4 * torch.randn(logps.shape, generator=generator), 0)
    out.add('logps', logps, 'grpo', LOGP)
    out.given('old_logps', old, 'grpo')
    for name, value in (('ref_logps', ref), ('entropy', entropy), ('logps_t07', warm), ('entropy_t07', warm_entropy)):
        out.add(name, value, 'grpo', LOGP)
    rewards = torch.rand(len(lengths), generator=generator)
    groups = torch.rand(5, len(lengths), generator=generator).round(decimals=1)
    advantages, floored = advantages_of(rewards), advantages_of(rewards, 0.25)
    out.given('rewards', rewards, 'grpo')
    out.add('advantages', advantages, 'grpo', LOSS)
    out.add('advantages_std_floor', floored, 'grpo', LOSS)
    out.given('groups.rewards', groups, 'grpo')
    out.add('groups.advantages', advantages_of(groups), 'grpo', {'abs': 2e-3})
    out.add('groups.advantages_std_floor', advantages_of(groups, 0.25), 'grpo', LOSS)
    ratio = torch.where(mask, (logps - old).exp(), 0)
    kl = torch.where(mask, (ref - logps).exp() - (ref - logps) - 1, 0)

    def per_token(weights, kl_weight):
        a = weights[:, None]
        clipped = torch.min(ratio * a, ratio.clamp(1 - low, 1 + high) * a)
        return torch.where(mask, -clipped + kl_weight * kl, 0)
    whole = per_token(advantages, beta)
    out.add('ratio', ratio, 'grpo', GRADIENT)
    out.add('kl', kl, 'grpo', TERM)
    out.add('per_token_loss', whole, 'grpo', TERM)
    a = advantages[:, None]
    cut = [kl, ((ratio < 1 - low) & (a < 0)).float(), ((ratio > 1 + high) & (a > 0)).float(), entropy]
    out.add('metrics', torch.stack([(x * mask).sum() / mask.sum() for x in cut]), 'grpo', {'abs': 1e-3})
    for kind in LOSS_TYPES:
        total = mask.sum()
        for name, terms in ((f'loss.{kind}', whole), (f'loss_beta0.{kind}', per_token(advantages, 0)),
                            (f'loss_std_floor.{kind}', per_token(floored, beta))):
            out.add(name, reduced(terms, mask, kind, limit, total).reshape(1), 'grpo', LOSS)
        loss = reduced(whole, mask, kind, limit, total)
        parameters = [weight for _, _, weight in adapters(peft)]
        d_logps, *gradients = torch.autograd.grad(loss, [logps, *parameters], retain_graph=True)
        out.add(f'd_logps.{kind}', d_logps, 'grpo', GRADIENT)
        for (module, letter, _), gradient in zip(adapters(peft), gradients):
            out.add(f'{kind}.{module}.d{letter}', gradient, 'grpo', GRADIENT)
        # Two micro-batches; dapo divides by the tokens of both, the others by the number of accumulation steps.
        middle = len(mask) // 2
        halves = [reduced(whole[part], mask[part], kind, limit, total) / (1 if kind == 'dapo' else 2)
                  for part in (slice(0, middle), slice(middle, None))]
        out.add(f'accumulated.{kind}', torch.stack(halves), 'grpo', LOSS)
        out.add(f'accumulated.d_logps.{kind}', torch.autograd.grad(sum(halves), logps, retain_graph=True)[0], 'grpo',
                GRADIENT)


@torch.enable_grad()
def write_lora(folder, model, settings, inputs, extra, rows, seed, goldens):
    """lora.safetensors, grpo.safetensors and adapter/ of a model folder; the model is left wrapped."""
    config = model.config
    model.requires_grad_(False)
    peft = attach(model, settings, seed)
    ids = inputs[0]
    labels = torch.full((ids.shape[1],), -100)
    labels[-settings['labels']:] = ids[0, -settings['labels']:]
    out = GoldenFile()
    out.given('input_ids', ids[0], 'lora')
    out.given('labels', labels, 'lora')
    scale = settings['alpha'] / (settings['r'] ** 0.5 if settings.get('rslora') else settings['r'])
    out.given('scale', torch.tensor([scale]), 'lora')
    for module, letter, weight in adapters(peft):
        out.given(f'{module}.{letter}', weight, 'lora')
    add_loss(out, peft, ids, labels, extra, rows)
    out.given('adamw.hparams', torch.tensor([1e-3, 0.9, 0.999, 1e-8, 0]), 'adamw')
    add_steps(out, peft, ids, labels, extra, 'step3', False)
    add_steps(out, peft, ids, labels, extra, 'step3_clip', True)
    out.save(folder, 'lora.safetensors')
    grpo = GoldenFile()
    add_grpo(grpo, peft, config, ids[0], extra, settings['grpo'], seed)
    grpo.save(folder, 'grpo.safetensors')
    adapter = os.path.join(folder, 'adapter')
    peft.save_pretrained(adapter, save_embedding_layers=False)
    for name in os.listdir(adapter):
        if not name.startswith('adapter_'):
            os.remove(os.path.join(adapter, name))
    goldens.update({'lora.safetensors': out, 'grpo.safetensors': grpo})
