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


def test_a_thread_that_begins_meanwhile_gets_back_what_the_others_had() -> None:
    seen, before = [], torch.get_num_threads()

    def work() -> None:
        with single_products():
            seen.append(torch.get_num_threads())
        seen.append(torch.get_num_threads())

    with single_products():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert torch.get_num_threads() == 1
    assert seen == [1, before]
    assert torch.get_num_threads() == before
