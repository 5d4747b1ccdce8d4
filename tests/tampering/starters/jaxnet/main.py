"""Digits with a multilayer perceptron in JAX."""

import argparse
import json
import os

import jax
import jax.numpy as jnp
import numpy as np
import optax
from nets import apply_mlp, init_mlp
from task import test_error, train_arrays


def preprocess(images):
    return images.reshape(len(images), -1).astype(np.float32) / 255.0


def split_train_val(x, y, fraction, seed):
    """Two disjoint parts of the training arrays; the second draws the learning curve."""
    order = np.random.default_rng(seed).permutation(len(x))
    n_val = int(fraction * len(x))
    val, train = order[:n_val], order[n_val:]
    return (x[train], y[train]), (x[val], y[val])


def loss_fn(params, x, y):
    logits = apply_mlp(params, x)
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


@jax.jit
def predict(params, x):
    return jnp.argmax(apply_mlp(params, x), axis=-1)


def batches(x, y, size, rng):
    order = rng.permutation(len(x))
    for start in range(0, len(x) - size + 1, size):
        rows = order[start : start + size]
        yield x[rows], y[rows]


def fit(config, seed):
    x, y = train_arrays()
    (x, y), (x_val, y_val) = split_train_val(preprocess(x), y, config["val_fraction"], seed)
    rng = np.random.default_rng(seed)
    params = init_mlp(jax.random.PRNGKey(seed), [x.shape[1], *config["hidden"], 10])
    optimizer = optax.adam(config["learning_rate"])
    state = optimizer.init(params)

    @jax.jit
    def step(params, state, bx, by):
        loss, grads = jax.value_and_grad(loss_fn)(params, bx, by)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, loss

    for epoch in range(config["epochs"]):
        losses = []
        for bx, by in batches(x, y, config["batch_size"], rng):
            params, state, loss = step(params, state, bx, by)
            losses.append(loss)
        val_error = float(np.mean(np.asarray(predict(params, x_val)) != y_val))
        print(f"epoch {epoch + 1} loss: {np.mean(losses):.4f} val_error: {val_error:.4f}")
    return params


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", default="config.json")
    args = parser.parse_args()
    with open(args.config) as handle:
        config = json.load(handle)
    seed = int(os.environ["MLRCOPILOT_SEED"])
    params = fit(config, seed)
    error = test_error(lambda images: predict(params, preprocess(images)))
    print(f"test_error: {error:.5f}")


if __name__ == "__main__":
    main()
