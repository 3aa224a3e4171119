"""FOCUS columns by name: what must be there, what is read, what was renamed (focus.finops.org)."""

from collections.abc import Mapping

__all__ = ["MANDATORY", "NEEDED", "READ", "RENAMED"]

MANDATORY = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd",
    "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd",
    "ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost",
    "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory",
    "ServiceName",
)  # fmt: skip
"""The 21 columns that 1.2 makes mandatory; all of them are in 1.0 as well."""

NEEDED = (
    "BilledCost", "BillingCurrency", "ChargeCategory", "ChargePeriodEnd", "ChargePeriodStart",
    "EffectiveCost", "ProviderName", "ServiceCategory", "ServiceName",
)  # fmt: skip
"""Without one of these a row says nothing that could be compared."""

READ = (
    *NEEDED, "ChargeClass", "ChargeDescription", "CommitmentDiscountStatus", "ContractedCost",
    "ListCost", "ListUnitPrice", "PricingQuantity", "PricingUnit", "RegionId", "ResourceId",
    "SkuId", "SkuMeter", "SkuPriceId", "Tags",
)  # fmt: skip

RENAMED: Mapping[str, tuple[str, ...]] = {
    "ProviderName": ("ServiceProviderName", "HostProviderName"),
    "PublisherName": ("ServiceProviderName",),
}
"""What 1.3 deprecates and 1.4 no longer has, and what stands for it there."""
