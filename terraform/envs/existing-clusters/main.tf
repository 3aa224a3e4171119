# Stores and identities for clusters that are there already.

module "aws" {
  source = "../../modules/aws"

  name             = var.name
  region           = var.regions.aws
  existing_cluster = { name = var.clusters.aws }
  deployments      = var.deployments
  namespace        = var.namespace
}

module "gcp" {
  source = "../../modules/gcp"

  project          = var.project
  name             = var.name
  region           = var.regions.gcp
  existing_cluster = { name = var.clusters.gcp }
  deployments      = var.deployments
  namespace        = var.namespace
}

module "azure" {
  source = "../../modules/azure"

  name             = var.name
  region           = var.regions.azure
  existing_cluster = var.clusters.azure
  deployments      = var.deployments
  namespace        = var.namespace
}
