output "cluster" {
  description = "The cluster: name, API endpoint, CA certificate (PEM in base64), region and version."
  value = {
    name     = local.cluster_name
    endpoint = "https://${local.new_cluster ? (var.private_endpoint ? azurerm_kubernetes_cluster.this["this"].private_fqdn : azurerm_kubernetes_cluster.this["this"].fqdn) : data.azurerm_kubernetes_cluster.existing[0].fqdn}:443"
    # In kube_config, which is marked as a secret as a whole; without local accounts there is none in it.
    ca      = nonsensitive(local.new_cluster ? one(azurerm_kubernetes_cluster.this["this"].kube_config[*].cluster_ca_certificate) : one(data.azurerm_kubernetes_cluster.existing[0].kube_config[*].cluster_ca_certificate))
    region  = var.region
    version = local.new_cluster ? azurerm_kubernetes_cluster.this["this"].current_kubernetes_version : data.azurerm_kubernetes_cluster.existing[0].kubernetes_version
  }
}

output "store_url" {
  description = "The store for models and deployer's state, as deployer.yaml writes it."
  value       = "az://${local.container.name}"
}

output "identity" {
  description = "Who pulls and who deploys: the annotations that the pods' ServiceAccounts need, the deployments and the namespace they are for, and both identities by the cloud's own name."
  value = {
    annotations = { "azure.workload.identity/client-id" = azurerm_user_assigned_identity.pull.client_id }
    namespace   = var.namespace
    deployments = sort(var.deployments)
    pull        = azurerm_user_assigned_identity.pull.client_id
    deploy      = azurerm_user_assigned_identity.deploy.client_id
  }
}

output "registry" {
  description = "Where images go, without a trailing slash; null when the cluster was there already."
  value       = local.new_cluster ? azurerm_container_registry.this["this"].login_server : null
}

output "node_pools" {
  description = "The pools with what they are made of."
  value = {
    for name, pool in local.pools : name => {
      machine = pool.machine, min = pool.min, max = pool.max, spot = pool.spot, gpus = pool.gpus
    }
  }
}

output "target" {
  description = "All that deployer.yaml needs for this target: `deployer init --from-terraform` reads it."
  value = {
    name        = "azure-${var.region}"
    provider    = "azure"
    region      = var.region
    store       = { url = "az://${local.container.name}", endpoint = trimsuffix(azurerm_storage_account.store.primary_blob_endpoint, "/") }
    cluster     = { eks = null, gke = null, aks = local.cluster_name, resource_group = local.new_cluster ? azurerm_resource_group.this.name : var.existing_cluster.resource_group }
    namespace   = var.namespace
    machine     = local.new_cluster ? local.pools[local.usual_pool].machine : null
    deployments = sort(var.deployments)
    annotations = { "azure.workload.identity/client-id" = azurerm_user_assigned_identity.pull.client_id }
  }
  # Whoever uses it finds the pods able to pull.
  depends_on = [
    azurerm_federated_identity_credential.pull, azurerm_kubernetes_cluster_node_pool.this, azurerm_role_assignment.deploy_namespace,
    azurerm_role_assignment.deploy_store, azurerm_role_assignment.pull,
  ]
}
