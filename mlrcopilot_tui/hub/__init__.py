"""What others have published: models and datasets of the Hugging Face Hub, searched by need."""
