"""helpers/data.py without Fashion-MNIST: both files, generated sets, splits, batches, labels."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers import data
from helpers.data import (
    flip_labels,
    load_diabetes,
    load_digits,
    make_moons,
    make_polynomial,
    make_sparse_regression,
    minibatches,
    split,
    standardize,
)
from tests.helpers.support.parity import import_or_skip
from tests.helpers.support.refusal import refuses

REPOSITORY = Path(__file__).parents[2] / "data"
LOADERS = {"digits.csv": load_digits, "diabetes.csv": load_diabetes}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A copy of the data that a test may spoil."""
    for name in (*LOADERS, "SHA256SUMS"):
        shutil.copy(REPOSITORY / name, tmp_path)
    monkeypatch.setattr(data, "FOLDER", tmp_path)
    return tmp_path


# ---- The files ----


def test_the_script_makes_the_same_bytes(tmp_path):
    import_or_skip("sklearn.datasets")
    subprocess.run([sys.executable, REPOSITORY / "make_data.py", tmp_path], check=True)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {
        name: (REPOSITORY / name).read_bytes()
        for name in ("digits.csv", "diabetes.csv", "SHA256SUMS")
    }


def test_the_readme_gives_the_checksums():
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    for line in (REPOSITORY / "SHA256SUMS").read_text().splitlines():
        checksum, name = line.split()
        section = readme.split(f"## {name}")[1]
        assert f"`{checksum}`" in section.split("\n## ")[0]


def test_the_loaders_give_what_scikit_learn_gives():
    datasets = import_or_skip("sklearn.datasets")
    np.testing.assert_array_equal(load_digits().X, datasets.load_digits().data / 16)
    np.testing.assert_array_equal(load_digits().y, datasets.load_digits().target)
    np.testing.assert_allclose(load_diabetes().X, datasets.load_diabetes().data, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(load_diabetes().y, datasets.load_diabetes().target)
    assert list(load_diabetes().names) == datasets.load_diabetes().feature_names


def test_a_table_is_told_by_its_fields():
    assert data.Dataset.__doc__.startswith("X (N, D), y (N,) and names")


def test_an_installed_course_reads_the_data_beside_its_modules(monkeypatch):
    assert data.FOLDER == REPOSITORY
    beside = REPOSITORY.parent / "helpers" / "_data"
    monkeypatch.setattr(Path, "is_dir", lambda path: path == beside)
    installed = importlib.util.module_from_spec(data.__spec__)
    data.__spec__.loader.exec_module(installed)
    folder = installed.FOLDER
    assert folder == beside


def test_digits():
    X, y, names = load_digits()
    assert X.shape == (1797, 64)
    assert (X.dtype, y.dtype) == (np.float64, np.int64)
    assert (X.min(), X.max()) == (0.0, 1.0)
    np.testing.assert_array_equal(X[0, :8] * 16, [0, 0, 5, 13, 9, 1, 0, 0])
    np.testing.assert_array_equal(
        np.bincount(y), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    )  # as UCI counts
    assert names == ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")


def test_diabetes():
    X, y, names = load_diabetes()
    assert X.shape == (442, 10)
    assert (X.dtype, y.dtype) == (np.float64, np.float64)
    np.testing.assert_allclose(X.mean(axis=0), 0, atol=1e-15)
    np.testing.assert_allclose((X**2).sum(axis=0), 1, atol=1e-14)
    assert (y[0], y.min(), y.max()) == (151.0, 25.0, 346.0)
    assert names == ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")


def test_the_table_of_the_readme_has_the_range_of_each_column():
    names, table = data._table(REPOSITORY / "diabetes.csv")
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.split("|")]
        for line in readme.splitlines()
        if line.startswith("| `")
    ]
    told = {row[1].strip("`"): (float(row[-3]), float(row[-2])) for row in rows if len(row) == 7}
    assert told == {
        name: (column.min(), column.max()) for name, column in zip(names, table.T, strict=True)
    }


@pytest.mark.parametrize("load", LOADERS.values())
def test_what_a_caller_does_to_the_data_stays_with_the_caller(load):
    first = load()
    first.X[:] = -1
    first.y[:] = -1
    assert load().X.max() > 0
    assert load().y.min() >= 0


@pytest.mark.parametrize("name", LOADERS)
def test_one_altered_byte_is_noticed(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[-2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(
        OSError,
        match=rf"{name} differs from its SHA-256 .* `git checkout -- data/{name} data/SHA256SUMS`",
    ):
        LOADERS[name]()


@pytest.mark.parametrize("name", LOADERS)
def test_a_missing_file_is_named_and_loads_again_when_restored(folder, name):
    (folder / name).unlink()
    with pytest.raises(
        FileNotFoundError,
        match=rf"{name} is missing: restore it with `git checkout -- data/{name}`",
    ):
        LOADERS[name]()
    shutil.copy(REPOSITORY / name, folder)
    assert len(LOADERS[name]().X) > 0


def test_missing_or_garbled_checksums_are_named(folder):
    (folder / "SHA256SUMS").write_bytes(b"\xff")
    with pytest.raises(OSError, match="differs from its SHA-256 in SHA256SUMS: restore it with"):
        load_digits()
    (folder / "SHA256SUMS").unlink()
    with pytest.raises(FileNotFoundError, match="SHA256SUMS is missing: restore it with"):
        load_digits()


# ---- Generated sets ----

MAKERS = {
    "moons": lambda rng: make_moons(7, 0.1, rng),
    "polynomial": lambda rng: make_polynomial(7, 0.1, rng),
    "sparse": lambda rng: make_sparse_regression(7, 5, 2, 0.1, rng),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_the_same_seed_gives_the_same_bytes_and_the_next_draw_others(make):
    rng = np.random.default_rng(3)
    again = np.random.default_rng(3)
    first = [part.tobytes() for part in make(rng)]
    assert first == [part.tobytes() for part in make(again)]
    assert first != [part.tobytes() for part in make(rng)]


X = np.zeros((5, 2))
Y = np.arange(5)
OF_SEED_0 = {
    "moons": (
        lambda rng: make_moons(4, 0.1, rng),
        [[[1.1221, 0.2231], [0.9283, -0.0746], [1.7705, -0.0494], [1.7302, 0.2075]], [0, 0, 1, 1]],
    ),
    "polynomial": (
        lambda rng: make_polynomial(3, 0.1, rng),
        [[0.2739, -0.4604, -0.9181], [-0.7291, 0.9373, -0.3047]],
    ),
    "sparse": (
        lambda rng: make_sparse_regression(2, 4, 3, 0.1, rng),
        [
            [[-0.5357, 0.3616, 1.304, 0.9471], [-0.7037, -1.2654, -0.6233, 0.0413]],
            [1.4829, -1.3076],
            [1, 0, 1, 1],
        ],
    ),
    "split": (lambda rng: split(X, Y, (2, 3), rng)[1], [np.zeros((3, 2)), [3, 0, 1]]),
    "minibatches": (lambda rng: minibatches(5, 2, rng), [[2, 4], [3, 0], [1]]),
    "flip_labels": (lambda rng: [flip_labels([2, 5, 9, 2, 5, 9], 0.5, rng)], [[2, 5, 9, 5, 9, 2]]),
}


@pytest.mark.parametrize(("make", "expected"), OF_SEED_0.values(), ids=OF_SEED_0)
def test_a_seed_gives_the_same_numbers_as_ever(make, expected, rng):
    for part, numbers in zip(make(rng), expected, strict=True):
        np.testing.assert_allclose(part, numbers, atol=5e-5)


def test_moons_lie_on_their_circles(rng):
    X, y = make_moons(201, 0.0, rng)
    upper = X[y == 0]
    lower = [1, 0.5] - X[y == 1]
    assert (len(upper), len(lower)) == (101, 100)
    for half in (upper, lower):
        np.testing.assert_allclose((half**2).sum(axis=1), 1, atol=1e-12)
        assert half[:, 1].min() >= 0
    assert np.any(np.diff(y) != 0, where=np.arange(200) < 20)  # not one class after the other


def test_the_noise_of_the_moons_has_the_std_asked_for():
    quiet, _ = make_moons(20_000, 0.0, np.random.default_rng(1))
    noisy, _ = make_moons(20_000, 0.3, np.random.default_rng(1))
    assert (noisy - quiet).std() == pytest.approx(
        0.3, rel=0.02
    )  # 40,000 draws: 4 standard errors are 1.4 %


def test_polynomial_by_hand(rng):
    x, y = make_polynomial(50, 0.0, rng, coefficients=(1, 0, 2))
    np.testing.assert_allclose(y, 1 + 2 * x**2)
    assert -1 <= x.min() < -0.8 < 0.8 < x.max() <= 1


def test_the_default_polynomial_turns_where_it_says(rng):
    curve = np.polynomial.Polynomial(data.CUBIC)
    np.testing.assert_allclose(curve(np.array([-1, -0.5, 0, 0.5, 1])), [-1, 1, 0, -1, 1])
    np.testing.assert_allclose(np.sort(curve.deriv().roots()), [-0.5, 0.5])
    x, y = make_polynomial(20_000, 0.3, rng)
    assert (y - curve(x)).std() == pytest.approx(0.3, rel=0.02)


def test_sparse_regression_without_noise_is_its_weights(rng):
    X, y, w = make_sparse_regression(30, 8, 3, 0.0, rng)
    np.testing.assert_allclose(y, X @ w)
    assert (X.shape, y.shape, w.shape) == ((30, 8), (30,), (8,))
    assert sorted(np.abs(w)) == [0, 0, 0, 0, 0, 1, 1, 1]
    assert not make_sparse_regression(30, 8, 0, 0.0, rng)[2].any()


def test_sparse_regression_may_use_every_weight_with_either_sign_and_has_the_noise_asked_for(rng):
    X, y, w = make_sparse_regression(20_000, 40, 40, 0.3, rng)
    assert set(w) == {-1, 1}
    assert (y - X @ w).std() == pytest.approx(0.3, rel=0.02)


def test_the_smallest_sets(rng):
    assert sorted(make_moons(2, 0, rng)[1]) == [0, 1]
    assert [part.shape for part in make_polynomial(1, 0, rng)] == [(1,), (1,)]
    assert [part.shape for part in make_sparse_regression(1, 1, 1, 0, rng)] == [(1, 1), (1,), (1,)]


# ---- Splits, batches, scaling, wrong labels ----


def test_split_is_paired_disjoint_and_of_the_right_sizes(rng):
    X = np.arange(20).reshape(10, 2)
    y = np.arange(10) * 100
    pairs = split(X, y, (3, 5, 1), rng)
    assert [len(part) for part, _ in pairs] == [3, 5, 1]
    for part_X, part_y in pairs:
        np.testing.assert_array_equal(part_X[:, 0] * 50, part_y)
    drawn = np.concatenate([part_y for _, part_y in pairs])
    assert len(set(drawn)) == 9
    assert not np.array_equal(drawn, np.sort(drawn))


def test_split_may_use_every_row_and_gives_copies(rng):
    X = np.zeros((4, 2))
    y = np.arange(4)
    (first_X, first_y), (_, rest_y) = split(X, y, (1, 3), rng)
    assert sorted([*first_y, *rest_y]) == [0, 1, 2, 3]
    first_X[:] = 9
    first_y[:] = 9
    assert not X.any()
    assert 9 not in y


@pytest.mark.parametrize("shape", [(4,), (4, 3), (4, 3, 2)])
def test_split_takes_rows_of_any_shape(rng, shape):
    X = np.arange(np.prod(shape)).reshape(shape)
    [(part, y)] = split(X, range(4), (2,), rng)
    np.testing.assert_array_equal(part, X[y])


@pytest.mark.parametrize(("n", "batch_size"), [(1, 1), (10, 3), (12, 3), (5, 8), (7, 1)])
def test_minibatches_cover_every_index_once(rng, n, batch_size):
    batches = list(minibatches(n, batch_size, rng))
    np.testing.assert_array_equal(np.sort(np.concatenate(batches)), np.arange(n))
    assert [len(batch) for batch in batches[:-1]] == [batch_size] * (len(batches) - 1)
    assert 1 <= len(batches[-1]) <= batch_size


def test_minibatches_shuffle_examples_not_only_the_starts(rng):
    """With shuffled starts of batches of 2, 0 and 1 always meet; else in one epoch of nine."""
    together = [
        any({0, 1} <= set(batch.tolist()) for batch in minibatches(10, 2, rng)) for _ in range(2000)
    ]
    assert np.mean(together) == pytest.approx(1 / 9, abs=0.03)  # 4 standard errors
    assert any(np.any(np.abs(np.diff(batch)) > 1) for batch in minibatches(10, 5, rng))


def test_epochs_differ_and_a_seed_repeats_them(rng):
    first = list(minibatches(50, 50, rng))
    second = list(minibatches(50, 50, rng))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, list(minibatches(50, 50, np.random.default_rng(0))))


def test_standardize_by_hand():
    train, test = standardize(np.array([[1.0, 7.0], [3.0, 7.0]]), np.array([[4.0, 9.0]]))
    np.testing.assert_array_equal(
        train, [[-1, 0], [1, 0]]
    )  # mean 2, standard deviation 1; constant
    np.testing.assert_array_equal(test, [[2, 2]])
    np.testing.assert_array_equal(standardize([1, 3]), [-1, 1])
    train, test = standardize(
        [[1.0, 2.0], [1.0, 2.0], [3.0, 2.0], [3.0, 2.0]], [[4.0, 9.0]]
    )  # more rows than columns
    np.testing.assert_array_equal(train, [[-1, 0], [-1, 0], [1, 0], [1, 0]])
    np.testing.assert_array_equal(test, [[2, 7]])


def test_standardize_with_the_statistics_of_train_alone(rng):
    train = rng.normal(5, 3, (200, 4))
    test = rng.normal(50, 1, (100, 4))
    before = train.copy(), test.copy()
    scaled, scaled_test = standardize(train, test)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled.std(axis=0), 1)
    np.testing.assert_allclose(scaled_test, (test - train.mean(axis=0)) / train.std(axis=0))
    np.testing.assert_array_equal([train.sum(), test.sum()], [before[0].sum(), before[1].sum()])


def test_a_constant_column_becomes_0_even_where_its_mean_is_rounded():
    means = [np.full((n, 2), 0.1).mean(axis=0)[0] for n in range(1, 20)]
    assert any(mean != 0.1 for mean in means)
    assert not any(standardize(np.full((n, 2), 0.1)).any() for n in range(1, 20))


def test_float32_stays_float32_and_keeps_mean_and_std_at_a_large_mean(rng):
    train = rng.normal(3e4, 1, (50_000, 2)).astype(
        np.float32
    )  # their sum in float32 would be off by a share of 3e-4
    scaled, again = standardize(train, train[:3])
    assert (scaled.dtype, again.dtype) == (np.float32, np.float32)
    np.testing.assert_allclose(scaled.mean(axis=0, dtype=np.float64), 0, atol=1e-3)
    np.testing.assert_allclose(scaled.std(axis=0, dtype=np.float64), 1, atol=1e-3)


@pytest.mark.parametrize(("share", "changed"), [(0, 0), (0.1, 10), (0.333, 33), (1, 100)])
def test_flip_labels_changes_exactly_the_share_to_other_classes(rng, share, changed):
    y = np.repeat([2, 5, 9, 11], 25)
    before = y.copy()
    flipped = flip_labels(y, share, rng)
    assert np.count_nonzero(flipped != y) == changed
    assert set(flipped) <= {2, 5, 9, 11}
    np.testing.assert_array_equal(y, before)


def test_flip_labels_goes_to_each_other_class_equally_often(rng):
    to = np.bincount(flip_labels(np.r_[np.zeros(9000, int), 1, 2, 3], 1.0, rng)[:9000], minlength=4)
    assert to[0] == 0
    np.testing.assert_allclose(to[1:] / 9000, 1 / 3, atol=0.02)  # 4 standard errors


def test_of_two_classes_the_flipped_labels_get_the_other(rng):
    np.testing.assert_array_equal(flip_labels([3, 8, 8, 3], 1, rng), [8, 3, 3, 8])


def test_flip_labels_with_the_same_seed(rng):
    y = np.arange(50) % 3
    np.testing.assert_array_equal(
        flip_labels(y, 0.5, rng), flip_labels(y, 0.5, np.random.default_rng(0))
    )


# ---- Bad input ----

TAKE_RNG = {
    "split": lambda rng: split(X, Y, (2,), rng),
    "minibatches": lambda rng: minibatches(5, 2, rng),
    "flip_labels": lambda rng: flip_labels(Y, 0.5, rng),
    **MAKERS,
}


@pytest.mark.parametrize("call", TAKE_RNG.values(), ids=TAKE_RNG)
@pytest.mark.parametrize("seed", [0, None, np.random], ids=["int", "None", "module"])
def test_a_seed_instead_of_a_generator_is_refused(call, seed):
    with refuses(TypeError, "rng must"):
        call(seed)


OWN_SENTENCES = {
    "sizes must be integers such as (200, 800), got tuple (0.8, 0.2)": (
        lambda rng: split(X, Y, (0.8, 0.2), rng)
    ),
    "sizes must be integers such as (200, 800), got int 3": lambda rng: split(X, Y, 3, rng),
    "sizes must add up to at most 5, the rows of X, got 6": lambda rng: split(X, Y, (4, 2), rng),
    "sizes must hold an integer or more such as (200, 800), got none": (
        lambda rng: split(X, Y, (), rng)
    ),
    "X and y must have the same number of rows, got shapes (5, 2) and (4,)": (
        lambda rng: split(X, Y[:4], (1,), rng)
    ),
    "X and y must have the same number of rows, got shapes () and (5,)": (
        lambda rng: split(3.0, Y, (1,), rng)
    ),
    "X and y must have the same number of rows, got shapes (5, 2) and ()": (
        lambda rng: split(X, 3, (1,), rng)
    ),
    "y must hold at least two classes, got 1": lambda rng: flip_labels(np.zeros(5, int), 0.1, rng),
    "y must be one row of integer labels, got an array of shape (5,) and dtype float64": (
        lambda rng: flip_labels(Y / 2, 0.1, rng)
    ),
    "y must be one row of integer labels, got an array of shape (5, 2) and dtype int64": (
        lambda rng: flip_labels(X.astype(np.int64), 0.1, rng)
    ),
    "all sets must have the columns of train (2,), got (3,)": (
        lambda _: standardize(X, np.zeros((4, 3)))
    ),
    "train must hold numbers with finite squares, got one of size 1e+200": (
        lambda _: standardize([[1e200], [-1e200]])
    ),
}


@pytest.mark.parametrize("sentence", OWN_SENTENCES)
def test_bad_input_is_refused_with_one_sentence(sentence, rng):
    with pytest.raises((TypeError, ValueError)) as refusal:
        OWN_SENTENCES[sentence](rng)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    ("argument", "kind", "call"),
    [
        ("each size", ValueError, lambda rng: split(X, Y, (2, 0), rng)),
        ("n", ValueError, lambda rng: minibatches(0, 1, rng)),
        ("batch_size", ValueError, lambda rng: minibatches(5, 0, rng)),
        ("batch_size", TypeError, lambda rng: minibatches(5, 2.0, rng)),
        ("share", ValueError, lambda rng: flip_labels(Y, 1.2, rng)),
        ("share", ValueError, lambda rng: flip_labels(Y, -0.2, rng)),
        ("train", ValueError, lambda _: standardize([[1.0], [np.nan]])),
        ("each of the others", ValueError, lambda _: standardize(X, [[1.0], [np.nan]])),
        ("n", ValueError, lambda rng: make_moons(1, 0.1, rng)),
        ("noise", ValueError, lambda rng: make_moons(10, -0.1, rng)),
        ("noise", ValueError, lambda rng: make_polynomial(10, np.nan, rng)),
        ("noise", ValueError, lambda rng: make_polynomial(10, -0.2, rng)),
        ("coefficients", ValueError, lambda rng: make_polynomial(9, 0.1, rng, [[1, 2]])),
        ("n", ValueError, lambda rng: make_polynomial(0, 0.1, rng)),
        ("n", ValueError, lambda rng: make_sparse_regression(0, 3, 2, 0.1, rng)),
        ("d", ValueError, lambda rng: make_sparse_regression(9, 0, 0, 0.1, rng)),
        ("n_nonzero", ValueError, lambda rng: make_sparse_regression(9, 3, 4, 0.1, rng)),
        ("n_nonzero", ValueError, lambda rng: make_sparse_regression(9, 3, -1, 0.1, rng)),
        ("noise", ValueError, lambda rng: make_sparse_regression(9, 3, 2, -0.3, rng)),
    ],
)
def test_an_argument_outside_its_range_is_named(argument, kind, call, rng):
    with refuses(kind, f"{argument} must"):
        call(rng)
