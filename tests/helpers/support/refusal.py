"""How the course refuses bad input: one sentence, with the argument, what came and what should."""

from contextlib import contextmanager

import pytest


@contextmanager
def refuses(kind, *parts):
    """The block must raise exactly `kind`: a line that begins with parts[0] and holds the rest."""
    with pytest.raises(kind) as caught:
        yield
    sentence = str(caught.value)
    assert caught.type is kind
    assert "\n" not in sentence
    assert sentence.startswith(parts[0]), sentence
    assert all(part in sentence for part in parts), sentence
