# The usual pool is the cluster's own (default_node_pool); these are the others.

resource "azurerm_kubernetes_cluster_node_pool" "this" {
  for_each = { for name, pool in local.pools : name => pool if name != local.usual_pool }

  name                        = each.key
  kubernetes_cluster_id       = azurerm_kubernetes_cluster.this["this"].id
  vm_size                     = each.value.machine
  mode                        = "User"
  temporary_name_for_rotation = "rotation"
  max_pods                    = 110
  auto_scaling_enabled        = true
  min_count                   = each.value.min
  max_count                   = each.value.max
  os_disk_size_gb             = each.value.disk_gib
  orchestrator_version        = coalesce(each.value.kubernetes_version, var.kubernetes_version)
  vnet_subnet_id              = local.subnet_id
  zones                       = var.zones
  priority                    = each.value.spot ? "Spot" : "Regular"
  eviction_policy             = each.value.spot ? "Delete" : null
  # Up to the on-demand price.
  spot_max_price = each.value.spot ? -1 : null
  gpu_driver     = each.value.gpus > 0 ? "Install" : null
  node_labels    = merge(each.value.labels, { pool = each.key, "deployer/spot" = tostring(each.value.spot) })
  node_taints = concat(
    each.value.gpus > 0 ? ["nvidia.com/gpu=present:NoSchedule"] : [],
    # AKS sets this one and its label on spot nodes by itself; left out, each plan would remove it.
    each.value.spot ? ["kubernetes.azure.com/scalesetpriority=spot:NoSchedule"] : [],
  )
  tags = local.tags

  # Spot nodes have no surge.
  dynamic "upgrade_settings" {
    for_each = each.value.spot ? [] : ["this"]

    content {
      max_surge = "33%"
    }
  }

  lifecycle {
    ignore_changes = [node_count, node_labels["kubernetes.azure.com/scalesetpriority"]]
  }
}
