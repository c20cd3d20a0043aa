import torch

from laconic.bytelm.threads import single_products


def test_products_stay_in_one_thread_for_a_while_only() -> None:
    before = torch.get_num_threads()
    with single_products():
        with single_products():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
