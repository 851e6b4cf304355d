import math

import numpy as np
import pytest
from scipy import ndimage

from helpers.augmentation import cutout, jitter, mixup, rotate, shift
from helpers.losses import CrossEntropyLoss
from tests.helpers.support.refusal import refuses

N = 8
C = 3
H = 5
W = 7
LABELS = [0, 1, 2, 0, 1, 2, 2, 1]
ON_IMAGES = {
    "shift": lambda images, rng: shift(images, 2, rng, fill=-1.0),
    "rotate": lambda images, rng: rotate(images, 40, rng, fill=-1.0),
    "cutout": lambda images, rng: cutout(images, 3, rng, fill=-1.0),
}
ALL = ON_IMAGES | {
    "jitter": lambda images, rng: jitter(images, 0.5, rng),
    "mixup": lambda images, rng: mixup(images, LABELS, 0.5, rng, classes=3)[0],
}
each = pytest.mark.parametrize("change", ALL.values(), ids=ALL)
each_on_images = pytest.mark.parametrize("change", ON_IMAGES.values(), ids=ON_IMAGES)
each_shape = pytest.mark.parametrize("shape", [(N, H, W), (N, C, H, W)], ids=["grey", "color"])


def draw(shape=(N, H, W), seed=7):
    return np.random.default_rng(seed).uniform(1, 2, shape)


def rng(seed=0):
    return np.random.default_rng(seed)


class Drawn(np.random.Generator):
    """A generator whose uniform draws are known."""

    def __new__(cls, _):
        return super().__new__(cls, np.random.PCG64(0))

    def __init__(self, value):
        super().__init__(np.random.PCG64(0))
        self.value = value

    def uniform(self, low, high, size):
        return np.full(size, np.clip(self.value, low, high))


def assert_even(counts):
    """Chi-square: all cells are equally likely. It has mean k = cells - 1 and variance 2 k."""
    expected = counts.sum() / counts.size
    k = counts.size - 1
    assert ((counts - expected) ** 2 / expected).sum() < k + 5 * math.sqrt(2 * k)


# --- what all five keep to ---


@each
@each_shape
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, np.int64, bool])
def test_floats_keep_their_dtype_and_integers_become_float64(change, shape, dtype):
    images = (3 * draw(shape)).astype(dtype)
    result = change(images, rng())
    assert result.shape == shape
    assert result.dtype == (dtype if np.dtype(dtype).kind == "f" else np.float64)
    expected = change(images.astype(np.float64), rng())
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-5 if dtype == np.float32 else 0)
    assert change(images.tolist(), rng()).tolist() == change(images.astype(float), rng()).tolist()


@each
@each_shape
def test_trap_the_images_of_the_caller_changed_in_place(change, shape):
    images = draw(shape)
    before = images.copy()
    result = change(images, rng())
    assert (result != images).any()
    assert not np.shares_memory(result, images)
    np.testing.assert_array_equal(images, before)
    wide = np.repeat(images, 2, axis=-1)
    for other in (
        np.asfortranarray(images),
        wide[..., ::2],
        images[::-1].copy()[::-1],
        images.copy(),
    ):
        other.flags.writeable = False
        assert change(other, rng()).tobytes() == result.tobytes()


@each
@each_shape
def test_the_same_state_of_rng_gives_the_same_bytes_and_every_call_draws_again(change, shape):
    images = draw(shape)
    generator = rng(3)
    first = change(images, generator)
    second = change(images, generator)
    assert change(images, rng(3)).tobytes() == first.tobytes()
    assert (first != second).any()
    assert change(images, rng(4)).tobytes() != first.tobytes()


@each
def test_the_draws_come_from_rng_and_from_nothing_global(change):
    before = np.random.get_state()[1].tolist()  # noqa: NPY002 - this is what must not be used
    change(draw(), rng())
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


@pytest.mark.parametrize(
    "change", [ALL[name] for name in ALL if name != "mixup"], ids=[n for n in ALL if n != "mixup"]
)
def test_each_image_has_a_draw_of_its_own_and_stays_in_its_place(change):
    twins = change(np.repeat(draw((1, 9, 9)), 60, axis=0), rng())
    assert (
        len({image.tobytes() for image in twins}) > 15
    )  # of 25 shifts, 81 squares or any number of angles
    marked = np.arange(1, 101.0)[:, None, None] * np.ones((100, H, W))  # image n holds the number n
    inner = change(marked, rng())
    for n, image in enumerate(inner, start=1):
        assert np.abs(image - n).min() < 0.2


@each_on_images
def test_all_channels_of_an_image_are_changed_alike(change):
    images = draw((N, C, H, W))
    result = change(images, rng(1))
    for c in range(C):
        np.testing.assert_array_equal(result[:, c], change(images[:, c], rng(1)))


@pytest.mark.parametrize(
    "change",
    [
        lambda images: shift(images, 0, rng()),
        lambda images: rotate(images, 0, rng()),
        lambda images: cutout(images, 0, rng()),
        lambda images: jitter(images, 0, rng()),
    ],
    ids=["shift", "rotate", "cutout", "jitter"],
)
@each_shape
def test_strength_zero_is_a_copy(change, shape):
    images = draw(shape)
    assert change(images).tobytes() == images.tobytes()
    assert not np.shares_memory(change(images), images)


# --- shift ---


def moved(image, down, right, fill):
    """np.roll, with `fill` where it wraps around."""
    result = np.roll(image, (down, right), axis=(-2, -1))
    for axis, step in ((-2, down), (-1, right)):
        if step:
            came_in = slice(0, step) if step > 0 else slice(step, None)
            np.moveaxis(result, axis, 0)[came_in] = fill
    return result


@each_shape
@pytest.mark.parametrize("fill", [0.0, -3.5])
def test_shift_is_np_roll_without_the_wrap(shape, fill):
    images = draw(shape)
    steps = [(down, right) for down in range(-2, 3) for right in range(-2, 3)]
    for image, result in zip(images, shift(images, 2, rng(), fill), strict=True):
        assert sum(np.array_equal(result, moved(image, *step, fill)) for step in steps) == 1


@pytest.mark.parametrize("most", [1, 2, 4])
def test_every_offset_of_a_shift_is_equally_likely(most):
    n = 20_000
    size = 2 * most + 1
    dots = np.zeros((n, size, size))
    dots[:, most, most] = 1
    result = shift(dots, most, rng())
    assert (result.sum(axis=(1, 2)) == 1).all()
    assert_even(result.sum(axis=0))


def test_shift_by_all_but_one_pixel_is_the_most():
    assert shift(draw((500, 3, 9)), 2, rng()).shape == (500, 3, 9)
    with refuses(ValueError, "most must"):
        shift(draw((5, 3, 9)), 3, rng())


@pytest.mark.parametrize("change", [shift, rotate, cutout])
def test_what_comes_in_is_0_unless_told(change):
    images = draw()
    assert change(images, 3, rng()).tobytes() == change(images, 3, rng(), fill=0).tobytes()


# --- rotate ---


@pytest.mark.parametrize(("degrees", "quarters"), [(90, 1), (180, 2)])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("size", [4, 5])
def test_positive_quarter_turns_are_those_of_np_rot90_against_the_clock(
    degrees, quarters, sign, size
):
    images = draw((3, size, size))
    result = rotate(images, degrees, Drawn(sign))
    np.testing.assert_allclose(
        result, np.rot90(images, sign * quarters, axes=(1, 2)), rtol=1e-12, atol=1e-12
    )
    assert np.rot90([[1, 2], [3, 4]]).tolist() == [[2, 4], [1, 3]]  # the right column comes on top


@each_shape
@pytest.mark.parametrize("degrees", [10, 90, 180])
@pytest.mark.parametrize("fill", [0.0, 5.0])
def test_rotate_against_scipy(shape, degrees, fill):
    images = draw(shape)
    angles = degrees * rng(2).uniform(-1, 1, N)
    result = rotate(images, degrees, rng(2), fill)
    for image, angle, ours in zip(images, angles, result, strict=True):
        options = {
            "axes": (-2, -1),
            "reshape": False,
            "order": 1,
            "mode": "grid-constant",
            "cval": fill,
        }
        theirs = ndimage.rotate(image, angle, **options)
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("degrees", [15, 90])
def test_angles_are_drawn_evenly_on_both_sides(degrees):
    n = 20_000
    ramp = np.tile(
        np.arange(-3.0, 4), (n, 7, 1)
    )  # the column is the value, so bilinear values are exact
    angles = np.degrees(
        np.arcsin(-rotate(ramp, degrees, rng())[:, 4, 3])
    )  # one down: it came from -sin to the right
    assert np.abs(angles).max() <= degrees + 1e-6
    counts, _ = np.histogram(angles, bins=20, range=(-degrees, degrees))
    assert counts.sum() >= n - 1
    assert_even(counts)


def test_half_a_pixel_apart_the_value_is_the_mean_of_neighbors():
    images = np.zeros((1, 2, 2))
    images[0] = [[1, 2], [3, 4]]
    result = rotate(images, 45, Drawn(1), fill=0)  # (-1/2, -1/2) comes from (-sqrt(1/2), 0)
    outside = math.sqrt(0.5) - 0.5
    np.testing.assert_allclose(result[0, 0, 0], (1 - outside) * (1 + 2) / 2, rtol=1e-12)


@pytest.mark.parametrize("size", [(9, 1), (1, 9)])
def test_a_long_narrow_image_turns_out_of_its_frame_on_all_sides(size):
    result = rotate(draw((1, *size)), 90, Drawn(1), fill=7)
    assert np.flatnonzero(np.abs(result - 7) > 1e-9).tolist() == [
        4
    ]  # the pixel in the center stays


# --- jitter ---


def test_jitter_adds_independent_normal_noise_of_the_given_std():
    X = draw((400, 500))
    e = (jitter(X, 0.25, rng()) - X) / 0.25
    np.testing.assert_allclose(e, rng().standard_normal(X.shape), atol=1e-13)
    assert abs(e.mean()) < 5 / math.sqrt(e.size)  # 5 sigma
    assert abs(np.mean(e**2) - 1) < 5 * math.sqrt(2 / e.size)  # 5 sigma


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 4, 5)])
def test_jitter_takes_any_shape(shape):
    assert np.shape(jitter(np.ones(shape), 0.5, rng())) == shape


# --- cutout ---


def covers(height, width, size):
    """{the covered pixels as bytes: the center}, one for each pixel, by loops."""
    found = {}
    for row in range(height):
        for column in range(width):
            covered = np.zeros((height, width), bool)
            for r in range(row - size // 2, row - size // 2 + size):
                for c in range(column - size // 2, column - size // 2 + size):
                    if 0 <= r < height and 0 <= c < width:
                        covered[r, c] = True
            found[covered.tobytes()] = row, column
    assert len(found) == height * width
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize("fill", [0.0, 0.5])
def test_cutout_covers_one_square_around_every_pixel_equally_often(size, fill):
    n = 10_000
    centers = covers(H, W, size)
    images = draw((n, H, W))
    result = cutout(images, size, rng(), fill)
    covered = result != images
    assert (result[covered] == fill).all()
    counts = np.zeros((H, W))
    for image in covered:
        counts[centers[image.tobytes()]] += 1  # KeyError: this is no square around a pixel
    assert_even(counts)
    area = np.mean([np.frombuffer(cover, bool).sum() for cover in centers])
    assert covered.sum(axis=(1, 2)).mean() == pytest.approx(area, abs=5 * size**2 / math.sqrt(n))


def test_a_square_larger_than_the_image_covers_all_of_it():
    assert not cutout(draw((5, C, H, W)), 2 * W, rng()).any()


# --- mixup ---


def mixed(alpha, n, seed=0):
    """What mixup did to n examples: each share, each partner (itself where the share is 1)."""
    X, _ = mixup(np.eye(n), np.zeros(n, int), alpha, rng(seed), classes=1)
    shares = np.diag(X)
    others = X - np.diag(shares)
    np.testing.assert_allclose(X.sum(axis=1), 1, rtol=1e-12)
    assert (np.count_nonzero(others, axis=1) <= 1).all()
    return shares, np.where(others.any(axis=1), others.argmax(axis=1), np.arange(n))


@pytest.mark.parametrize("shape", [(N, 4), (N, H, W), (N, C, H, W)])
@pytest.mark.parametrize("alpha", [0.5, 4])
def test_mixup_mixes_images_and_labels_with_the_same_share_of_the_same_partner(shape, alpha):
    images = draw(shape)
    X, Y = mixup(images, LABELS, alpha, rng(5), classes=3)
    shares, partners = mixed(alpha, N, seed=5)
    assert len(set(shares)) > N / 2  # one for each example
    for n, (share, partner) in enumerate(zip(shares, partners, strict=True)):
        np.testing.assert_allclose(
            X[n], share * images[n] + (1 - share) * images[partner], rtol=1e-12
        )
        expected = np.zeros(3)
        expected[LABELS[n]] += share
        expected[LABELS[partner]] += 1 - share
        np.testing.assert_allclose(Y[n], expected, rtol=1e-12)


@pytest.mark.parametrize("alpha", [0.3, 1, 5])
def test_shares_are_from_beta_alpha_alpha_and_partners_a_random_order(alpha):
    n = 200
    bins = 10
    shares = []
    followed = np.zeros(bins)
    for seed in range(60):
        share, partners = mixed(alpha, n, seed)
        assert sorted(partners) == list(range(n))
        shares.append(share[partners != np.arange(n)])
        followed += np.histogram((partners - np.arange(n)) % n, bins=bins, range=(0, n))[0]
    shares = np.concatenate(shares)
    variance = 1 / (4 * (2 * alpha + 1))
    assert shares.mean() == pytest.approx(0.5, abs=5 * math.sqrt(variance / shares.size))  # 5 sigma
    squares = (shares - 0.5) ** 2
    assert squares.mean() == pytest.approx(variance, abs=5 * squares.std() / math.sqrt(shares.size))
    assert_even(followed)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("alpha", [0.2, 1])
def test_rows_of_the_mixed_labels_sum_to_one_and_the_loss_takes_them(dtype, alpha):
    labels = rng(1).integers(0, 10, 2000)
    X, Y = mixup(draw((2000, 10)).astype(dtype), labels, alpha, rng(), classes=10)
    assert (Y.shape, Y.dtype) == ((2000, 10), dtype)
    assert Y.min() >= 0
    np.testing.assert_allclose(Y.sum(axis=1), 1, atol=1e-6)
    assert (np.count_nonzero(Y, axis=1) <= 2).all()
    assert math.isfinite(CrossEntropyLoss().value(X, Y))


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64])
def test_labels_may_be_any_integers_or_probabilities_and_are_left_alone(dtype):
    y = np.array(LABELS, dtype)
    one_hot = np.eye(3)[LABELS]
    for values in (y, one_hot):
        values.flags.writeable = False
    expected = mixup(draw(), LABELS, 0.5, rng(), classes=3)
    for labels, classes in ((y, 3), (one_hot, None), (one_hot, 3), (one_hot.tolist(), None)):
        X, Y = mixup(draw(), labels, 0.5, rng(), classes)
        np.testing.assert_array_equal(X, expected[0])
        np.testing.assert_array_equal(Y, expected[1])


def test_a_tiny_alpha_mixes_nothing_and_a_huge_one_gives_means_of_two():
    images = draw()
    X, Y = mixup(images, np.arange(N), 1e-300, rng(), classes=N)
    assert sorted(set(Y.ravel())) == [0, 1]
    np.testing.assert_array_equal(
        X, images[Y.argmax(axis=1)]
    )  # each one whole, with the label that is its own
    _, Y = mixup(images, np.arange(N), 1e12, rng(), classes=N)
    np.testing.assert_allclose(Y[np.diag(Y) < 1].max(axis=1), 0.5, atol=1e-5)


# --- bad input ---

IMAGES = np.ones((4, 5, 6))


@pytest.mark.parametrize(
    ("images", "kind", "sentence"),
    [
        (
            np.ones((5, 6)),
            ValueError,
            "images must have shape (N, H, W) or (N, C, H, W), got (5, 6)",
        ),
        (
            np.ones((1, 1, 1, 5, 6)),
            ValueError,
            "images must have shape (N, H, W) or (N, C, H, W), got (1, 1, 1, 5, 6)",
        ),
        (np.ones((0, 5, 6)), ValueError, "images must"),
        (np.full((1, 2, 2), np.nan), ValueError, "images must"),
        (np.ones((1, 2, 2), complex), TypeError, "images must"),
        ([[[1, 2], [3]]], ValueError, "images must"),
        (None, TypeError, "images must"),
    ],
)
@each_on_images
def test_other_inputs_than_images_are_refused(change, images, kind, sentence):
    with refuses(kind, sentence):
        change(images, rng())


@pytest.mark.parametrize("seed", [0, None, np.random])
@each
def test_a_seed_instead_of_a_generator_is_refused(change, seed):
    with refuses(TypeError, "rng must"):
        change(draw(), seed)


@pytest.mark.parametrize(
    ("change", "kind", "sentence"),
    [
        (lambda: shift(IMAGES, 5, rng()), ValueError, "most must be an integer >= 0 and <= 4"),
        (lambda: shift(IMAGES, -1, rng()), ValueError, "most must"),
        (lambda: shift(IMAGES, 1.0, rng()), TypeError, "most must"),
        (lambda: shift(IMAGES, 1, rng(), fill=None), TypeError, "fill must"),
        (lambda: rotate(IMAGES, -1, rng()), ValueError, "degrees must"),
        (lambda: rotate(IMAGES, 181, rng()), ValueError, "degrees must"),
        (lambda: rotate(IMAGES, "9", rng()), TypeError, "degrees must"),
        (lambda: rotate(IMAGES, 9, rng(), fill=math.nan), ValueError, "fill must"),
        (lambda: jitter(IMAGES, -1, rng()), ValueError, "std must"),
        (lambda: jitter(IMAGES, np.True_, rng()), TypeError, "std must"),
        (lambda: jitter([], 1, rng()), ValueError, "X must"),
        (lambda: jitter([math.inf], 1, rng()), ValueError, "X must"),
        (lambda: cutout(IMAGES, -1, rng()), ValueError, "size must"),
        (lambda: cutout(IMAGES, 1.5, rng()), TypeError, "size must"),
        (lambda: cutout(IMAGES, 1, rng(), fill="0"), TypeError, "fill must"),
    ],
)
def test_bad_settings_are_refused(change, kind, sentence):
    with refuses(kind, sentence):
        change()


@pytest.mark.parametrize(
    ("y", "classes", "kind", "sentence"),
    [
        (
            [0, 1, 0],
            2,
            ValueError,
            "y must hold one label for each example of X, got shapes (3,) and (4, 5, 6)",
        ),
        (
            1,
            2,
            ValueError,
            "y must hold one label for each example of X, got shapes () and (4, 5, 6)",
        ),
        ([0, 1, 2, 0], 2, ValueError, "y must hold labels 0 to 1, got 0 to 2"),
        ([0, 1, -1, 0], 2, ValueError, "y must hold labels 0 to 1, got -1 to 1"),
        (
            [0, 1, 0, 1],
            None,
            TypeError,
            "classes must be an integer >= 1 if y holds labels, got None",
        ),
        ([0, 1, 0, 1], 2.0, TypeError, "classes must"),
        ([0, 0, 0, 0], 0, ValueError, "classes must"),
        (
            [0.0, 1, 0, 1],
            2,
            TypeError,
            "y must hold integer labels (N,) or probabilities (N, C), got an array",
        ),
        (
            [True] * 4,
            2,
            TypeError,
            "y must hold integer labels (N,) or probabilities (N, C), got an array",
        ),
        (
            np.ones((4, 2, 2)),
            2,
            TypeError,
            "y must hold integer labels (N,) or probabilities (N, C), got an array",
        ),
        (list("abca"), 3, TypeError, "y must"),
        ([[1], [0, 1], [1], [1]], 2, ValueError, "y must"),
        (None, 2, TypeError, "y must"),
        (
            np.ones((4, 2)),
            None,
            ValueError,
            "y must hold probabilities: rows of numbers >= 0 with sum 1",
        ),
        (
            [[2, -1]] * 4,
            None,
            ValueError,
            "y must hold probabilities: rows of numbers >= 0 with sum 1",
        ),
        (np.full((4, 2), np.nan), None, ValueError, "y must"),
        (
            np.full((4, 2), 0.5),
            3,
            ValueError,
            "classes must be 2, the columns of y, or None, got int 3",
        ),
    ],
)
def test_mixup_refuses_labels_that_do_not_fit(y, classes, kind, sentence):
    with refuses(kind, sentence):
        mixup(IMAGES, y, 0.5, rng(), classes)


@pytest.mark.parametrize(
    ("X", "alpha", "kind", "sentence"),
    [
        (IMAGES, 0, ValueError, "alpha must"),
        (IMAGES, math.inf, ValueError, "alpha must"),
        (IMAGES, "1", TypeError, "alpha must"),
        (np.ones((0, 3)), 1, ValueError, "X must"),
        (5.0, 1, ValueError, "y must hold one label for each example of X, got shapes (4,) and ()"),
    ],
)
def test_mixup_refuses(X, alpha, kind, sentence):
    with refuses(kind, sentence):
        mixup(X, [0, 1, 0, 1], alpha, rng(), classes=2)
