"""Optimizers: shrink, then descend. `weight_decay` has PyTorch's meaning in each, and reaches only what decays.

SGD and Adam are coupled: weight_decay * w is added to the gradient. AdamW is decoupled: w shrinks by itself.
"""

import math

import numpy as np

from helpers.core import Parameter
from helpers.internal.arguments import describe, number


class Optimizer:
    """The base: a list of Parameters, a learning rate `lr` that may be changed, and the way to shrink."""

    def __init__(self, params, lr, weight_decay=0.0):
        self.params = list(params) if np.iterable(params) else [params]
        for p in self.params:
            if not isinstance(p, Parameter):
                raise TypeError(
                    f"params must be Parameter objects such as model.parameters(), got {describe(p)}"
                )
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
        """Return g + weight_decay w, the gradient of loss + weight_decay/2 ||w||^2; g alone where p does not decay."""
        return p.grad + self.weight_decay * p.data if p.decay and self.weight_decay else p.grad

    def shrink(self, p):
        """w <- (1 - lr weight_decay) w, where p decays."""
        if p.decay:
            p.data *= 1 - self.lr * self.weight_decay


class SGD(Optimizer):
    """v <- momentum v + (g + weight_decay w);  w <- w - lr v.

    Without momentum this is w <- (1 - lr weight_decay) w - lr g. Raises ValueError unless lr > 0, 0 <= momentum < 1 and
    weight_decay >= 0. The same as torch.optim.SGD.
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
        """Return v after one more gradient. Without momentum it is the gradient, and v is left alone."""
        if not self.momentum:
            return self.coupled_gradient(p)
        v *= self.momentum
        v += self.coupled_gradient(p)
        return v


class Adam(Optimizer):
    """m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;  w <- w - lr m' / (sqrt(v') + eps).

    g includes weight_decay w. m' = m / (1 - b1^t) and v' = v / (1 - b2^t) undo the start from zero. eps stands outside
    the root. Raises ValueError unless lr > 0, eps > 0, both betas in [0, 1) and weight_decay >= 0. The same as
    torch.optim.Adam. Source: Kingma and Ba (2015), algorithm 1.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        super().__init__(params, lr, weight_decay)
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise TypeError(
                f"betas must be a pair of numbers such as (0.9, 0.999), got {describe(betas)}"
            )
        self.betas = tuple(
            number(f"betas[{i}]", beta, low=0, below=1) for i, beta in enumerate(betas)
        )
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
        m *= b1
        m += (1 - b1) * g
        v *= b2
        v += (1 - b2) * g * g
        # m' / (sqrt(v') + eps), its two scalars taken together: a tenth faster. So ends section 2 of the paper.
        c1, c2 = 1 - b1**self.t, math.sqrt(1 - b2**self.t)
        root = np.sqrt(v)
        root += c2 * self.eps
        p.data -= self.lr * c2 / c1 * m / root


class AdamW(Adam):
    """w <- (1 - lr weight_decay) w, then Adam's step with g alone: the decay does not pass through m and v.

    The same as torch.optim.AdamW. Source: Loshchilov and Hutter (2019), algorithm 2.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        super().__init__(params, lr, betas, eps, weight_decay)

    def step(self):
        """Shrink, then descend, for every parameter."""
        self.t += 1
        for p, m, v in zip(self.params, self.means, self.squares, strict=True):
            self.shrink(p)
            self.update(p, p.grad, m, v)
