# The smallest that works, on three clouds: one small node each, one NAT gateway, no spare zone, no
# uptime agreement, and everything goes with `terraform destroy`.

locals {
  pool = { min = 1, max = 2, disk_gib = 50 }
}

module "aws" {
  source = "../../modules/aws"

  name                = var.name
  region              = var.regions.aws
  cidr                = var.cidrs.aws
  other_cidrs         = [var.cidrs.gcp, var.cidrs.azure]
  authorized_cidrs    = var.authorized_cidrs
  deployments         = var.deployments
  budget              = var.budget
  tags                = var.tags
  nat                 = "one"
  control_plane_logs  = false
  deletion_protection = false
  force_destroy       = true
  retention_days      = 7

  node_pools = { general = merge(local.pool, { machine = "t3.large" }) }
}

module "gcp" {
  source = "../../modules/gcp"

  project             = var.project
  name                = var.name
  region              = var.regions.gcp
  zones               = ["${var.regions.gcp}-b"]
  cidr                = var.cidrs.gcp
  other_cidrs         = [var.cidrs.aws, var.cidrs.azure]
  authorized_cidrs    = var.authorized_cidrs
  deployments         = var.deployments
  budget              = var.budget
  tags                = var.tags
  control_plane_logs  = false
  deletion_protection = false
  force_destroy       = true
  retention_days      = 7

  node_pools = { general = merge(local.pool, { machine = "e2-standard-2" }) }
}

module "azure" {
  source = "../../modules/azure"

  name                = var.name
  region              = var.regions.azure
  cidr                = var.cidrs.azure
  other_cidrs         = [var.cidrs.aws, var.cidrs.gcp]
  authorized_cidrs    = var.authorized_cidrs
  deployments         = var.deployments
  budget              = var.budget
  tags                = var.tags
  tier                = "Free"
  replication         = "LRS"
  registry_sku        = "Basic"
  control_plane_logs  = false
  deletion_protection = false
  force_destroy       = true
  retention_days      = 7

  node_pools = { general = merge(local.pool, { machine = "Standard_D2s_v5" }) }
}
