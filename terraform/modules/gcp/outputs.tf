output "cluster" {
  description = "The cluster: name, API endpoint, CA certificate (PEM in base64), region and version."
  value = {
    name     = local.cluster_name
    endpoint = "https://${local.new_cluster ? google_container_cluster.this["this"].endpoint : data.google_container_cluster.existing[0].endpoint}"
    ca       = local.new_cluster ? google_container_cluster.this["this"].master_auth[0].cluster_ca_certificate : one(data.google_container_cluster.existing[0].master_auth[*].cluster_ca_certificate)
    region   = var.region
    version  = local.new_cluster ? google_container_cluster.this["this"].master_version : data.google_container_cluster.existing[0].master_version
  }
}

output "store_url" {
  description = "The store for models and deployer's state, as deployer.yaml writes it."
  value       = "gs://${google_storage_bucket.store.name}"
}

output "identity" {
  description = "Who pulls and who deploys: the annotations that the pods' ServiceAccounts need, the deployments and the namespace they are for, and both identities by the cloud's own name."
  value = {
    annotations = {}
    namespace   = var.namespace
    deployments = sort(var.deployments)
    pull        = local.pods
    deploy      = google_service_account.deploy.email
  }
}

output "registry" {
  description = "Where images go, without a trailing slash; null when the cluster was there already."
  value       = local.new_cluster ? "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.this["this"].repository_id}" : null
}

output "node_pools" {
  description = "The pools with what they are made of."
  value = {
    for name, pool in local.standard ? local.pools : {} : name => {
      machine = pool.machine, min = pool.min, max = pool.max, spot = pool.spot, gpus = pool.gpus
    }
  }
}

output "target" {
  description = "All that deployer.yaml needs for this target: `deployer init --from-terraform` reads it."
  value = {
    name        = "gcp-${var.region}"
    provider    = "gcp"
    region      = var.region
    store       = { url = "gs://${google_storage_bucket.store.name}", endpoint = null }
    cluster     = { eks = null, gke = local.cluster_name, aks = null, resource_group = null }
    namespace   = var.namespace
    machine     = local.new_cluster ? local.pools[local.usual_pool].machine : null
    deployments = sort(var.deployments)
    annotations = {}
  }
  # Whoever uses it finds the pods able to pull.
  depends_on = [
    google_container_node_pool.this, google_project_iam_member.deploy, google_storage_bucket_iam_member.deploy,
    google_storage_bucket_iam_member.pull,
  ]
}
