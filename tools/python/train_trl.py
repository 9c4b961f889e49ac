"""Trains an exported Look-Back run with TRL, from the files beside this script: train.jsonl with images/, lora_config.json
or adapter/, and for GRPO grpo_config.json, rewards.json and look_back_reward.py, for SFT sft_config.json. Needs trl, peft,
pillow.
"""

import argparse
import json
from pathlib import Path

import torch
from datasets import Dataset, Features, Image, List, Value
from peft import LoraConfig, PeftModel
from transformers import AutoModelForImageTextToText, AutoProcessor
from trl import GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer

HERE = Path(__file__).resolve().parent


def read_json(name):
    return json.loads((HERE / name).read_text(encoding="utf-8"))


def base_path(given):
    """Path or hub id of the base: as given, or as the job says, a folder of the job first."""
    named = given or (HERE / "model.txt").read_text(encoding="utf-8").strip()
    return str(HERE / named) if (HERE / named).is_dir() else named


MESSAGES = List({"role": Value("string"), "content": Value("string")})


def read_rows(name, **columns):
    """The rows of a file in order, with pictures, which are opened when they are read."""
    with open(HERE / name, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    for row in rows:
        row["images"] = [str(HERE / path) for path in row["images"]]
    return Dataset.from_list(rows, features=Features({"prompt": MESSAGES, "images": List(Image()), **columns}))


def load_base(path, bf16):
    """The base, with the adapter that the run continues, and PEFT's settings of a new one."""
    base = AutoModelForImageTextToText.from_pretrained(path, dtype=torch.bfloat16 if bf16 else torch.float32)
    if not (HERE / "adapter").is_dir():
        return base, LoraConfig(**read_json("lora_config.json"))
    return PeftModel.from_pretrained(base, str(HERE / "adapter"), is_trainable=True), None


def make_grpo(path, output, processor, changes):
    from look_back_reward import trl_rewards

    weights = read_json("rewards.json")
    config = GRPOConfig(output_dir=output, **{**read_json("grpo_config.json"), **changes})
    base, adapter = load_base(path, config.bf16)
    ends = base.generation_config.eos_token_id
    end_ids = {processor.tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])}
    return GRPOTrainer(
        model=base,
        args=config,
        processing_class=processor,
        train_dataset=read_rows("train.jsonl", answer=Value("string"), columns=Value("string")),
        reward_funcs=trl_rewards(list(weights), processor.tokenizer, config.max_completion_length, end_ids),
        peft_config=adapter,
    )


def make_sft(path, output, processor, changes):
    config = SFTConfig(output_dir=output, **{**read_json("sft_config.json"), **changes})
    base, adapter = load_base(path, config.bf16)
    held = read_rows("eval.jsonl", completion=MESSAGES) if (HERE / "eval.jsonl").is_file() else None
    return SFTTrainer(
        model=base,
        args=config,
        processing_class=processor,
        train_dataset=read_rows("train.jsonl", completion=MESSAGES),
        eval_dataset=held,
        peft_config=adapter,
    )


def make_trainer(model=None, output=None, processor=None, **changes):
    """The trainer of the job. `changes` replaces arguments of its config; the processor is the base's own by default."""
    path = base_path(model)
    make = make_sft if (HERE / "sft_config.json").is_file() else make_grpo
    processor = processor or AutoProcessor.from_pretrained(path, padding_side="left")
    return make(path, str(output or HERE / "output"), processor, changes)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", help="path or hub id of the base")
    arguments.add_argument("--output", help="folder of the adapter and the checkpoints")
    arguments.add_argument("--max-steps", type=int, help="ends earlier than the run")
    arguments.add_argument("--bf16", action="store_true", help="weights and arithmetic in bfloat16")
    given = arguments.parse_args()
    changes = {"bf16": True} if given.bf16 else {}
    if given.max_steps:
        changes["max_steps"] = given.max_steps
    trainer = make_trainer(given.model, given.output, **changes)
    trainer.train()
    trainer.save_model()


if __name__ == "__main__":
    main()
