# A vault for the store's key. What is deleted in it stays for 90 days, and nobody can purge it.

resource "azurerm_key_vault" "this" {
  name                          = local.unique
  resource_group_name           = azurerm_resource_group.this.name
  location                      = var.region
  tenant_id                     = data.azurerm_client_config.current.tenant_id
  sku_name                      = "standard"
  rbac_authorization_enabled    = true
  purge_protection_enabled      = true
  soft_delete_retention_days    = 90
  public_network_access_enabled = true
  tags                          = local.tags

  # Terraform makes the key from wherever it runs; storage comes as a trusted service.
  network_acls {
    bypass         = "AzureServices"
    default_action = length(var.authorized_cidrs) > 0 ? "Deny" : "Allow"
    ip_rules       = var.authorized_cidrs
  }
}

resource "azurerm_role_assignment" "key_maker" {
  scope                = azurerm_key_vault.this.id
  role_definition_name = "Key Vault Crypto Officer"
  principal_id         = data.azurerm_client_config.current.object_id
}

resource "azurerm_key_vault_key" "store" {
  name         = "store"
  key_vault_id = azurerm_key_vault.this.id
  key_type     = "RSA"
  key_size     = 3072
  key_opts     = ["unwrapKey", "wrapKey"]
  tags         = local.tags

  rotation_policy {
    automatic {
      time_after_creation = "P90D"
    }
  }

  depends_on = [azurerm_role_assignment.key_maker]
}

resource "azurerm_user_assigned_identity" "store" {
  name                = "${var.name}-store"
  resource_group_name = azurerm_resource_group.this.name
  location            = var.region
  tags                = local.tags
}

resource "azurerm_role_assignment" "store_key" {
  scope                = azurerm_key_vault.this.id
  role_definition_name = "Key Vault Crypto Service Encryption User"
  principal_id         = azurerm_user_assigned_identity.store.principal_id
}
