"""What Locust loads: the shape and everybody who comes. `headless.py` names those who take part."""

from loadtests.shapes.locust_shape import MarketDayShape
from loadtests.users.agent import Agent
from loadtests.users.arrivals import Arrivals
from loadtests.users.hostile import Hostile
from loadtests.users.officer import Officer
from loadtests.users.retrying import RetryingShopper
from loadtests.users.rpc import RpcShopper
from loadtests.users.shopper import Shopper
from loadtests.users.vendor import Vendor

__all__ = [
    "Agent", "Arrivals", "Hostile", "MarketDayShape", "Officer", "RetryingShopper", "RpcShopper", "Shopper", "Vendor",
]  # fmt: skip
