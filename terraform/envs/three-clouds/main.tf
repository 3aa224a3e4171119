# A cluster, a store and identities on each of three clouds.

module "aws" {
  source = "../../modules/aws"

  name             = var.name
  region           = var.regions.aws
  cidr             = var.cidrs.aws
  other_cidrs      = [var.cidrs.gcp, var.cidrs.azure]
  authorized_cidrs = var.authorized_cidrs
  deployments      = var.deployments
  budget           = var.budget
  tags             = var.tags

  node_pools = {
    general = { machine = "m6i.large", min = 2, max = 6 }
    spot    = { machine = "m6i.xlarge", min = 0, max = 6, spot = true }
  }
}

module "gcp" {
  source = "../../modules/gcp"

  project          = var.project
  name             = var.name
  region           = var.regions.gcp
  cidr             = var.cidrs.gcp
  other_cidrs      = [var.cidrs.aws, var.cidrs.azure]
  authorized_cidrs = var.authorized_cidrs
  deployments      = var.deployments
  budget           = var.budget
  tags             = var.tags

  node_pools = {
    general = { machine = "e2-standard-2", min = 2, max = 6 }
    spot    = { machine = "e2-standard-4", min = 0, max = 6, spot = true }
  }
}

module "azure" {
  source = "../../modules/azure"

  name             = var.name
  region           = var.regions.azure
  cidr             = var.cidrs.azure
  other_cidrs      = [var.cidrs.aws, var.cidrs.gcp]
  authorized_cidrs = var.authorized_cidrs
  deployments      = var.deployments
  budget           = var.budget
  tags             = var.tags

  node_pools = {
    general = { machine = "Standard_D2s_v5", min = 2, max = 6 }
    spot    = { machine = "Standard_D4s_v5", min = 0, max = 6, spot = true }
  }
}
