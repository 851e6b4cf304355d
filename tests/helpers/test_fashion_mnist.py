"""load_fashion_mnist and a server on loopback that answers right, in part, wrong, or not at all."""

import gzip
import hashlib
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pooch
import pytest

from helpers.data import load_fashion_mnist
from helpers.internal import fashion_mnist

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = fashion_mnist.SHA256
RETRIES = fashion_mnist.RETRIES  # small_and_fast sets it to 0


def idx(array):
    """An IDX file of unsigned bytes, compressed."""
    sizes = np.array(array.shape, dtype=">u4").tobytes()
    return gzip.compress(bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes())


PICTURES = np.random.default_rng(0).integers(0, 256, (5, 28, 28))
PICTURES[0, 0, :3] = [0, 51, 255]
FILES = {
    TRAIN_IMAGES: idx(PICTURES[:3]),
    TRAIN_LABELS: idx(np.array([9, 0, 4])),
    TEST_IMAGES: idx(PICTURES[3:]),
    TEST_LABELS: idx(np.array([7, 1])),
}


class Server:
    """Answers with `files`; `faults` holds, for a name, what goes wrong at its next requests."""

    def __init__(self):
        self.files = dict(FILES)
        self.faults = {}
        self.requests = []

    def answer(self, handler):
        name = handler.path.removeprefix("/")
        self.requests.append(name)
        body = self.files[name]
        fault = next(iter(self.faults.get(name, [])), None)
        self.faults[name] = self.faults.get(name, [])[1:]
        if fault == "hang up":
            return
        handler.send_response(fault if isinstance(fault, int) else 200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: len(body) // 2] if fault == "half" else body)

    @contextmanager
    def running(self):
        handler = type(
            "Handler",
            (BaseHTTPRequestHandler,),
            {"do_GET": lambda handler: self.answer(handler), "log_message": no_log},
        )
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            self.url = f"http://127.0.0.1:{server.server_port}"
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def no_log(*_):
    """The tests print nothing."""


@pytest.fixture
def server():
    with Server().running() as running:
        yield running


@pytest.fixture(autouse=True)
def small_and_fast(monkeypatch):
    """The checksums of the small files, one try, no proxy, no progress bar."""
    register(monkeypatch, FILES)
    monkeypatch.setattr(fashion_mnist, "RETRIES", 0)
    monkeypatch.setattr("pooch.core.time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("COURSE_PROGRESS", "off")


def register(monkeypatch, files):
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    monkeypatch.setattr(fashion_mnist, "SHA256", checksums)


def kept(cache):
    return {path.name for path in cache.iterdir()}


def test_the_numbers_arrive(server, tmp_path):
    train, test = load_fashion_mnist(tmp_path, server.url)
    assert (train.X.shape, test.X.shape) == ((3, 784), (2, 784))
    assert (train.X.dtype, train.y.dtype) == (np.float32, np.int64)
    np.testing.assert_allclose(train.X[0, :3], [0, 0.2, 1])
    np.testing.assert_allclose(test.X, PICTURES[3:].reshape(2, 784) / 255, rtol=1e-6)
    np.testing.assert_array_equal(train.y, [9, 0, 4])
    np.testing.assert_array_equal(test.y, [7, 1])
    assert train.names[train.y[0]] == "Ankle boot"
    assert len(train.names) == 10


def test_the_second_call_makes_no_request(server, tmp_path):
    first, _ = load_fashion_mnist(tmp_path, server.url)
    first.X[:] = -1
    again, _ = load_fashion_mnist(tmp_path, server.url)
    assert len(server.requests) == 4
    assert again.X.min() == 0


def test_the_default_folder_is_the_systems_cache(server, tmp_path, monkeypatch):
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / project)
    load_fashion_mnist(base_url=f"{server.url}/")
    assert kept(tmp_path / "regularization-course" / "fashion-mnist") == set(FILES)


def test_a_file_altered_in_the_cache_is_downloaded_again(server, tmp_path):
    load_fashion_mnist(tmp_path, server.url)
    (tmp_path / TEST_LABELS).write_bytes(idx(np.array([0, 0])))
    _, test = load_fashion_mnist(tmp_path, server.url)
    np.testing.assert_array_equal(test.y, [7, 1])
    assert server.requests[4:] == [TEST_LABELS]


def test_a_wrong_checksum(server, tmp_path):
    server.files[TRAIN_LABELS] = idx(np.array([1, 2, 3]))
    with pytest.raises(
        OSError,
        match=rf"^{TRAIN_LABELS} came from {server.url}/ with a wrong SHA-256 .*: call again",
    ):
        load_fashion_mnist(tmp_path, server.url)
    assert kept(tmp_path) == {TRAIN_IMAGES}


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("half", f"^the download of {TEST_IMAGES} broke off half-way and nothing of it was kept"),
        (
            "hang up",
            rf"^no connection to http://127\.0\.0\.1.* for {TEST_IMAGES} .*: check the network",
        ),
        (404, f"{TEST_IMAGES} answered with status 404: check base_url, or call again later"),
    ],
    ids=["half-way", "before the answer", "not found"],
)
def test_after_an_interruption_a_second_call_brings_only_what_is_missing(
    server, tmp_path, fault, sentence
):
    server.faults[TEST_IMAGES] = [fault]
    with pytest.raises(OSError, match=sentence):
        load_fashion_mnist(tmp_path, server.url)
    assert kept(tmp_path) == {TRAIN_IMAGES, TRAIN_LABELS}
    _, test = load_fashion_mnist(tmp_path, server.url)
    np.testing.assert_array_equal(test.y, [7, 1])
    assert server.requests[3:] == [TEST_IMAGES, TEST_LABELS]


def test_two_faults_are_survived_and_a_third_is_told(server, tmp_path, monkeypatch):
    monkeypatch.setattr(fashion_mnist, "RETRIES", RETRIES)
    server.faults |= {TRAIN_IMAGES: ["half", "hang up"], TEST_LABELS: [503, "half", "hang up"]}
    with pytest.raises(OSError, match=f"^no connection to .* for {TEST_LABELS}"):
        load_fashion_mnist(tmp_path, server.url)
    assert server.requests == [TRAIN_IMAGES] * 3 + [TRAIN_LABELS, TEST_IMAGES] + [TEST_LABELS] * 3


def test_without_a_mirror_the_files_come_from_their_makers(tmp_path, monkeypatch):
    def told(_downloader, url, output_file, _pooch):
        asked.append(url)
        Path(output_file).write_bytes(FILES[url.rpartition("/")[2]])

    asked = []
    monkeypatch.setattr("pooch.HTTPDownloader.__call__", told)
    load_fashion_mnist(str(tmp_path))
    assert asked == [
        f"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/{name}" for name in FILES
    ]


def test_ctrl_c_leaves_nothing_behind(server, tmp_path, monkeypatch):
    def interrupted(_downloader, _url, output_file, _pooch):
        with open(output_file, "wb") as file:
            file.write(b"half of it")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pooch.HTTPDownloader.__call__", interrupted)
        with pytest.raises(KeyboardInterrupt):
            load_fashion_mnist(tmp_path, server.url)
    assert kept(tmp_path) == set()
    assert len(load_fashion_mnist(tmp_path, server.url)[0].y) == 3


@pytest.mark.parametrize("slash", ["", "/"])
def test_no_network(tmp_path, slash):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, but nobody listens
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(
            OSError,
            match=rf"^no connection to {url}/ for {TRAIN_IMAGES} \(ConnectionError\): check the",
        ):
            load_fashion_mnist(tmp_path, url + slash)
    assert kept(tmp_path) == set()


def test_a_cache_that_cannot_be_written(server, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        OSError,
        match=r"cannot be stored in .*file \(\w+Error\): pass a folder you may write to as cache",
    ):
        load_fashion_mnist(tmp_path / "file", server.url)


def test_a_cache_that_is_no_path(server):
    with pytest.raises(TypeError, match=r"^cache must be the path of a folder, got int 3$"):
        load_fashion_mnist(3, server.url)


@pytest.mark.parametrize("base_url", ["ftp://example.org", "fashion", 3])
def test_a_base_url_that_is_none(base_url, tmp_path):
    with pytest.raises(ValueError, match=r"^base_url must start with http:// or https://, got"):
        load_fashion_mnist(tmp_path, base_url)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (
            TRAIN_LABELS,
            idx(PICTURES[:3]),
            "not an IDX file of unsigned bytes with 1 axes: it starts with .*x03",
        ),
        (
            TRAIN_IMAGES,
            gzip.compress(b"\0\0\x08\x03\0"),
            "not an IDX file of unsigned bytes with 3 axes",
        ),
        (
            TRAIN_LABELS,
            gzip.compress(b"\0\0\x08\x01\0\0\0\x03ab"),
            r"holds 2 bytes of data, but its header says \[3\]",
        ),
        (
            TRAIN_LABELS,
            gzip.compress(b"\0\0\x08\x01\0\0\0\x03"),
            r"holds 0 bytes of data, but its header says \[3\]",
        ),
        (TRAIN_LABELS, idx(np.array([1, 2])), "holds 3 pictures, but .* 2 labels"),
    ],
    ids=["magic", "header", "length", "header alone", "pairs"],
)
def test_files_that_are_not_what_they_should_be(
    server, tmp_path, monkeypatch, name, content, sentence
):
    server.files[name] = content
    register(monkeypatch, server.files)
    with pytest.raises(OSError, match=sentence):
        load_fashion_mnist(tmp_path, server.url)


@pytest.mark.parametrize(
    ("variable", "options", "bars"),
    [("", {}, 4), ("off", {"progress": True}, 0), ("", {"progress": False}, 0)],
)
def test_progress_bars_and_nothing_else(
    server, tmp_path, monkeypatch, capsys, caplog, variable, options, bars
):
    monkeypatch.setenv("COURSE_PROGRESS", variable)
    monkeypatch.setattr(pooch.get_logger(), "handlers", [caplog.handler])
    load_fashion_mnist(tmp_path, server.url, **options)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("100%") >= bars if bars else err == ""
    assert not caplog.records
