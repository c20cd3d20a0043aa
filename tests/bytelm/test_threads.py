import threading

import torch

from laconic.bytelm.threads import single_products


def test_products_stay_in_one_thread_for_a_while_only() -> None:
    before = torch.get_num_threads()
    with single_products():
        with single_products():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_threads_that_begin_meanwhile_leave_the_others_theirs() -> None:
    """A thread born while the main one multiplies alone believes that there is one thread; it must not spread that."""
    before, seen = torch.get_num_threads(), []
    born, go, entered, leave = (threading.Event() for _ in range(4))

    def work() -> None:
        torch.get_num_threads()
        born.set()
        go.wait(10)
        with single_products():
            entered.set()
            leave.wait(10)
        seen.append(torch.get_num_threads())

    thread = threading.Thread(target=work)
    with single_products():
        thread.start()
        born.wait(10)
    go.set()
    entered.wait(10)
    with single_products():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
    leave.set()
    thread.join()
    later = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    later.start()
    later.join()
    assert seen == [before, before]
    assert torch.get_num_threads() == before
