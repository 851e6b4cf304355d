"""helpers against PyTorch in float64: optimizers and whole runs of fit; biases do not decay."""

import numpy as np
import pytest

from helpers.core import Sequential
from helpers.data import minibatches
from helpers.layers import Linear, ReLU
from helpers.losses import CrossEntropyLoss, MSELoss
from helpers.optimizers import SGD, Adam, AdamW
from helpers.regularizers import L1, L2, ElasticNet
from helpers.training import EarlyStopping, fit
from tests.helpers.support.parity import import_or_skip
from tests.helpers.test_parity_layers import twin

torch = import_or_skip("torch")
torch.set_num_threads(1)  # on tensors this small, threads only wait for each other
X = np.random.default_rng(0).standard_normal((40, 5))
LABELS = np.argmax(X[:, :3], axis=1)
TARGETS = np.stack([X[:, 0] * X[:, 1], X[:, 2], np.abs(X[:, 3])], axis=1)
X_, LABELS_, TARGETS_ = map(torch.tensor, (X, LABELS, TARGETS))


def network():
    rng = np.random.default_rng(1)
    model = Sequential(Linear(5, 8, rng), ReLU(), Linear(8, 3, rng))
    for p in model.parameters():  # a bias shows that it decays only if it is not zero
        p.data += 0.1 * rng.standard_normal(p.data.shape)
    return model


def torch_optimizer(name, other, weight_decay=0.0, **options):
    """The optimizer of PyTorch with two groups: the weights, which decay, and the biases."""
    groups = [
        {"params": [p for p in other.parameters() if p.ndim == 2], "weight_decay": weight_decay},
        {"params": [p for p in other.parameters() if p.ndim == 1], "weight_decay": 0.0},
    ]
    return getattr(torch.optim, name)(groups, **options)


def weights(model):
    """All parameters in one vector, weights of PyTorch turned to (n_in, n_out)."""
    if isinstance(model, torch.nn.Module):
        return np.concatenate([p.detach().numpy().T.ravel() for p in model.parameters()])
    return np.concatenate([p.data.ravel() for p in model.parameters()])


def torch_penalty(penalty, other):
    """The same penalty written with PyTorch's norms, on the weights alone."""
    matrices = [p for p in other.parameters() if p.ndim == 2]
    l1 = sum(p.norm(1) for p in matrices)
    l2 = sum(p.norm(2) ** 2 for p in matrices)
    if isinstance(penalty, L1):
        return penalty.lam * l1
    if isinstance(penalty, L2):
        return penalty.lam / 2 * l2
    return penalty.lam * (penalty.l1_ratio * l1 + (1 - penalty.l1_ratio) / 2 * l2)


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (SGD, {"lr": 0.1}),
        (SGD, {"lr": 0.1, "momentum": 0.9}),
        (SGD, {"lr": 0.1, "weight_decay": 0.3}),
        (SGD, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.3}),
        (Adam, {"lr": 0.01}),
        (Adam, {"lr": 0.01, "weight_decay": 0.3}),
        (Adam, {"lr": 0.01, "weight_decay": 0.3, "betas": (0.7, 0.8), "eps": 1e-2}),
        (AdamW, {"lr": 0.01}),
        (AdamW, {"lr": 0.01, "weight_decay": 0.3}),
        (AdamW, {"lr": 0.01, "weight_decay": 3, "betas": (0.7, 0.8), "eps": 1e-2}),
    ],
)
def test_ten_steps(make, options):
    loss = MSELoss()
    model = network()
    other = twin(model)
    optimizer = make(model.parameters(), **options)
    options_ = {"weight_decay": optimizer.weight_decay} | options
    optimizer_ = torch_optimizer(make.__name__, other, **options_)
    for _ in range(10):
        optimizer.zero_grad()
        loss.value(model(X), TARGETS)
        model.backward(loss.backward())
        optimizer.step()
        optimizer_.zero_grad()
        torch.nn.functional.mse_loss(other(X_), TARGETS_).backward()
        optimizer_.step()
        np.testing.assert_allclose(weights(model), weights(other), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("make", "options"), [(SGD, {}), (SGD, {"momentum": 0.9}), (Adam, {}), (AdamW, {})]
)
def test_a_learning_rate_changed_on_the_way(make, options):
    model = network()
    other = twin(model)
    optimizer = make(model.parameters(), 0.1, weight_decay=0.2, **options)
    optimizer_ = torch_optimizer(make.__name__, other, 0.2, lr=0.1, **options)
    for lr in (0.1, 0.01, 0.5):
        optimizer.lr = lr
        for group in optimizer_.param_groups:
            group["lr"] = lr
        for p, p_ in zip(model.parameters(), other.parameters(), strict=True):
            p.grad[...] = p.data**2
            p_.grad = p_.detach() ** 2
        optimizer.step()
        optimizer_.step()
    np.testing.assert_allclose(weights(model), weights(other), rtol=1e-9)


@pytest.mark.parametrize("make", [SGD, Adam, AdamW])
@pytest.mark.parametrize(
    "penalty", [None, L1(0.02), L2(0.02), ElasticNet(0.02, 0.3)], ids=["none", "L1", "L2", "net"]
)
@pytest.mark.parametrize("batch_size", [None, 16])
def test_a_whole_run_on_the_same_batches(make, penalty, batch_size):
    model = network()
    other = twin(model)
    optimizer = make(model.parameters(), 0.02, weight_decay=0.1)
    settings = {"epochs": 5, "rng": np.random.default_rng(3), "batch_size": batch_size}
    settings |= {"penalty": penalty, "validation": (X[:9], LABELS[:9])}
    history = fit(model, CrossEntropyLoss(), optimizer, X, LABELS, **settings)

    rng = np.random.default_rng(3)
    optimizer = torch_optimizer(make.__name__, other, 0.1, lr=0.02)
    recorded = []
    for _ in range(5):
        for batch in [slice(None)] if batch_size is None else minibatches(len(X), batch_size, rng):
            optimizer.zero_grad()
            value = torch.nn.functional.cross_entropy(other(X_[batch]), LABELS_[batch])
            (value if penalty is None else value + torch_penalty(penalty, other)).backward()
            optimizer.step()
        recorded.append([*loss_and_accuracy(other, 40), *loss_and_accuracy(other, 9)])
    np.testing.assert_allclose(weights(model), weights(other), rtol=1e-9, atol=1e-9)
    train_loss, train_accuracy, validation_loss, validation_accuracy = np.transpose(recorded)
    np.testing.assert_allclose(history.train_loss, train_loss, rtol=1e-9)
    np.testing.assert_allclose(history.train_accuracy, train_accuracy, rtol=1e-9)
    np.testing.assert_allclose(history.validation_loss, validation_loss, rtol=1e-9)
    np.testing.assert_allclose(history.validation_accuracy, validation_accuracy, rtol=1e-9)


def loss_and_accuracy(other, n):
    """Of a model of PyTorch, on the first n examples."""
    with torch.no_grad():
        logits = other(X_[:n])
        loss = torch.nn.functional.cross_entropy(logits, LABELS_[:n])
        return loss.item(), (logits.argmax(1) == LABELS_[:n]).double().mean().item()


def test_early_stopping_gives_the_weights_of_its_epoch_back():
    model = network()
    shorter = network()
    history = _fit_adam(model, epochs=60, early_stopping=EarlyStopping(3))
    assert history.best_epoch == history.epochs - 3 < 57
    _fit_adam(shorter, epochs=history.best_epoch)
    np.testing.assert_array_equal(weights(model), weights(shorter))


def _fit_adam(model, **settings):
    settings |= {"rng": np.random.default_rng(0), "batch_size": 4}
    settings |= {"validation": (X[20:], LABELS[20:])}
    adam = Adam(model.parameters(), 0.05)
    return fit(model, CrossEntropyLoss(), adam, X[:20], LABELS[:20], **settings)


def trained(make, lam, through, **options):
    """The weights after a run with L2 of strength lam `through` the penalty or the weight_decay."""
    model = network()
    settings = {"epochs": 5, "batch_size": 16, "rng": np.random.default_rng(0)}
    if through == "penalty":
        settings["penalty"] = L2(lam)
    else:
        options["weight_decay"] = lam
    optimizer = make(model.parameters(), 0.02, **options)
    fit(model, MSELoss(), optimizer, X, TARGETS, **settings)
    return weights(model)


@pytest.mark.parametrize(("make", "options"), [(SGD, {}), (SGD, {"momentum": 0.9}), (Adam, {})])
def test_the_l2_penalty_is_the_weight_decay_of_sgd_and_of_coupled_adam(make, options):
    penalty = trained(make, 0.3, "penalty", **options)
    decay = trained(make, 0.3, "weight_decay", **options)
    np.testing.assert_allclose(penalty, decay, rtol=1e-12, atol=1e-12)


def test_under_adam_the_l2_penalty_is_not_decoupled_weight_decay():
    penalty = trained(Adam, 0.3, "penalty")
    decay = trained(AdamW, 0.3, "weight_decay")
    plain = trained(AdamW, 0, "weight_decay")
    assert np.abs(penalty - decay).max() > 0.01
    assert np.linalg.norm(penalty) < np.linalg.norm(decay) < np.linalg.norm(plain)
