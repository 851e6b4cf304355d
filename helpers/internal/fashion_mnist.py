"""The download of Fashion-MNIST: four files, checked by their SHA-256 and kept in a folder."""

import gzip
import math
import os

import numpy as np

from helpers.internal.arguments import describe, flag

URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
SHA256SUMS = """
train-images-idx3-ubyte.gz 3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84
train-labels-idx1-ubyte.gz a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845
t10k-images-idx3-ubyte.gz 346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073
t10k-labels-idx1-ubyte.gz 67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5
"""
SHA256 = dict(line.split() for line in SHA256SUMS.strip().splitlines())
CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
RETRIES = 2


def load(cache, base_url, progress):
    """Return (train, test), each a pair X, y; the arguments are those of `load_fashion_mnist`."""
    if not str(base_url).startswith(("http://", "https://")):
        raise ValueError(f"base_url must start with http:// or https://, got {describe(base_url)}")
    if cache is not None and not isinstance(cache, (str, os.PathLike)):
        raise TypeError(f"cache must be the path of a folder, got {describe(cache)}")
    progress = flag("progress", progress) and os.environ.get("COURSE_PROGRESS") != "off"
    store = _store(cache, base_url)
    paths = [_fetch(store, name, progress) for name in SHA256]
    return _pictures(*paths[:2]), _pictures(*paths[2:])


def _store(cache, base_url):
    import pooch

    pooch.get_logger().setLevel("ERROR")  # the progress bar and the errors below say it all
    cache = pooch.os_cache("regularization-course") / "fashion-mnist" if cache is None else cache
    return pooch.create(cache, base_url, registry=SHA256, retry_if_failed=RETRIES)


def _fetch(store, name, progress):
    """The path of the file. Pooch downloads under another name and renames it once it is right."""
    from pooch import HTTPDownloader

    try:
        return store.fetch(name, downloader=HTTPDownloader(progressbar=progress, chunk_size=2**16))
    except (OSError, ValueError) as error:
        sentence = _explanation(error, name, store)
        raise OSError(sentence) from None  # the chain is 100 lines of urllib3


def _explanation(error, name, store):
    from requests import exceptions as of_requests

    if isinstance(error, of_requests.HTTPError):
        answer = f"{store.base_url}{name} answered with status {error.response.status_code}"
        return f"{answer}: check base_url, or call again later."
    if isinstance(error, of_requests.ChunkedEncodingError):
        return f"the download of {name} broke off half-way and nothing of it was kept: call again."
    if isinstance(error, of_requests.RequestException):
        failure = f"no connection to {store.base_url} for {name} ({type(error).__name__})"
        return f"{failure}: check the network, then call again."
    if isinstance(error, ValueError):
        failure = f"{name} came from {store.base_url} with a wrong SHA-256 and was not kept"
        return f"{failure}: call again, and if it happens twice pass another base_url."
    failure = f"{name} cannot be stored in {store.path} ({type(error).__name__})"
    return f"{failure}: pass a folder you may write to as cache."


def _pictures(images_path, labels_path):
    images = _read_idx(images_path, ndim=3)
    labels = _read_idx(labels_path, ndim=1)
    if len(images) != len(labels):
        count = f"{images_path} holds {len(images)} pictures"
        raise OSError(f"{count}, but {labels_path} {len(labels)} labels.")
    X = np.divide(images.reshape(len(images), -1), 255, dtype=np.float32)
    return X, labels.astype(np.int64)


def _read_idx(path, ndim):
    """The array in an IDX file: 0, 0, 8 (unsigned bytes), ndim, sizes as big-endian int32, data."""
    with gzip.open(path) as file:
        content = file.read()
    start = 4 + 4 * ndim
    if content[:4] != bytes([0, 0, 8, ndim]) or len(content) < start:
        expected = f"an IDX file of unsigned bytes with {ndim} axes"
        raise OSError(f"{path} is not {expected}: it starts with {content[:4]}.")
    shape = np.frombuffer(content, ">u4", ndim, offset=4).tolist()
    if len(content) - start != math.prod(shape):
        size = len(content) - start
        raise OSError(f"{path} holds {size} bytes of data, but its header says {shape}.")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
