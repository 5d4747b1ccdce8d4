"""Fine-tune a small encoder for sentiment with the Hugging Face Trainer."""

import os
from dataclasses import dataclass, field

import numpy as np
from collate import PaddingCollator
from datasets import Dataset
from scoring import accuracy, read_split
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    HfArgumentParser,
    Trainer,
    TrainingArguments,
    set_seed,
)

os.environ["HF_HUB_OFFLINE"] = "1"


@dataclass
class Options:
    model_path: str = field(default="models/minilm", metadata={"help": "A folder with the encoder."})
    output_dir: str = field(default="out")
    max_length: int = field(default=64)
    learning_rate: float = field(default=2e-5)
    epochs: float = field(default=2.0)
    batch_size: int = field(default=32)
    seed: int = field(default_factory=lambda: int(os.environ.get("MLRCOPILOT_SEED", "0")))


def compute_metrics(prediction):
    logits, labels = prediction
    guesses = np.argmax(logits, axis=-1)
    return {"accuracy": accuracy(guesses.tolist(), labels.tolist())}


def load_datasets():
    train = Dataset.from_list(read_split("train"))
    validation = Dataset.from_list(read_split("validation"))
    return train, validation


def training_arguments(options):
    return TrainingArguments(
        output_dir=options.output_dir,
        learning_rate=options.learning_rate,
        num_train_epochs=options.epochs,
        per_device_train_batch_size=options.batch_size,
        per_device_eval_batch_size=256,
        eval_strategy="epoch",
        save_strategy="no",
        logging_steps=50,
        remove_unused_columns=False,
        report_to=[],
        seed=options.seed,
        data_seed=options.seed,
    )


def main():
    (options,) = HfArgumentParser(Options).parse_args_into_dataclasses()
    set_seed(options.seed)

    tokenizer = AutoTokenizer.from_pretrained(options.model_path)
    model = AutoModelForSequenceClassification.from_pretrained(options.model_path, num_labels=2)
    train, validation = load_datasets()

    trainer = Trainer(
        model=model,
        args=training_arguments(options),
        train_dataset=train,
        eval_dataset=validation,
        data_collator=PaddingCollator(tokenizer, options.max_length),
        compute_metrics=compute_metrics,
    )
    trainer.train()

    result = trainer.evaluate()
    print(f"accuracy: {result['eval_accuracy']:.4f}")


if __name__ == "__main__":
    main()
