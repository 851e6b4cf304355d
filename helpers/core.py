"""Parameter, Layer and Sequential: what every part of a network has in common.

A layer is called forward and then backward: `y = layer(x)`, `dx = layer.backward(dy)`. The upstream
gradient dy has the shape of y and dx has the shape of x. backward adds to the `grad` of each
parameter, so zero it before each step.
"""

import numpy as np

from helpers.internal.arguments import array, describe, flag, floats


class Parameter:
    """Numbers that are learned: `data`, and their gradient `grad` of the same shape.

    `decay` says whether penalties may shrink them: True for weights, False for biases, gains and
    shifts. `data` is copied; integers become float64.
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

    forward may leave attributes behind, most often for backward, and `remembers` lists their names.
    It never changes its input.
    """

    training = True
    remembers = ()

    def forward(self, x):
        """Return y, computed from x."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward")

    def backward(self, dy):
        """Return dx = dL/dx, and add dL/dp to the grad of each parameter p.

        dy is dL/dy, for the y of the last forward.
        """
        raise NotImplementedError(f"{type(self).__name__} defines no backward")

    def backward_parameters(self, dy):
        """Do the same as backward(dy), without dL/dx: the gradient of the data is not needed."""
        self.backward(dy)

    def __call__(self, x):
        """Return forward(x), with x as an array of floats: lists and integers become float64."""
        return self.forward(floats("x", x))

    def __getattr__(self, name):  # reached only where an attribute is missing
        if name in self.remembers:
            raise AttributeError(f"{type(self).__name__} has no {name!r} yet: call forward first")
        return object.__getattribute__(self, name)  # raises with Python's own sentence

    def parameters(self):
        """Return the list of this layer's Parameters."""
        return [value for value in vars(self).values() if isinstance(value, Parameter)]

    def buffers(self):
        """Return the list of arrays that are saved but not learned, such as running statistics."""
        return []

    def train(self, mode=True):
        """Switch to training mode, where noise is drawn, or to evaluation; return the layer."""
        self.training = flag("mode", mode)
        return self

    def eval(self):
        """Switch to evaluation mode: the same input gives the same output; return the layer."""
        return self.train(mode=False)

    def state(self):
        """Return copies of all parameters and buffers, in a fixed order; `load` puts them back."""
        return [values.copy() for values in self._arrays()]

    def load(self, state):
        """Set all parameters and buffers to a `state` taken earlier.

        Raises TypeError unless state is a list, ValueError if the shapes differ.
        """
        if not isinstance(state, (list, tuple)):
            raise TypeError(
                f"state must be a list of arrays such as state() returns, got {describe(state)}"
            )
        state = [floats("each array of state", values) for values in state]
        expected = [values.shape for values in self._arrays()]
        shapes = [values.shape for values in state]
        if shapes != expected:
            raise ValueError(f"state must hold arrays of shapes {expected}, got {shapes}")
        for values, saved in zip(self._arrays(), state, strict=True):
            values[...] = saved

    def _arrays(self):
        return [p.data for p in self.parameters()] + self.buffers()


class Sequential(Layer):
    """Layers one after the other: forward in order, backward in reverse order (the chain rule).

    Raises TypeError unless each is a Layer, and ValueError if one is given twice: it could remember
    only one of its inputs. backward raises ValueError unless dy has the shape of y: many layers
    would silently broadcast it.
    """

    shape = None  # that of y, after the first forward

    def __init__(self, *layers):
        for layer in layers:
            if not isinstance(layer, Layer):
                raise TypeError(
                    f"layers must be Layer objects such as ReLU(), got {describe(layer)}"
                )
        if len(set(map(id, layers))) < len(layers):
            raise ValueError("layers must be different objects, got the same one twice: create two")
        self.layers = list(layers)

    def forward(self, x):
        """Return layer_n(... layer_1(x))."""
        for layer in self.layers:
            x = layer(x)
        self.shape = x.shape
        return x

    def backward(self, dy):
        """Return dL/dx; each layer turns the gradient of its output into that of its input."""
        dy = self._upstream(dy)
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy

    def backward_parameters(self, dy):
        """Add dL/dp to each grad.

        Stop at the first layer with parameters; nothing before it needs a gradient.
        """
        first = next((i for i, layer in enumerate(self.layers) if layer.parameters()), None)
        if first is not None:
            dy = self._upstream(dy)
            for layer in reversed(self.layers[first + 1 :]):
                dy = layer.backward(dy)
            self.layers[first].backward_parameters(dy)

    def parameters(self):
        """Return the Parameters of all layers, in order."""
        return [p for layer in self.layers for p in layer.parameters()]

    def buffers(self):
        """Return the buffers of all layers, in order."""
        return [values for layer in self.layers for values in layer.buffers()]

    def train(self, mode=True):
        """Switch all layers to training mode, or to evaluation; return the network."""
        for layer in self.layers:
            layer.train(mode)
        return super().train(mode)

    def _upstream(self, dy):
        dy = floats("dy", dy)
        if self.shape not in (None, dy.shape):
            raise ValueError(f"dy must have the shape of y, {self.shape}, got {dy.shape}")
        return dy
