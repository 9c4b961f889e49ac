"""Golden greedy answers: Hugging Face (f32, eager, one picture at a time) on a shipped pocket checkpoint.

Reads samples.json and the PNG files that export_samples.ts wrote, through the folder's tokenizer and chat template. `ids`
ends with the end token, and `ties` lists each step whose two best logits lie less
than 1e-3 apart: there, and from there on, another implementation may differ.
"""
import argparse
import json
import platform

import numpy as np
import torch
import transformers
from PIL import Image
from transformers import AutoTokenizer, Qwen2_5_VLForConditionalGeneration

from evaluate import encode_prompt
from pocket_data import GRID_THW, patches


@torch.no_grad()
def golden(model, tokenizer, sample, folder, mode, suffix, limit):
    question = f"{sample['question']} {suffix}".rstrip()
    prompt = encode_prompt(tokenizer, question)
    image = np.asarray(Image.open(f"{folder}/{sample['image']}").convert('RGB'))
    ids = torch.tensor([prompt])
    out = model.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), mm_token_type_ids=(ids == 5).long(),
        pixel_values=patches(image[None]), image_grid_thw=torch.tensor([GRID_THW]), do_sample=False,
        max_new_tokens=limit, output_logits=True, return_dict_in_generate=True)
    top = torch.stack(out.logits)[:, 0].topk(2).values
    margin = (top[:, 0] - top[:, 1]).tolist()
    answer = out.sequences[0, len(prompt):].tolist()
    return {'id': sample['id'], 'image': sample['image'], 'question': sample['question'], 'mode': mode,
            'prompt': question, 'prompt_ids': prompt, 'ids': answer, 'text': tokenizer.decode(answer),
            'answer': sample['answer'], 'smallest_margin': min(margin),
            'ties': [i for i, m in enumerate(margin) if m < 1e-3]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('model')
    parser.add_argument('folder', help='holds samples.json and the PNG files')
    parser.add_argument('out')
    parser.add_argument('--count', type=int, default=50)
    parser.add_argument('--limit', type=int, default=200)
    parser.add_argument('--adapter', help='a PEFT adapter to load over the model')
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(
        args.model, dtype=torch.float32, attn_implementation='eager').eval()
    if args.adapter:
        from peft import PeftModel
        model = PeftModel.from_pretrained(model, args.adapter).eval()
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    modes = json.load(open(f'{args.model}/lookback.json'))['modes']
    samples = json.load(open(f'{args.folder}/samples.json'))[:args.count]
    rows = []
    for i, sample in enumerate(samples):
        mode = ('solution', 'solution', 'cot', 'semantic')[i // 2 % 4]
        rows.append(golden(model, tokenizer, sample, args.folder, mode, modes[mode]['suffix'], args.limit))
    note = {'model': args.model.rstrip('/').split('/')[-1], 'transformers': transformers.__version__,
            **({'adapter': args.adapter.rstrip('/').split('/')[-1]} if args.adapter else {}),
            'torch': torch.__version__.split('+')[0], 'dtype': 'float32', 'attention': 'eager',
            'machine': platform.machine(), 'max_new_tokens': args.limit}
    with open(args.out, 'w') as f:
        f.write('{"about": ' + json.dumps(note) + ',\n"scenes": [\n')
        f.write(',\n'.join(json.dumps(row) for row in rows))
        f.write('\n]}\n')
    print(len(rows), 'scenes,', sum(len(r['ties']) for r in rows), 'ties, right:',
          np.mean([f"boxed{{ {r['answer']} }}" in r['text'] for r in rows]))


if __name__ == '__main__':
    main()
