"""A multilayer perceptron as pure functions."""

import jax
import jax.numpy as jnp


def init_mlp(key, sizes):
    """Weights and biases of layers between the given sizes."""
    params = []
    for fan_in, fan_out in zip(sizes[:-1], sizes[1:], strict=True):
        key, sub = jax.random.split(key)
        weight = jax.random.normal(sub, (fan_in, fan_out)) * jnp.sqrt(2.0 / fan_in)
        params.append({"w": weight, "b": jnp.zeros(fan_out)})
    return params


def apply_mlp(params, x):
    """Logits of flattened images."""
    for layer in params[:-1]:
        x = jax.nn.relu(x @ layer["w"] + layer["b"])
    return x @ params[-1]["w"] + params[-1]["b"]
