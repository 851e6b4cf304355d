"""What the grader and a notebook in the sandbox send each other: names, arguments, answers.

The grader imports this file. In the sandbox it is the program that runs the notebook's kernel:
python -I protocol.py KEY PATH SHELL IOPUB CONTROL, where PATH is for sockets of its own and three
numbers name open files. No other file of the project can be seen there, so this one imports none.

Everything travels as JSON, arrays as the base64 of their bytes; nothing that a notebook sends is
evaluated or unpickled.
"""

import base64
import json
import math
import sys
from typing import Any

import numpy as np

MAX_ANSWER_BYTES = 16 * 2**20
MAX_ERROR_LENGTH = 300  # characters
NUMBERS = "biuf"  # kinds of dtype


class NotPlain:
    """Stands for an answer that is not plain data; its repr says what the answer was."""

    def __init__(self, description: str) -> None:
        self.description = description

    def __repr__(self) -> str:
        return self.description


# ---- Plain data as JSON ----


def encode(value: object) -> Any:
    """`value` as data for JSON. What is not plain data becomes a word that says what it was."""
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if value is ...:
        return {"ellipsis": None}
    if kind in (tuple, list):
        return {kind.__name__: [encode(item) for item in value]}
    if kind is dict:
        return {"dict": [[encode(key), encode(item)] for key, item in value.items()]}
    if kind is np.ndarray:
        return _encode_array(value, "array")
    if issubclass(kind, np.generic):
        return _encode_array(value, "scalar")
    if kind is np.random.Generator and type(value.bit_generator) is np.random.PCG64:
        return {"generator": _encode_generator(value.bit_generator)}
    return {"other": f"a {kind.__name__}"}


def _encode_array(value: np.ndarray | np.generic, name: str) -> dict[str, Any]:
    if value.dtype.kind not in NUMBERS:
        return {"other": f"an array of dtype {value.dtype}"}
    if value.nbytes > MAX_ANSWER_BYTES // 2:
        return {"other": f"an array of shape {value.shape}, too large"}
    return {name: [value.dtype.str, list(value.shape), base64.b64encode(value.tobytes()).decode()]}


def _encode_generator(bits: np.random.PCG64) -> list:
    seeds = getattr(bits.seed_seq, "state", None)
    return [encode(bits.state), encode(seeds)]


def decode(data: Any) -> object:
    """The inverse of `encode`.

    Raises ValueError, TypeError, KeyError or AttributeError for data that `encode` did not make.
    """
    if isinstance(data, list):
        raise ValueError("a list stands where a value was expected")
    if not isinstance(data, dict):
        return data
    ((name, content),) = data.items()
    return DECODERS[name](content)


def _decode_array(content: Any) -> np.ndarray:
    name, shape, text = content
    dtype = np.dtype(str(name))
    buffer = base64.b64decode(text)
    if dtype.kind not in NUMBERS or math.prod(shape) * dtype.itemsize != len(buffer):
        raise ValueError("an array must be numbers of its shape")
    return np.frombuffer(buffer, dtype).reshape(shape).copy()


def _decode_generator(content: Any) -> np.random.Generator:
    state, seeds = map(decode, content)
    bits = np.random.PCG64(None if seeds is None else np.random.SeedSequence(**seeds))
    bits.state = state
    return np.random.Generator(bits)


DECODERS = {
    "ellipsis": lambda _: ...,
    "tuple": lambda content: tuple(map(decode, content)),
    "list": lambda content: list(map(decode, content)),
    "dict": lambda content: {decode(key): decode(item) for key, item in content},
    "array": _decode_array,
    "scalar": lambda content: _decode_array(content)[()],
    "generator": _decode_generator,
    "other": lambda content: NotPlain(str(content)[:MAX_ERROR_LENGTH]),
}


def merge(old: object, new: object) -> object:
    """`old` with the content of `new`, changed in place where its type can be.

    Returns `old` where it could be changed, and otherwise what takes its place.
    """
    if type(old) is not type(new):
        return new
    if type(old) is np.ndarray and (old.shape, old.dtype) == (new.shape, new.dtype):
        if old.flags.writeable:
            old[...] = new
    elif type(old) is np.random.Generator:
        _merge_generator(old.bit_generator, new.bit_generator)
    elif type(old) is list:
        old[:] = [*map(merge, old, new), *new[len(old) :]]
    elif type(old) is tuple and len(old) == len(new):
        return tuple(map(merge, old, new))
    elif type(old) is dict:
        changed = {key: merge(old.get(key), item) for key, item in new.items()}
        old.clear()
        old.update(changed)
    else:
        return new
    return old


def _merge_generator(old: np.random.PCG64, new: np.random.PCG64) -> None:
    old.state = new.state
    spawned = new.seed_seq.n_children_spawned - old.seed_seq.n_children_spawned
    if 0 < spawned < 10**5:
        old.seed_seq.spawn(spawned)


def pack(data: Any) -> str:
    """Data for JSON as base64: text that can stand between quotation marks."""
    return base64.b64encode(json.dumps(data).encode()).decode()


def unpack(text: str) -> Any:
    """The inverse of `pack`."""
    return json.loads(base64.b64decode(text))


# ---- In the sandbox ----


def answer(request: str) -> str:
    """Answer what the grader asks for, both packed.

    [name, null] asks for the value of a name, [name, arguments] for the result of a call.
    """
    try:
        name, arguments = unpack(request)
        text = pack(_value(name) if arguments is None else _call(name, arguments))
    except BaseException as error:  # an interrupt and an exit are answers too
        return pack({"error": [type(error).__name__, str(error)[:MAX_ERROR_LENGTH]]})
    if len(text) < 2 * MAX_ANSWER_BYTES:
        return text
    return pack({"result": {"other": "too many numbers"}, "arguments": None})


def _value(name: str) -> dict[str, Any]:
    value = _look_up(name)
    return {"callable": True} if callable(value) else {"result": encode(value)}


def _call(name: str, encoded_arguments: Any) -> dict[str, Any]:
    function = _look_up(name)
    arguments = decode(encoded_arguments)
    result = function(*arguments)
    return {"result": encode(result), "arguments": encode(arguments)}


def _look_up(name: str) -> object:
    """What the notebook has under a name; `...` where it has nothing."""
    from IPython import get_ipython

    return get_ipython().user_ns.get(name, ...)


def main(key: str, path: str, *files: str) -> None:
    """Run a kernel on sockets that are open already: it needs no folder that the grader sees."""
    import zmq
    from ipykernel.kernelapp import IPKernelApp

    shell, iopub, control = map(int, files)

    class Kernel(IPKernelApp):
        def _bind_socket(self, socket: zmq.Socket, port: int) -> int:
            if port in (shell, iopub, control):
                socket.setsockopt(zmq.USE_FD, port)
            return super()._bind_socket(socket, port)

    sys.modules["protocol"] = sys.modules["__main__"]
    app = Kernel(
        transport="ipc",
        ip=path,
        shell_port=shell,
        iopub_port=iopub,
        control_port=control,
        stdin_port=1,
        hb_port=2,
    )
    app.initialize([f"--Session.key={key}", "--HistoryManager.hist_file=:memory:"])
    app.start()


if __name__ == "__main__":
    main(*sys.argv[1:])
