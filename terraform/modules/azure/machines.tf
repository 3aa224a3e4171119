# Written by terraform/generate.py from the price book.

locals {
  # Of these regions the book knows machines; of others it can say nothing.
  gpu_regions = ["eastus", "northeurope", "southeastasia", "westeurope", "westus2"]

  gpu_machines = {
    "Standard_NC24ads_A100_v4"  = ["eastus", "northeurope", "southeastasia", "westeurope", "westus2"]
    "Standard_NC40ads_H100_v5"  = ["eastus", "northeurope", "southeastasia", "westeurope", "westus2"]
    "Standard_NC48ads_A100_v4"  = ["eastus", "northeurope", "southeastasia", "westeurope", "westus2"]
    "Standard_NC4as_T4_v3"      = ["eastus", "northeurope", "southeastasia", "westeurope", "westus2"]
    "Standard_NC64as_T4_v3"     = ["eastus", "northeurope", "southeastasia", "westeurope", "westus2"]
    "Standard_NC80adis_H100_v5" = ["eastus", "northeurope", "southeastasia", "westeurope", "westus2"]
    "Standard_NC8as_T4_v3"      = ["eastus", "northeurope", "southeastasia", "westeurope", "westus2"]
    "Standard_NC96ads_A100_v4"  = ["eastus", "northeurope", "southeastasia", "westeurope", "westus2"]
    "Standard_ND96asr_v4"       = ["eastus", "westeurope", "westus2"]
    "Standard_ND96isr_H100_v5"  = ["eastus", "westeurope", "westus2"]
    "Standard_NV36ads_A10_v5"   = ["eastus", "northeurope", "southeastasia", "westeurope", "westus2"]
  }
}
