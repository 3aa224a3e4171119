data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  tags = merge(var.tags, { deployer = var.name, managed-by = "terraform" })

  new_cluster = var.existing_cluster == null
  new_network = local.new_cluster && var.existing_network == null
  own_cluster = toset(local.new_cluster ? ["this"] : [])

  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  cidr      = coalesce(var.cidr, local.default_cidr)

  # Sorted names make the choice of the usual machine stable: an on-demand pool without GPUs.
  pools        = { for name, pool in var.node_pools : name => merge(pool, { machine = coalesce(pool.machine, local.default_machine) }) if local.new_cluster }
  usual_pool   = [for name, pool in var.node_pools : name if !pool.spot && pool.gpus == 0 && pool.min >= 1][0]
  cluster_name = local.new_cluster ? var.name : var.existing_cluster.name
}

# A provider that is set up for another region would put the cluster there and call it by this one.
check "region" {
  assert {
    condition     = data.aws_region.current.id == var.region
    error_message = "The aws provider is set up for ${data.aws_region.current.id}, and the module for ${var.region}."
  }
}
