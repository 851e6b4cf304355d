"""A row of the table: a way to call a function, and how its refusals and answers are judged."""

import copy
import re
import reprlib
import types
from typing import NamedTuple

import numpy as np

TOLERANCE = {2: 5e-2, 4: 1e-4}  # by the size of a number in bytes

OTHER_NAMES = {  # that the sentence may have for an argument
    "X": "x",
    "others": "all sets",
    "strengths": "one for each strength",
    "y": "target",
    "check": "holds",
    "sizes": "size",
    "references": "null|settings",
    "run": "metrics|with seed 0",
    "values": "references|each of the 3 seeds|'loss' of",
    "validation": "validation [Xy]",
}


class WrongAnswer(AssertionError):
    """A bad input was taken or refused without the sentence, or an unusual one answered wrong."""


class Example(NamedTuple):
    """A value for one argument: a bad one, or an unusual one that means the same as `usual`."""

    argument: str
    given: object
    usual: object = None
    bad: bool = False


class Row:
    """A way to call a public function, with a kind for each argument.

    `errors` are those that may be raised to refuse.
    """

    def __init__(self, call, errors=(TypeError, ValueError), **kinds):
        self.call = call
        self.errors = errors
        self.kinds = kinds

    def listed(self):
        """The Examples that are tried each."""
        for name, kind in self.kinds.items():
            for value in kind.bad.listed:
                yield Example(name, value, bad=True)
            for given, usual in kind.unusual.listed:
                yield Example(name, _copy(given), _copy(usual))

    def drawn(self):
        """The strategies from which more Examples are drawn."""
        for name, kind in self.kinds.items():
            yield from (_bad_examples(name, values) for values in kind.bad.drawn)
            yield from (_unusual_examples(name, pairs) for pairs in kind.unusual.drawn)

    def check(self, example):
        """Raise WrongAnswer unless a bad value is refused, or an unusual one answered as usual."""
        if example.bad:
            self.refuse(example.argument, example.given)
        else:
            self.answer(*example[:3])

    def refuse(self, name, given):
        try:
            result = self._call(name, given)
        except Exception as error:
            if fault := self._fault(error, name):
                raise WrongAnswer(f"{name} = {given!r}: {fault}") from error
        else:
            raise WrongAnswer(f"{name} = {given!r} was taken and gave {reprlib.repr(result)}")

    def answer(self, name, given, usual):
        self.compare(name, given, flat(self._call(name, given)), flat(self._call(name, usual)))

    def compare(self, name, given, result, expected):
        """Raise WrongAnswer unless both are equal, as far as their smallest numbers can tell."""
        sizes = [values.dtype.itemsize for values in result if isinstance(values, np.ndarray)]
        sizes.append(getattr(getattr(given, "dtype", None), "itemsize", 8))
        share = TOLERANCE.get(min(sizes), 1e-9)
        for values, others in zip(result, expected, strict=True):
            if not _close(values, others, share):
                raise WrongAnswer(f"{name} = {given!r} gave {values!r}, expected {others!r}")

    def arguments(self, name, value):
        """Usual values for all arguments but `name`, which gets `value`."""
        usual = {other: kind.fresh() for other, kind in self.kinds.items()}
        return usual | {name: value}

    def _call(self, name, value):
        arguments = self.arguments(name, value)
        arrays = {name: x for name, x in arguments.items() if isinstance(x, np.ndarray)}
        before = {name: values.tobytes() for name, values in arrays.items()}
        try:
            return self.call(**arguments)
        finally:
            for argument, content in before.items():
                if arguments[argument].tobytes() != content:
                    raise WrongAnswer(f"{argument} of the caller was changed")

    def _fault(self, error, name):
        """What is wrong with a refusal, or None."""
        sentence = str(error)
        if type(error) not in self.errors:
            return f"raised {error!r}"
        if "\n" in sentence or len(sentence) > 600:
            return f"is refused with more than a sentence: {sentence}"
        if not re.search(rf"(?<!\w)({name}|{OTHER_NAMES.get(name, name)})(?!\w)", sentence):
            return f"is refused with another name: {sentence}"
        expected = re.search(r"\b(must|needs?|needed|became)\b", sentence)
        if not expected or not re.search(r"\b(got|became)\b", sentence):
            return f"is refused without what was expected and what came: {sentence}"
        return None


def _copy(value):
    """A copy, since a call may train a model; but arrays keep their layout, and are not changed."""
    return value if isinstance(value, np.ndarray) else copy.deepcopy(value)


def _bad_examples(name, values):
    return values.map(lambda value: Example(name, value, bad=True))


def _unusual_examples(name, pairs):
    return pairs.map(lambda pair: Example(name, *pair))


def _close(values, others, share):
    if not isinstance(values, np.ndarray):
        return values == others
    if values.shape != others.shape:
        return False
    return np.allclose(values, others, rtol=share, atol=share, equal_nan=True)


def flat(result):
    """The arrays and the words in a result, in order."""
    if isinstance(result, dict):
        return [part for key, value in result.items() for part in (key, *flat(value))]
    if isinstance(result, (list, tuple, types.GeneratorType)):
        return [part for value in result for part in flat(value)]
    if isinstance(result, (int, float, np.generic, np.ndarray)) and not isinstance(result, np.str_):
        values = np.asarray(result)
        return [values if values.dtype.itemsize < 8 else values.astype(float)]
    return [result]
