"""Parameter, Layer and Sequential: what every part of a network has in common.

A layer is called forward and then backward: `y = layer(x)`, `dx = layer.backward(dy)`. The upstream gradient dy has the
shape of y and dx has the shape of x. backward adds to the `grad` of each parameter, so zero it before each step.
"""

import numpy as np

from helpers.internal.arguments import array, describe, flag, floats


class Parameter:
    """Numbers that are learned: `data`, their gradient `grad` (same shape), and whether penalties may shrink them.

    `decay` is True for weights and False for biases, gains and shifts. `data` is copied; integers become float64.
    """

    def __init__(self, data, decay=True):
        self.data = array("data", data).copy()
        self.grad = np.zeros_like(self.data)
        self.decay = flag("decay", decay)

    def zero_grad(self):
        """Set the gradient to zero."""
        self.grad.fill(0)


class Layer:
    """The base of all layers: `forward` and `backward` are its formula, `training` its mode.

    A layer may keep what backward needs from forward as attributes; forward never changes its input.
    """

    training = True

    def forward(self, x):
        """Return y, computed from x."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward")

    def backward(self, dy):
        """Return dx = dL/dx from dy = dL/dy of the last forward, and add dL/dp to the grad of each parameter p."""
        raise NotImplementedError(f"{type(self).__name__} defines no backward")

    def backward_parameters(self, dy):
        """The same as backward(dy), but dL/dx is not asked for: nobody needs the gradient of the data."""
        self.backward(dy)

    def __call__(self, x):
        """The same as forward(x), with x made an array of floats: lists are taken, integers become float64."""
        return self.forward(floats("x", x))

    def __getattr__(self, name):  # reached only where an attribute is missing
        raise AttributeError(
            f"{type(self).__name__} has no {name!r}; if backward needs it, call forward first"
        )

    def parameters(self):
        """The list of this layer's Parameters."""
        return [value for value in vars(self).values() if isinstance(value, Parameter)]

    def buffers(self):
        """The list of arrays that are part of the state without being learned, such as running statistics."""
        return []

    def train(self, mode=True):
        """Switch to training mode (noise is drawn), or to evaluation with mode=False. Returns the layer."""
        self.training = flag("mode", mode)
        return self

    def eval(self):
        """Switch to evaluation mode: the same input gives the same output. Returns the layer."""
        return self.train(False)

    def state(self):
        """Copies of all parameters and buffers, in a fixed order; `load` puts them back."""
        return [values.copy() for values in self._arrays()]

    def load(self, state):
        """Set all parameters and buffers to a `state` taken earlier. Raises ValueError where the shapes differ."""
        shapes = [values.shape for values in self._arrays()]
        if not isinstance(state, (list, tuple)):
            raise TypeError(
                f"state must be a list of arrays such as state() returns, got {describe(state)}"
            )
        state = [floats("each array of state", values) for values in state]
        if [np.shape(values) for values in state] != shapes:
            raise ValueError(
                f"state must hold arrays of shapes {shapes}, got {[np.shape(values) for values in state]}"
            )
        for values, saved in zip(self._arrays(), state, strict=True):
            values[...] = saved

    def _arrays(self):
        return [p.data for p in self.parameters()] + self.buffers()


class Sequential(Layer):
    """Layers one after the other: forward in order, backward in reverse order (the chain rule).

    Raises TypeError for what is no Layer, ValueError for a layer given twice: it could remember one of its inputs only.
    backward raises ValueError for a dy of another shape than y: in many a layer NumPy would stretch it in silence.
    """

    shape = None  # of y, once forward was called

    def __init__(self, *layers):
        for layer in layers:
            if not isinstance(layer, Layer):
                raise TypeError(
                    f"layers must be Layer objects such as ReLU(), got {describe(layer)}"
                )
        if len(set(map(id, layers))) < len(layers):
            raise ValueError("layers must be different objects, got the same one twice: make two")
        self.layers = list(layers)

    def forward(self, x):
        """Return layer_n(... layer_1(x))."""
        for layer in self.layers:
            x = layer(x)
        self.shape = x.shape
        return x

    def backward(self, dy):
        """Return dL/dx; every layer turns the gradient of its output into the gradient of its input."""
        dy = self._upstream(dy)
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy

    def backward_parameters(self, dy):
        """Add dL/dp to each grad; the way back ends at the first layer that has parameters."""
        first = next((i for i, layer in enumerate(self.layers) if layer.parameters()), None)
        if first is not None:
            dy = self._upstream(dy)
            for layer in reversed(self.layers[first + 1 :]):
                dy = layer.backward(dy)
            self.layers[first].backward_parameters(dy)

    def parameters(self):
        """The Parameters of all layers, in order."""
        return [p for layer in self.layers for p in layer.parameters()]

    def buffers(self):
        """The buffers of all layers, in order."""
        return [values for layer in self.layers for values in layer.buffers()]

    def train(self, mode=True):
        """Switch all layers to training mode, or to evaluation with mode=False."""
        for layer in self.layers:
            layer.train(mode)
        return super().train(mode)

    def _upstream(self, dy):
        dy = floats("dy", dy)
        if self.shape not in (None, dy.shape):
            raise ValueError(f"dy must have the shape of y, {self.shape}, got {dy.shape}")
        return dy
