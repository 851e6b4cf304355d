"""A network in NumPy the way textbooks write it.

float64, dictionaries, a new array for each result, np.random.rand. Examples are columns: X is
(D, N), W is (n_out, n_in), b is (n_out, 1). Hidden layers are ReLU. It is here to be compared with,
not to be learned from.
"""

import numpy as np


def initialize(weights, biases):
    """A dictionary W1, b1, W2, ... in float64 from weights (n_in, n_out) and biases (n_out,)."""
    params = {}
    for k, (W, b) in enumerate(zip(weights, biases, strict=True), start=1):
        params[f"W{k}"] = W.T.astype(np.float64)
        params[f"b{k}"] = b[:, None].astype(np.float64)
    return params


def sigmoid(Z):
    """1 / (1 + exp(-Z))."""
    return 1 / (1 + np.exp(-Z))


def softmax(Z):
    """exp(Z) with columns of sum one."""
    exps = np.exp(Z - np.max(Z, axis=0, keepdims=True))
    return exps / np.sum(exps, axis=0, keepdims=True)


def dropout(A, keep_prob, cache, k):
    """A with some of its elements set to zero and the others scaled up.

    Nothing is drawn at keep_prob 1.
    """
    if keep_prob == 1:
        return A
    D = np.random.rand(A.shape[0], A.shape[1])  # noqa: NPY002 - that is the manner
    D = (D < keep_prob).astype(int)  # noqa: SIM300 - D is the array
    cache[f"D{k}"] = D
    return A * D / keep_prob


def forward(X, params, keep_probs, output):
    """The output and what backward needs.

    keep_probs has one number for the input and each hidden layer.
    """
    cache = {}
    L = len(params) // 2
    A = cache["A0"] = dropout(X, keep_probs[0], cache, 0)
    for k in range(1, L):
        Z = cache[f"Z{k}"] = np.dot(params[f"W{k}"], A) + params[f"b{k}"]
        A = cache[f"A{k}"] = dropout(np.maximum(0, Z), keep_probs[k], cache, k)
    return output(np.dot(params[f"W{L}"], A) + params[f"b{L}"]), cache


def cost_softmax(A, Y):
    """The mean cross-entropy of softmax outputs and one-hot columns."""
    return -np.sum(Y * np.log(A)) / Y.shape[1]


def cost_sigmoid(A, Y):
    """The mean binary cross-entropy."""
    return -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / Y.shape[1]


def penalty(params, lam):
    """lam/2 times the sum of the squares of all weights."""
    weights = [values for name, values in params.items() if name.startswith("W")]
    return lam / 2 * sum(np.sum(np.square(W)) for W in weights)


def backward(A, Y, params, cache, keep_probs, lam):
    """The gradients of cost + penalty, a dictionary dW1, db1, ..."""
    grads = {}
    L = len(params) // 2
    dZ = (A - Y) / Y.shape[1]
    for k in range(L, 0, -1):
        W = params[f"W{k}"]
        grads[f"dW{k}"] = np.dot(dZ, cache[f"A{k - 1}"].T) + lam * W
        grads[f"db{k}"] = np.sum(dZ, axis=1, keepdims=True)
        if k > 1:
            dA = np.dot(W.T, dZ)
            if keep_probs[k - 1] != 1:
                dA = dA * cache[f"D{k - 1}"] / keep_probs[k - 1]
            dZ = dA * (cache[f"Z{k - 1}"] > 0)
    return grads


def update(params, grads, velocities, lr, momentum):
    """One step of gradient descent, with momentum unless it is 0."""
    for name in params:
        step = grads[f"d{name}"]
        if momentum:
            step = velocities[name] = momentum * velocities.get(name, 0) + step
        params[name] = params[name] - lr * step
