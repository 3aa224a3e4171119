# Two identities: `pull` reads models and nothing else; `deploy` writes the store and one namespace.
# What each may do to the store is in policies/.

locals {
  pull   = jsondecode(file("${path.module}/policies/pull.json"))
  deploy = jsondecode(file("${path.module}/policies/deploy.json"))

  issuer_url = local.new_cluster ? azurerm_kubernetes_cluster.this["this"].oidc_issuer_url : data.azurerm_kubernetes_cluster.existing[0].oidc_issuer_url
  cluster_id = local.new_cluster ? azurerm_kubernetes_cluster.this["this"].id : data.azurerm_kubernetes_cluster.existing[0].id

  # Who deploys: our identity and the user's own.
  deployers = merge({ this = azurerm_user_assigned_identity.deploy.principal_id }, { for id in var.deployers : id => id })
}

resource "azurerm_user_assigned_identity" "pull" {
  name                = "${var.name}-pull"
  resource_group_name = azurerm_resource_group.this.name
  location            = var.region
  tags                = local.tags
}

resource "azurerm_federated_identity_credential" "pull" {
  for_each = var.deployments

  name                = each.key
  resource_group_name = azurerm_resource_group.this.name
  parent_id           = azurerm_user_assigned_identity.pull.id
  audience            = ["api://AzureADTokenExchange"]
  issuer              = local.issuer_url
  subject             = "system:serviceaccount:${var.namespace}:${each.key}"
}

resource "azurerm_role_definition" "pull" {
  name              = "${local.pull.title} (${local.unique})"
  description       = local.pull.description
  scope             = azurerm_storage_account.store.id
  assignable_scopes = [azurerm_storage_account.store.id]

  permissions {
    data_actions = local.pull.store
  }
}

resource "azurerm_role_assignment" "pull" {
  scope              = local.container.id
  role_definition_id = azurerm_role_definition.pull.role_definition_resource_id
  principal_id       = azurerm_user_assigned_identity.pull.principal_id
}

resource "azurerm_user_assigned_identity" "deploy" {
  name                = "${var.name}-deploy"
  resource_group_name = azurerm_resource_group.this.name
  location            = var.region
  tags                = local.tags
}

resource "azurerm_role_definition" "deploy" {
  name              = "${local.deploy.title} (${local.unique})"
  description       = local.deploy.description
  scope             = azurerm_storage_account.store.id
  assignable_scopes = [azurerm_storage_account.store.id]

  permissions {
    actions      = local.deploy.container
    data_actions = local.deploy.store
  }
}

resource "azurerm_role_assignment" "deploy_store" {
  for_each = local.deployers

  scope              = local.container.id
  role_definition_id = azurerm_role_definition.deploy.role_definition_resource_id
  principal_id       = each.value
}

# To fetch the cluster's address and certificate; what it allows inside is the next one's business.
resource "azurerm_role_assignment" "deploy_cluster" {
  for_each = local.deployers

  scope                = local.cluster_id
  role_definition_name = "Azure Kubernetes Service Cluster User Role"
  principal_id         = each.value
}

resource "azurerm_role_assignment" "deploy_namespace" {
  for_each = local.deployers

  scope                = "${local.cluster_id}/namespaces/${var.namespace}"
  role_definition_name = "Azure Kubernetes Service RBAC Writer"
  principal_id         = each.value
}
