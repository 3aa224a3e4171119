# Models and deployer's state: one account, one container.

resource "azurerm_storage_account" "store" {
  name                              = local.unique
  resource_group_name               = azurerm_resource_group.this.name
  location                          = var.region
  account_kind                      = "StorageV2"
  account_tier                      = "Standard"
  account_replication_type          = var.replication
  min_tls_version                   = "TLS1_2"
  https_traffic_only_enabled        = true
  allow_nested_items_to_be_public   = false
  shared_access_key_enabled         = false
  local_user_enabled                = false
  default_to_oauth_authentication   = true
  cross_tenant_replication_enabled  = false
  infrastructure_encryption_enabled = true
  tags                              = local.tags

  blob_properties {
    versioning_enabled = true

    delete_retention_policy {
      days = var.retention_days
    }

    container_delete_retention_policy {
      days = var.retention_days
    }
  }

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.store.id]
  }

  customer_managed_key {
    # Without a version, so that the account follows the rotation.
    key_vault_key_id          = azurerm_key_vault_key.store.versionless_id
    user_assigned_identity_id = azurerm_user_assigned_identity.store.id
  }

  depends_on = [azurerm_role_assignment.store_key]
}

# Azure deletes a full account as readily as an empty one. What must not go says so to Terraform, and
# Terraform takes that as a word in the file, never from a variable: hence two.
resource "azurerm_storage_container" "kept" {
  count = var.force_destroy ? 0 : 1

  name                  = "models"
  storage_account_id    = azurerm_storage_account.store.id
  container_access_type = "private"

  lifecycle {
    prevent_destroy = true
  }
}

resource "azurerm_storage_container" "disposable" {
  count = var.force_destroy ? 1 : 0

  name                  = "models"
  storage_account_id    = azurerm_storage_account.store.id
  container_access_type = "private"
}

locals {
  container = one(concat(azurerm_storage_container.kept, azurerm_storage_container.disposable))
}

resource "azurerm_storage_management_policy" "store" {
  storage_account_id = azurerm_storage_account.store.id

  rule {
    name    = "old-versions"
    enabled = true

    filters {
      blob_types   = ["blockBlob"]
      prefix_match = ["${local.container.name}/"]
    }

    actions {
      version {
        delete_after_days_since_creation = var.retention_days
      }
    }
  }
}
