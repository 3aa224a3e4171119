data "google_project" "current" {
  project_id = var.project
}

locals {
  tags = merge(var.tags, { deployer = var.name, managed-by = "terraform" })

  new_cluster = var.existing_cluster == null
  new_network = local.new_cluster && var.existing_network == null
  own_cluster = toset(local.new_cluster ? ["this"] : [])
  standard    = local.new_cluster && var.mode == "standard"

  number   = data.google_project.current.number
  cidr     = coalesce(var.cidr, local.default_cidr)
  location = length(var.zones) == 1 ? var.zones[0] : var.region

  # Sorted names make the choice of the usual machine stable: an on-demand pool without GPUs.
  pools        = { for name, pool in var.node_pools : name => merge(pool, { machine = coalesce(pool.machine, local.default_machine) }) if local.new_cluster }
  usual_pool   = [for name, pool in var.node_pools : name if !pool.spot && pool.gpus == 0 && pool.min >= 1][0]
  cluster_name = local.new_cluster ? var.name : var.existing_cluster.name

  apis = toset(concat(
    ["cloudkms", "iam", "iamcredentials", "storage"],
    local.new_cluster ? ["artifactregistry", "compute", "container"] : [],
    var.budget == null ? [] : ["billingbudgets", "monitoring"],
  ))
}

resource "google_project_service" "this" {
  for_each = local.apis

  project            = var.project
  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false
}
