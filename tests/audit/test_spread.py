"""Who compares sketches does so on one core, so that others can on the others."""

import numpy  # noqa: F401  # whose products they are
import pytest
from threadpoolctl import ThreadpoolController

from signflow.audit.book import spread
from signflow.processes import worker_pool


def threads_for_products(_: object = None) -> set[int]:
    blas = ThreadpoolController().select(user_api="blas")
    return {library["num_threads"] for library in blas.info()}


pytestmark = pytest.mark.skipif(
    not threads_for_products(), reason="how many threads NumPy multiplies by cannot be told here"
)


def test_a_worker_multiplies_with_one_thread():
    with worker_pool(1) as pool:
        assert pool.submit(threads_for_products).result() == {1}


def test_this_process_does_meanwhile():
    before = threads_for_products()

    assert list(spread(threads_for_products, ["a piece"], workers=1)) == [{1}]
    assert threads_for_products() == before
