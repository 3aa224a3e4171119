# What differs from the other clouds: regions, defaults, and the variables only Azure has.

locals {
  cloud                 = "Azure"
  default_cidr          = "10.30.0.0/16"
  default_machine       = "Standard_D2s_v5"
  needs_billing_account = false
  needs_resource_group  = true

  # Regions that have AKS with zones, and those beside them in the same countries.
  regions = [
    "australiacentral", "australiaeast", "australiasoutheast", "austriaeast", "brazilsouth",
    "canadacentral", "canadaeast", "centralindia", "centralus", "chilecentral", "eastasia", "eastus",
    "eastus2", "francecentral", "germanywestcentral", "indonesiacentral", "israelcentral",
    "italynorth", "japaneast", "japanwest", "koreacentral", "koreasouth", "malaysiawest",
    "mexicocentral", "newzealandnorth", "northcentralus", "northeurope", "norwayeast",
    "polandcentral", "qatarcentral", "southafricanorth", "southcentralus", "southeastasia",
    "southindia", "spaincentral", "swedencentral", "switzerlandnorth", "uaenorth", "uksouth",
    "ukwest", "westcentralus", "westeurope", "westus", "westus2", "westus3",
  ]

  admin_pattern    = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
  admin_words      = "object ids of Entra groups: 00000000-0000-0000-0000-000000000000"
  deployer_pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
  deployer_words   = "object ids of Entra users, groups or service principals: 00000000-0000-0000-0000-000000000000"
}

variable "existing_network" {
  description = "A subnet that is there already, for the nodes; with the service endpoint Microsoft.Storage, pulls stay on Azure's network."
  type        = object({ subnet_id = string })
  default     = null

  validation {
    condition     = var.existing_network == null || try(can(regex("^/subscriptions/.+/subnets/[^/]+$", var.existing_network.subnet_id)), false)
    error_message = "existing_network: subnet_id is a subnet's full id, /subscriptions/…/subnets/NAME."
  }
}

variable "zones" {
  description = "The zones nodes are spread over. Empty where a region has none."
  type        = list(string)
  default     = ["1", "2", "3"]

  validation {
    condition     = alltrue([for zone in var.zones : contains(["1", "2", "3"], zone)])
    error_message = "zones: of 1, 2 and 3."
  }
}

variable "tier" {
  description = "AKS's tier: Free has no uptime agreement, Standard has, Premium adds two years of support."
  type        = string
  default     = "Standard"

  validation {
    condition     = contains(["Free", "Standard", "Premium"], var.tier)
    error_message = "tier: Free, Standard or Premium."
  }
}

variable "replication" {
  description = "Where the store's copies are: LRS in one building, ZRS in three zones, GRS and GZRS in another region, too."
  type        = string
  default     = "ZRS"

  validation {
    condition     = contains(["LRS", "ZRS", "GRS", "GZRS"], var.replication)
    error_message = "replication: LRS, ZRS, GRS or GZRS."
  }
}

variable "registry_sku" {
  description = "The registry's tier. Premium adds private links, replicas and retention of untagged images."
  type        = string
  default     = "Standard"

  validation {
    condition     = contains(["Basic", "Standard", "Premium"], var.registry_sku)
    error_message = "registry_sku: Basic, Standard or Premium."
  }
}
