"""Writes a folder of golden tensors with the manifest.json that the parity command reads.

Not here: computing anything. Invariant: what the manifest says of a tensor (shape, dtype) is taken from the file itself.
"""
import hashlib
import json
import os

import torch
from safetensors.torch import save_file

DTYPES = {torch.float32: 'F32', torch.float16: 'F16', torch.bfloat16: 'BF16', torch.int32: 'I32', torch.uint8: 'U8',
          torch.int64: 'I64', torch.bool: 'BOOL', torch.float64: 'F64'}
EXACT, GIVEN = 'exact', 'input'


class GoldenFile:
    """Tensors of one safetensors file, each with its stage and tolerance."""

    def __init__(self):
        self.tensors, self.entries = {}, {}

    def add(self, name, value, stage, tol):
        """`tol` is 'input', 'exact' or {'abs': v, 'rel': v}. Integers become I32, masks U8."""
        value = torch.as_tensor(value).detach()
        if value.dtype == torch.int64:
            value = value.to(torch.int32)
        elif value.dtype == torch.bool:
            value = value.to(torch.uint8)
        elif value.dtype == torch.float64:
            value = value.to(torch.float32)
        self.tensors[name] = value.contiguous().clone()
        self.entries[name] = {'shape': list(value.shape), 'dtype': DTYPES[value.dtype], 'stage': stage, 'tol': tol}

    def given(self, name, value, stage='input'):
        self.add(name, value, stage, GIVEN)

    def save(self, folder, name='io.safetensors'):
        os.makedirs(folder, exist_ok=True)
        save_file(self.tensors, os.path.join(folder, name))


def write_json(folder, name, value):
    os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
    with open(os.path.join(folder, name), 'w', encoding='utf-8') as out:
        json.dump(value, out, indent=1, ensure_ascii=False)


def write_manifest(folder, fixture, seed, goldens):
    """Lists every file below `folder`; `goldens` maps a path inside it to its GoldenFile."""
    files = {}
    for root, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            path = os.path.relpath(os.path.join(root, name), folder)
            if path == 'manifest.json':
                continue
            data = open(os.path.join(root, name), 'rb').read()
            files[path] = {'bytes': len(data), 'sha256': hashlib.sha256(data).hexdigest()}
            if path in goldens:
                files[path]['tensors'] = goldens[path].entries
    write_json(folder, 'manifest.json', {
        'seed': seed, 'generator': 'make_goldens.py', 'fixture': fixture,
        'tensors_to_compare': sum(e['tol'] != GIVEN for g in goldens.values() for e in g.entries.values()),
        'files': files})


def manifest_text(value, depth=0):
    """JSON in the layout of the manifests: what fits a line of 185 characters is one."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) <= 185 or not isinstance(value, (dict, list)):
        return line
    keys = [f'{json.dumps(key)}: ' for key in value] if isinstance(value, dict) else [''] * len(value)
    parts = value.values() if isinstance(value, dict) else value
    lines = [' ' * (depth + 1) + key + manifest_text(part, depth + 1) for key, part in zip(keys, parts)]
    first, last = '{}' if isinstance(value, dict) else '[]'
    return first + '\n' + ',\n'.join(lines) + '\n' + ' ' * depth + last


def add_to_manifest(folder, names, goldens, about):
    """Lists files of a folder in its manifest, anew where they are listed already.

    `goldens` maps names to their GoldenFile, `about` says what these hold.
    """
    path = os.path.join(folder, 'manifest.json')
    with open(path, encoding='utf-8') as file:
        manifest = json.load(file)
    for name in names:
        with open(os.path.join(folder, name), 'rb') as file:
            data = file.read()
        entry = {'bytes': len(data), 'sha256': hashlib.sha256(data).hexdigest()}
        if name in goldens:
            entry = {'about': about, **entry, 'tensors': goldens[name].entries}
        manifest['files'][name] = entry
    manifest['tensors_to_compare'] = sum(tensor.get('tol', GIVEN) != GIVEN for file in manifest['files'].values()
                                         for tensor in file.get('tensors', {}).values())
    with open(path, 'w', encoding='utf-8') as file:
        file.write(manifest_text(manifest) + '\n')
