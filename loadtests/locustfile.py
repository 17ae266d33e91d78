"""What Locust is pointed at: imports only."""

from loadtests.users.shopper import Shopper
from loadtests.users.vendor import Vendor

__all__ = ["Shopper", "Vendor"]
