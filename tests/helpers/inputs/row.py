"""A row of the table of inputs: a way to call a public function, and how its refusals and answers are judged."""

import re
import reprlib
import types

import numpy as np
from hypothesis import strategies as st

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
    """An input was taken that had to be refused, refused without the sentence, or answered wrong."""


class Row:
    """A way to call a public function, with a kind for each argument. `errors`: what may be raised to refuse."""

    def __init__(self, call, errors=(TypeError, ValueError), **kinds):
        self.call, self.errors, self.kinds = call, errors, kinds

    def examples(self):
        """(argument, True, bad value, None) or (argument, False, unusual value, usual value)."""
        return st.one_of(
            [example for name, kind in self.kinds.items() for example in _both(name, kind)]
        )

    def check(self, name, bad, given, usual):
        """Raise WrongAnswer unless the value given for the argument `name` is refused, or answered like the usual."""
        if bad:
            self.refuse(name, given)
        else:
            self.answer(name, given, usual)

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
        """Raise WrongAnswer unless the two are equal, as far as the smallest numbers in `result` and `given` tell."""
        size = min(
            [values.dtype.itemsize for values in result if isinstance(values, np.ndarray)],
            default=8,
        )
        size = min(size, getattr(getattr(given, "dtype", None), "itemsize", 8))
        for values, others in zip(result, expected, strict=True):
            if not _close(values, others, TOLERANCE.get(size, 1e-9)):
                raise WrongAnswer(f"{name} = {given!r} gave {values!r}, expected {others!r}")

    def _call(self, name, value):
        arguments = {other: kind.fresh() for other, kind in self.kinds.items()} | (
            {name: value} if name else {}
        )
        before = {
            name: value.tobytes()
            for name, value in arguments.items()
            if isinstance(value, np.ndarray)
        }
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
        if not re.search(r"\b(must|needs?|needed|became)\b", sentence) or not re.search(
            r"\b(got|became)\b", sentence
        ):
            return f"is refused without what was expected and what came: {sentence}"
        return None


def _both(name, kind):
    yield kind.bad.map(lambda value: (name, True, value, None))
    yield kind.unusual.map(lambda pair: (name, False, *pair))


def _close(values, others, share):
    if not isinstance(values, np.ndarray):
        return values == others
    return values.shape == others.shape and np.allclose(
        values, others, rtol=share, atol=share, equal_nan=True
    )


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
