"""What the infrastructure of a Terraform plan costs a month; pure.

It is the least that is billed: pools at their smallest, no traffic. What has no price is unknown
and listed, never counted as zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from deployer.cost.component import HOURS_PER_MONTH, Component, known_sum
from deployer.ports import Prices
from deployer.report.rates import Shop, Usage, price_resource
from deployer.report.terraform import Resource
from deployer.values import Cloud, Money

__all__ = ["InfrastructureReport", "PricedResource", "build_infrastructure_report"]


@dataclass(frozen=True, slots=True)
class PricedResource:
    """One resource's month."""

    address: str
    cloud: Cloud | None
    region: str
    components: tuple[Component, ...]


@dataclass(frozen=True, slots=True)
class InfrastructureReport:
    """What costs something or is unknown, in the order of the addresses.

    Attributes:
        free: How many resources cost nothing by themselves.
    """

    resources: tuple[PricedResource, ...]
    free: int
    book_as_of: date
    assumptions: tuple[str, ...]

    @property
    def components(self) -> tuple[Component, ...]:
        """Every component of every resource."""
        return tuple(c for resource in self.resources for c in resource.components)

    @property
    def known(self) -> Money:
        """The sum of what is known."""
        return known_sum(self.components)

    @property
    def partial(self) -> bool:
        """Whether something is unknown, so that the month costs more than `known`."""
        return any(component.monthly is None for component in self.components)

    def known_on(self, cloud: Cloud) -> Money:
        """Return the sum of what is known of one cloud."""
        own = (resource for resource in self.resources if resource.cloud is cloud)
        return known_sum(component for resource in own for component in resource.components)


def build_infrastructure_report(
    resources: Sequence[Resource], prices: Prices, usage: Usage
) -> InfrastructureReport:
    """Price every resource of a plan with ``prices``."""
    shop = Shop(prices, usage, resources)
    priced = [
        PricedResource(r.address, r.cloud, r.region, price_resource(r, shop)) for r in resources
    ]
    costly = tuple(resource for resource in priced if resource.components)
    return InfrastructureReport(
        resources=costly,
        free=len(priced) - len(costly),
        book_as_of=prices.as_of,
        assumptions=(
            f"list prices, {HOURS_PER_MONTH} hours a month, book of {prices.as_of.isoformat()}",
            "node pools at their smallest",
            f"{usage.store_gb} GB in each store, {usage.image_gb} GB in each registry",
            "no traffic; a load balancer that a Service brings is not in Terraform's plan",
        ),
    )
