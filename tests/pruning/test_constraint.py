import pytest
import torch

from laconic.pruning.constraint import Prices


def test_prices_climb_until_the_target_is_met() -> None:
    prices, odds = Prices(), torch.nn.Parameter(torch.tensor(4.0))
    optimizer = torch.optim.AdamW(
        [{"params": prices.parameters(), "maximize": True}, {"params": [odds]}], lr=0.05, weight_decay=0.0
    )
    for _ in range(1500):
        optimizer.zero_grad()
        prices(1 - torch.sigmoid(odds), 0.7).backward()
        optimizer.step()
    assert float(1 - torch.sigmoid(odds).detach()) == pytest.approx(0.7, abs=0.02)


def test_the_price_is_the_polynomial() -> None:
    prices = Prices()
    torch.nn.init.constant_(prices.linear, 2.0)
    torch.nn.init.constant_(prices.square, 3.0)
    assert float(prices(torch.tensor(0.5), 0.7).detach()) == pytest.approx(2 * -0.2 + 3 * 0.04)
