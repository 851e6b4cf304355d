"""What the grader and a notebook in the sandbox say to each other: names, arguments and answers as plain data.

The grader imports this file. In the sandbox it is the program that runs the notebook's kernel:
python remote.py KEY PATH SHELL IOPUB CONTROL, where PATH is for sockets of its own and three numbers name open files.
Data travel as JSON, arrays as the base64 of their bytes; nothing from a notebook is evaluated or unpickled.
"""

import base64
import json
import math
import sys

import numpy as np

LARGEST = 16 * 2**20  # bytes of one answer
LONGEST = 300  # characters of an error's text
NUMBERS = "biuf"  # kinds of dtype


class Other:
    """An answer that is no plain data: its repr says what it was."""

    def __init__(self, said):
        self.said = said

    def __repr__(self):
        return self.said


# ---- Plain data as JSON ----


def encode(value):
    """`value` as data for JSON. What is no plain data becomes a word that says so."""
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if value is ...:
        return {"ellipsis": None}
    if kind in (tuple, list):
        return {kind.__name__: [encode(item) for item in value]}
    if kind is dict:
        return {"dict": [[encode(key), encode(item)] for key, item in value.items()]}
    if kind is np.ndarray or issubclass(kind, np.generic):
        return _encode_array(value, "array" if kind is np.ndarray else "scalar")
    if kind is np.random.Generator and type(value.bit_generator) is np.random.PCG64:
        seeds = value.bit_generator.seed_seq
        return {
            "generator": [encode(value.bit_generator.state), encode(getattr(seeds, "state", None))]
        }
    return {"other": f"a {kind.__name__}"}


def _encode_array(value, name):
    if value.dtype.kind not in NUMBERS:
        return {"other": f"an array of dtype {value.dtype}"}
    if value.nbytes > LARGEST // 2:
        return {"other": f"an array of shape {value.shape}, too large"}
    return {name: [value.dtype.str, list(value.shape), base64.b64encode(value.tobytes()).decode()]}


def decode(data):
    """The inverse of `encode`. Raises ValueError, TypeError, KeyError or AttributeError for what was not made by it."""
    if not isinstance(data, dict):
        if isinstance(data, list):
            raise ValueError("a list stands where a value was expected")
        return data
    ((name, content),) = data.items()
    return DECODERS[name](content)


def _decode_array(content):
    name, shape, text = content
    dtype, content = np.dtype(str(name)), base64.b64decode(text)
    if dtype.kind not in NUMBERS or math.prod(shape) * dtype.itemsize != len(content):
        raise ValueError("an array must be numbers of its shape")
    return np.frombuffer(content, dtype).reshape(shape).copy()


def _decode_generator(content):
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
    "other": lambda content: Other(str(content)[:LONGEST]),
}


def merge(old, new):
    """`old` with the content of `new`: what a call may change, changes in place. Returns what stands there now."""
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


def _merge_generator(old, new):
    old.state = new.state
    spawned = new.seed_seq.n_children_spawned - old.seed_seq.n_children_spawned
    if 0 < spawned < 10**5:
        old.seed_seq.spawn(spawned)


def pack(data):
    """Text of letters and digits that holds `data`."""
    return base64.b64encode(json.dumps(data).encode()).decode()


def unpack(text):
    """The inverse of `pack`."""
    return json.loads(base64.b64decode(text))


# ---- In the sandbox ----


def answer(request):
    """What the grader asks for: [name, null] the value of a name, [name, arguments] the result of a call."""
    try:
        text = pack(_answer(*unpack(request)))
    except BaseException as error:  # an interrupt and an exit are answers too
        return pack({"error": [type(error).__name__, str(error)[:LONGEST]]})
    return (
        text
        if len(text) < 2 * LARGEST
        else pack({"result": encode(Other("too many numbers")), "arguments": None})
    )


def _answer(name, arguments):
    from IPython import get_ipython

    found = get_ipython().user_ns.get(name, ...)
    if arguments is None:
        return {"callable": True} if callable(found) else {"result": encode(found)}
    arguments = decode(arguments)
    result = found(*arguments)
    return {"result": encode(result), "arguments": encode(arguments)}


def main(key, path, *files):
    """Run a kernel on sockets that are open already, so that it needs no folder that the outside can see."""
    import zmq
    from ipykernel.kernelapp import IPKernelApp

    shell, iopub, control = map(int, files)

    class Kernel(IPKernelApp):
        def _bind_socket(self, socket, port):
            if port in (shell, iopub, control):
                socket.setsockopt(zmq.USE_FD, port)
            return super()._bind_socket(socket, port)

    sys.modules["remote"] = sys.modules["__main__"]
    ports = {
        "shell_port": shell,
        "iopub_port": iopub,
        "control_port": control,
        "stdin_port": 1,
        "hb_port": 2,
    }
    app = Kernel(transport="ipc", ip=path, **ports)
    app.initialize([f"--Session.key={key}", "--HistoryManager.hist_file=:memory:"])
    app.start()


if __name__ == "__main__":
    main(*sys.argv[1:])
