data "azurerm_kubernetes_cluster" "existing" {
  count = local.new_cluster ? 0 : 1

  name                = var.existing_cluster.name
  resource_group_name = var.existing_cluster.resource_group
}

resource "azurerm_user_assigned_identity" "cluster" {
  for_each = local.own_cluster

  name                = "${var.name}-cluster"
  resource_group_name = azurerm_resource_group.this.name
  location            = var.region
  tags                = local.tags
}

# The nodes' own, which pulls images.
resource "azurerm_user_assigned_identity" "node" {
  for_each = local.own_cluster

  name                = "${var.name}-node"
  resource_group_name = azurerm_resource_group.this.name
  location            = var.region
  tags                = local.tags
}

resource "azurerm_role_assignment" "cluster_uses_node" {
  for_each = local.own_cluster

  scope                = azurerm_user_assigned_identity.node["this"].id
  role_definition_name = "Managed Identity Operator"
  principal_id         = azurerm_user_assigned_identity.cluster["this"].principal_id
}

# Nodes and load balancers join the subnet.
resource "azurerm_role_assignment" "cluster_network" {
  for_each = local.own_cluster

  scope                = local.subnet_id
  role_definition_name = "Network Contributor"
  principal_id         = azurerm_user_assigned_identity.cluster["this"].principal_id
}

resource "azurerm_kubernetes_cluster" "this" {
  for_each = local.own_cluster

  name                      = var.name
  resource_group_name       = azurerm_resource_group.this.name
  location                  = var.region
  dns_prefix                = var.name
  kubernetes_version        = var.kubernetes_version
  sku_tier                  = var.tier
  support_plan              = var.tier == "Premium" ? "AKSLongTermSupport" : "KubernetesOfficial"
  private_cluster_enabled   = var.private_endpoint
  oidc_issuer_enabled       = true
  workload_identity_enabled = true
  # Everybody comes by Entra ID; there is no certificate to lose.
  local_account_disabled            = true
  role_based_access_control_enabled = true
  azure_policy_enabled              = true
  run_command_enabled               = false
  image_cleaner_enabled             = true
  image_cleaner_interval_hours      = 168
  automatic_upgrade_channel         = "patch"
  node_os_upgrade_channel           = "NodeImage"
  tags                              = local.tags

  azure_active_directory_role_based_access_control {
    azure_rbac_enabled     = true
    admin_group_object_ids = var.admins
    tenant_id              = data.azurerm_client_config.current.tenant_id
  }

  dynamic "api_server_access_profile" {
    for_each = var.private_endpoint ? [] : ["this"]

    content {
      authorized_ip_ranges = var.authorized_cidrs
    }
  }

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.cluster["this"].id]
  }

  kubelet_identity {
    client_id                 = azurerm_user_assigned_identity.node["this"].client_id
    object_id                 = azurerm_user_assigned_identity.node["this"].principal_id
    user_assigned_identity_id = azurerm_user_assigned_identity.node["this"].id
  }

  default_node_pool {
    name                        = local.usual_pool
    vm_size                     = local.pools[local.usual_pool].machine
    temporary_name_for_rotation = "rotation"
    max_pods                    = 110
    auto_scaling_enabled        = true
    min_count                   = local.pools[local.usual_pool].min
    max_count                   = local.pools[local.usual_pool].max
    os_disk_size_gb             = local.pools[local.usual_pool].disk_gib
    orchestrator_version        = coalesce(local.pools[local.usual_pool].kubernetes_version, var.kubernetes_version)
    vnet_subnet_id              = local.subnet_id
    zones                       = var.zones
    node_labels                 = merge(local.pools[local.usual_pool].labels, { pool = local.usual_pool, "deployer/spot" = "false" })
    tags                        = local.tags

    upgrade_settings {
      max_surge = "33%"
    }
  }

  network_profile {
    network_plugin      = "azure"
    network_plugin_mode = "overlay"
    network_data_plane  = "cilium"
    network_policy      = "cilium"
    load_balancer_sku   = "standard"
    pod_cidr            = "192.168.0.0/16"
    service_cidr        = "172.29.0.0/20"
    dns_service_ip      = "172.29.0.10"
  }

  lifecycle {
    # An autoscaler moves it.
    ignore_changes = [default_node_pool[0].node_count]
  }

  depends_on = [
    azurerm_role_assignment.cluster_network, azurerm_role_assignment.cluster_uses_node, azurerm_role_assignment.node_pulls_images,
  ]
}

resource "azurerm_management_lock" "cluster" {
  for_each = var.deletion_protection ? local.own_cluster : []

  name       = "${var.name}-cluster"
  scope      = azurerm_kubernetes_cluster.this["this"].id
  lock_level = "CanNotDelete"
  notes      = "Serves models; deletion_protection = false takes this lock away."
}

resource "azurerm_log_analytics_workspace" "this" {
  for_each = var.control_plane_logs ? local.own_cluster : []

  name                = var.name
  resource_group_name = azurerm_resource_group.this.name
  location            = var.region
  sku                 = "PerGB2018"
  retention_in_days   = var.log_retention_days
  tags                = local.tags
}

resource "azurerm_monitor_diagnostic_setting" "cluster" {
  for_each = azurerm_log_analytics_workspace.this

  name                           = "control-plane"
  target_resource_id             = azurerm_kubernetes_cluster.this["this"].id
  log_analytics_workspace_id     = each.value.id
  log_analytics_destination_type = "Dedicated"

  dynamic "enabled_log" {
    for_each = toset(["kube-apiserver", "kube-audit-admin", "kube-controller-manager", "kube-scheduler", "guard"])

    content {
      category = enabled_log.key
    }
  }
}
