resource "azurerm_container_registry" "this" {
  for_each = local.own_cluster

  name                     = local.unique
  resource_group_name      = azurerm_resource_group.this.name
  location                 = var.region
  sku                      = var.registry_sku
  admin_enabled            = false
  anonymous_pull_enabled   = var.registry_sku == "Basic" ? null : false
  retention_policy_in_days = var.registry_sku == "Premium" ? 14 : null
  tags                     = local.tags
}

resource "azurerm_role_assignment" "node_pulls_images" {
  for_each = local.own_cluster

  scope                = azurerm_container_registry.this["this"].id
  role_definition_name = "AcrPull"
  principal_id         = azurerm_user_assigned_identity.node["this"].principal_id
}
