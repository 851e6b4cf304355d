"""The same call on a Dask cluster: the same table, even if a worker is killed half-way."""

import os
import signal
import time

import joblib
import numpy as np
import pytest

from helpers.core import Sequential
from helpers.data import load_digits
from helpers.experiments import paired
from helpers.layers import Linear, ReLU
from helpers.losses import CrossEntropyLoss
from helpers.optimizers import SGD
from helpers.training import evaluate, fit

distributed = pytest.importorskip("distributed")

SETTINGS = {"plain": 0.0, "decayed": 0.1}
SEEDS = range(6)


def trained(lam, seed, pause=0.0):
    """The loss of a small network: its last digit tells how many BLAS threads there were."""
    X, y, _ = load_digits()
    rng = np.random.default_rng(seed)
    model = Sequential(Linear(64, 32, rng), ReLU(), Linear(32, 10, rng))
    optimizer = SGD(model.parameters(), lr=0.1, weight_decay=lam)
    fit(model, CrossEntropyLoss(), optimizer, X[:500], y[:500], epochs=2, rng=rng, batch_size=50)
    time.sleep(pause)
    return {"loss": evaluate(model, CrossEntropyLoss(), X[500:], y[500:])}


@pytest.fixture
def cluster(tmp_path):
    """Two worker processes, which restart when they die, and leave nothing behind in the tree."""
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",  # any free port: the default one may be taken
            local_directory=tmp_path,
            silence_logs="CRITICAL",
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.wait_for_workers(2, timeout=60)
        yield cluster


@pytest.fixture(scope="module")
def by_joblib():
    with joblib.parallel_config("loky"):
        return paired(SETTINGS, trained, SEEDS, n_jobs=2)


def values(table):
    return {name: row.tolist() for name, row in table.values["loss"].items()}


def pids(cluster):
    return {name: nanny.pid for name, nanny in cluster.workers.items()}


@pytest.mark.usefixtures("cluster")
def test_dask_and_joblib_agree_bit_for_bit(by_joblib):
    with joblib.parallel_config("dask"):
        table = paired(SETTINGS, trained, SEEDS)
    assert values(table) == values(by_joblib)
    assert str(table) == str(by_joblib)


def test_the_runs_happen_in_the_workers_with_one_blas_thread(cluster):
    def where(_value, _seed):
        time.sleep(0.1)  # long enough that one worker cannot take them all
        return {"pid": os.getpid(), "threads": int(os.environ["OPENBLAS_NUM_THREADS"])}

    with joblib.parallel_config("dask"):
        table = paired(SETTINGS, where, SEEDS)
    seen = {metric: set(np.ravel(list(rows.values()))) for metric, rows in table.values.items()}
    assert seen == {"pid": set(pids(cluster).values()), "threads": {1}}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_killed_worker_costs_time_and_no_result(cluster, by_joblib, tmp_path):
    before = pids(cluster)
    mark = tmp_path / "killed"

    def deadly(lam, seed):
        """The run in the middle kills the worker that it is in, once."""
        if (lam, seed) == (0.1, 3) and not mark.exists():
            mark.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        return trained(lam, seed, pause=0.05)

    with joblib.parallel_config("dask"):
        table = paired(SETTINGS, deadly, SEEDS)
    assert int(mark.read_text()) in before.values()
    assert values(table) == values(by_joblib)
    cluster.wait_for_workers(2, timeout=60)
    restarted = set(pids(cluster).values()) - set(before.values())
    assert len(restarted) == 1, "the nanny did not restart the worker"
