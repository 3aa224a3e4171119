data "azurerm_client_config" "current" {}

locals {
  tags = merge(var.tags, { deployer = var.name, managed-by = "terraform" })

  new_cluster = var.existing_cluster == null
  new_network = local.new_cluster && var.existing_network == null
  own_cluster = toset(local.new_cluster ? ["this"] : [])

  cidr = coalesce(var.cidr, local.default_cidr)

  # Accounts, vaults and registries have names that are unique in the world: letters and digits alone,
  # and a hash of the subscription behind.
  unique = "${replace(var.name, "-", "")}${substr(sha256("${data.azurerm_client_config.current.subscription_id}/${var.name}"), 0, 6)}"

  # Sorted names make the choice of the usual machine stable: an on-demand pool without GPUs.
  pools        = { for name, pool in var.node_pools : name => merge(pool, { machine = coalesce(pool.machine, local.default_machine) }) if local.new_cluster }
  usual_pool   = [for name, pool in var.node_pools : name if !pool.spot && pool.gpus == 0 && pool.min >= 1][0]
  cluster_name = local.new_cluster ? var.name : var.existing_cluster.name
}

resource "azurerm_resource_group" "this" {
  name     = var.name
  location = var.region
  tags     = local.tags
}
