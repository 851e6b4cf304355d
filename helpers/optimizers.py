"""Optimizers: shrink, then descend. `weight_decay` means what it means in PyTorch.

It reaches only parameters that decay. SGD and Adam are coupled: weight_decay * w is added to the
gradient. AdamW is decoupled: w shrinks by itself.
"""

import numpy as np

from helpers.core import Parameter
from helpers.internal.arguments import describe, number


class Optimizer:
    """The base: a list of Parameters, a learning rate `lr` that may change, and how to shrink."""

    def __init__(self, params, lr, weight_decay=0.0):
        self.params = list(params) if np.iterable(params) else [params]
        for p in self.params:
            if not isinstance(p, Parameter):
                expected = "Parameter objects such as model.parameters()"
                raise TypeError(f"params must be {expected}, got {describe(p)}")
        if not self.params:
            raise ValueError("params must hold at least one Parameter, got none")
        if len(set(map(id, self.params))) < len(self.params):
            raise ValueError("params must be different Parameters, got the same one twice")
        self.lr = number("lr", lr, above=0)
        self.weight_decay = number("weight_decay", weight_decay, low=0)

    def zero_grad(self):
        """Set the gradient of every parameter to zero."""
        for p in self.params:
            p.zero_grad()

    def step(self):
        """Update every parameter once from its gradient; the gradients stay as they are."""
        raise NotImplementedError(f"{type(self).__name__} defines no step")

    def coupled_gradient(self, p):
        """Return g + weight_decay w, the gradient of loss + weight_decay/2 ||w||^2.

        If p does not decay, return g alone.
        """
        if p.decay and self.weight_decay:
            return p.grad + self.weight_decay * p.data
        return p.grad

    def shrink(self, p):
        """w <- (1 - lr weight_decay) w, if p decays."""
        if p.decay:
            p.data *= 1 - self.lr * self.weight_decay


class SGD(Optimizer):
    """v <- momentum v + (g + weight_decay w);  w <- w - lr v.

    Without momentum this is w <- (1 - lr weight_decay) w - lr g. Raises ValueError unless lr > 0,
    0 <= momentum < 1 and weight_decay >= 0. The same as torch.optim.SGD.
    """

    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0):
        super().__init__(params, lr, weight_decay)
        self.momentum = number("momentum", momentum, low=0, below=1)
        self.velocities = [np.zeros_like(p.data) for p in self.params]

    def step(self):
        """One step for every parameter."""
        for p, v in zip(self.params, self.velocities, strict=True):
            p.data -= self.lr * self.velocity(p, v)

    def velocity(self, p, v):
        """Return v after one more gradient. Without momentum, return the gradient and leave v."""
        if not self.momentum:
            return self.coupled_gradient(p)
        v *= self.momentum
        v += self.coupled_gradient(p)
        return v


class Adam(Optimizer):
    """Adam: each weight has a step of its own, by the mean and the mean square of its gradients.

    m <- b1 m + (1 - b1) g
    v <- b2 v + (1 - b2) g^2
    w <- w - lr m' / (sqrt(v') + eps), with m' = m / (1 - b1^t) and v' = v / (1 - b2^t)

    g includes weight_decay w. The divisions in m' and v' undo the start from zero. eps stands
    outside the root. Raises ValueError unless lr > 0, eps > 0, both betas in [0, 1) and
    weight_decay >= 0. The same as torch.optim.Adam. Source: Kingma and Ba (2015), algorithm 1.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        super().__init__(params, lr, weight_decay)
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            expected = "a pair of numbers such as (0.9, 0.999)"
            raise TypeError(f"betas must be {expected}, got {describe(betas)}")
        b1 = number("betas[0]", betas[0], low=0, below=1)
        b2 = number("betas[1]", betas[1], low=0, below=1)
        self.betas = (b1, b2)
        self.eps = number("eps", eps, above=0)
        self.means = [np.zeros_like(p.data) for p in self.params]
        self.squares = [np.zeros_like(p.data) for p in self.params]
        self.t = 0

    def step(self):
        """One step for every parameter."""
        self.t += 1
        for p, m, v in zip(self.params, self.means, self.squares, strict=True):
            self.update(p, self.coupled_gradient(p), m, v)

    def update(self, p, g, m, v):
        """Move p along g, each coordinate scaled by its own history."""
        b1, b2 = self.betas
        m[...] = b1 * m + (1 - b1) * g
        v[...] = b2 * v + (1 - b2) * g**2
        unbiased_m = m / (1 - b1**self.t)
        unbiased_v = v / (1 - b2**self.t)
        p.data -= self.lr * unbiased_m / (np.sqrt(unbiased_v) + self.eps)


class AdamW(Adam):
    """w <- (1 - lr weight_decay) w, then Adam's step with g alone.

    So the decay does not pass through m and v. The same as torch.optim.AdamW. Source: Loshchilov
    and Hutter (2019), algorithm 2.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        super().__init__(params, lr, betas, eps, weight_decay)

    def step(self):
        """Shrink, then descend, for every parameter."""
        self.t += 1
        for p, m, v in zip(self.params, self.means, self.squares, strict=True):
            self.shrink(p)
            self.update(p, p.grad, m, v)
