"""Answers of the clouds' price lists, as their documentation shows them, cut to what matters."""

import json
from typing import Any

__all__ = ["aws_product", "azure_item", "gcp_sku"]


def aws_product(price: str, unit: str = "Hrs", currency: str = "USD") -> str:
    """Return one entry of ``PriceList``: a string of JSON, every number in it a string."""
    dimension = {
        "unit": unit,
        "beginRange": "0",
        "endRange": "Inf",
        "description": f"${price} per On Demand Linux m6i.xlarge Instance Hour",
        "pricePerUnit": {currency: price},
    }
    term = {"priceDimensions": {"WQGC.JRTC.6YS6": dimension}, "effectiveDate": "2026-11-01"}
    product = {"productFamily": "Compute Instance", "sku": "WQGC", "attributes": {}}
    return json.dumps({"product": product, "terms": {"OnDemand": {"WQGC.JRTC": term}}})


def azure_item(price: float, **changes: Any) -> dict[str, Any]:
    """Return one of ``Items``."""
    return {
        "currencyCode": "USD",
        "retailPrice": price,
        "armRegionName": "eastus",
        "meterName": "D4s v5",
        "productName": "Virtual Machines Dsv5 Series",
        "skuName": "D4s v5",
        "serviceName": "Virtual Machines",
        "unitOfMeasure": "1 Hour",
        "type": "Consumption",
        "armSkuName": "Standard_D4s_v5",
        **changes,
    }


def gcp_sku(
    description: str, nanos: int, usage: str = "OnDemand", **changes: Any
) -> dict[str, Any]:
    """Return one of ``skus``."""
    price = {"currencyCode": "USD", "units": "0", "nanos": nanos}
    rate = {"startUsageAmount": 0, "unitPrice": price}
    return {
        "description": description,
        "category": {"resourceFamily": "Compute", "usageType": usage},
        "serviceRegions": ["us-central1", "us-east1"],
        "pricingInfo": [{"pricingExpression": {"usageUnit": "h", "tieredRates": [rate]}}],
        **changes,
    }
