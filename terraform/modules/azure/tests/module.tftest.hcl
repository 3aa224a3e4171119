# What the module makes of its variables; no account, no network.

mock_provider "azurerm" {
  mock_data "azurerm_client_config" {
    defaults = {
      subscription_id = "00000000-0000-0000-0000-000000000001"
      tenant_id       = "00000000-0000-0000-0000-000000000002"
      object_id       = "00000000-0000-0000-0000-000000000003"
    }
  }
  mock_data "azurerm_kubernetes_cluster" {
    defaults = {
      id              = "/subscriptions/s/resourceGroups/ops/providers/Microsoft.ContainerService/managedClusters/prod"
      fqdn            = "aks.example"
      oidc_issuer_url = "https://oidc.example/aks"
    }
  }
}

variables {
  name             = "ml-models"
  region           = "eastus"
  authorized_cidrs = ["203.0.113.0/24"]
}

run "defaults" {
  command = plan

  assert {
    condition     = can(regex("^mlmodels[0-9a-f]{6}$", azurerm_storage_account.store.name)) && length(azurerm_storage_account.store.name) <= 24
    error_message = "The account's name is letters and digits, with a hash behind."
  }
  assert {
    condition     = length(azurerm_storage_container.kept) == 1 && length(azurerm_storage_container.disposable) == 0
    error_message = "The container is kept."
  }
  assert {
    condition     = output.target.store.url == "az://models" && output.target.cluster.aks == "ml-models" && output.target.cluster.resource_group == "ml-models"
    error_message = "The target is what deployer.yaml needs."
  }
  assert {
    condition     = keys(output.identity.annotations) == ["azure.workload.identity/client-id"]
    error_message = "The ServiceAccount carries the identity's client id."
  }
  assert {
    condition     = azurerm_federated_identity_credential.pull["model"].subject == "system:serviceaccount:default:model"
    error_message = "Only the deployment named may take the identity."
  }
  assert {
    condition     = azurerm_kubernetes_cluster.this["this"].default_node_pool[0].name == "general" && length(azurerm_kubernetes_cluster_node_pool.this) == 0
    error_message = "The usual pool is the cluster's own."
  }
}

run "the_store_may_go" {
  command = plan

  variables {
    force_destroy       = true
    deletion_protection = false
  }

  assert {
    condition     = length(azurerm_storage_container.kept) == 0 && length(azurerm_storage_container.disposable) == 1 && length(azurerm_management_lock.cluster) == 0
    error_message = "Nothing holds on."
  }
}

run "gpus_spot_and_a_budget" {
  command = plan

  variables {
    node_pools = {
      general = {}
      gpu     = { machine = "Standard_NC4as_T4_v3", min = 0, gpus = 1 }
      gpuspot = { machine = "Standard_NC4as_T4_v3", min = 0, gpus = 1, spot = true }
    }
    budget = { monthly = 500, emails = ["ops@example.com"] }
  }

  assert {
    condition     = azurerm_kubernetes_cluster_node_pool.this["gpu"].priority == "Regular" && azurerm_kubernetes_cluster_node_pool.this["gpuspot"].priority == "Spot"
    error_message = "One pool is spot."
  }
  assert {
    condition     = azurerm_kubernetes_cluster_node_pool.this["gpuspot"].node_taints == tolist(["nvidia.com/gpu=present:NoSchedule", "kubernetes.azure.com/scalesetpriority=spot:NoSchedule"])
    error_message = "GPU and spot nodes keep others away."
  }
  assert {
    condition     = azurerm_consumption_budget_resource_group.this["this"].amount == 500
    error_message = "The budget is what was asked for."
  }
}

run "private" {
  command = plan

  variables {
    private_endpoint = true
    authorized_cidrs = []
  }

  assert {
    condition     = azurerm_kubernetes_cluster.this["this"].private_cluster_enabled && length(azurerm_kubernetes_cluster.this["this"].api_server_access_profile) == 0
    error_message = "The control plane answers inside alone."
  }
}

run "existing_cluster" {
  command = plan

  variables {
    existing_cluster = { name = "prod", resource_group = "ops" }
    authorized_cidrs = []
  }

  assert {
    condition     = length(azurerm_kubernetes_cluster.this) == 0 && length(azurerm_virtual_network.this) == 0 && length(azurerm_container_registry.this) == 0
    error_message = "Only the store and the identities are made."
  }
  assert {
    condition     = output.target.cluster.aks == "prod" && output.target.cluster.resource_group == "ops" && output.registry == null
    error_message = "The cluster that is there is the target."
  }
}

run "a_cluster_without_its_resource_group" {
  command = plan
  variables {
    existing_cluster = { name = "prod" }
  }
  expect_failures = [var.existing_cluster]
}

run "a_subnet_that_is_none" {
  command = plan
  variables { existing_network = { subnet_id = "nodes" } }
  expect_failures = [var.existing_network]
}
