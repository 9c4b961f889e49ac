"""Trains an exported Look-Back run with TRL's GRPOTrainer, from the files beside this script: grpo_config.json,
lora_config.json or adapter/, rewards.json, train.jsonl with images/, and look_back_reward.py. Needs trl, peft, pillow.
"""

import argparse
import json
from pathlib import Path

import torch
from datasets import Dataset, Features, Image, List, Value
from peft import LoraConfig, PeftModel
from transformers import AutoModelForImageTextToText, AutoProcessor
from trl import GRPOConfig, GRPOTrainer

from look_back_reward import trl_rewards

HERE = Path(__file__).resolve().parent


def read_json(name):
    return json.loads((HERE / name).read_text(encoding="utf-8"))


def base_path(given):
    """Path or hub id of the base: as given, or as the job says, a folder of the job first."""
    named = given or (HERE / "model.txt").read_text(encoding="utf-8").strip()
    return str(HERE / named) if (HERE / named).is_dir() else named


def read_questions():
    """The questions in order; pictures are opened when they are read."""
    with open(HERE / "train.jsonl", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    for row in rows:
        row["images"] = [str(HERE / path) for path in row["images"]]
    message = {"role": Value("string"), "content": Value("string")}
    features = Features({"prompt": List(message), "images": List(Image()), "answer": Value("string")})
    return Dataset.from_list(rows, features=features)


def make_trainer(model=None, output=None, processor=None, **changes):
    """The trainer of the job. `changes` replaces arguments of GRPOConfig; the processor is the base's own by default."""
    path = base_path(model)
    weights = read_json("rewards.json")
    config = GRPOConfig(output_dir=str(output or HERE / "output"), **{**read_json("grpo_config.json"), **changes})
    processor = processor or AutoProcessor.from_pretrained(path, padding_side="left")
    base = AutoModelForImageTextToText.from_pretrained(
        path, dtype=torch.bfloat16 if config.bf16 else torch.float32
    )
    continued = (HERE / "adapter").is_dir()
    if continued:
        base = PeftModel.from_pretrained(base, str(HERE / "adapter"), is_trainable=True)
    ends = base.generation_config.eos_token_id
    end_ids = {processor.tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])}
    return GRPOTrainer(
        model=base,
        args=config,
        processing_class=processor,
        train_dataset=read_questions(),
        reward_funcs=trl_rewards(list(weights), processor.tokenizer, config.max_completion_length, end_ids),
        peft_config=None if continued else LoraConfig(**read_json("lora_config.json")),
    )


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
