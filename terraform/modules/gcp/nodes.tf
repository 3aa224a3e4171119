# Nodes have an account of their own, which may write logs and metrics and pull images.

resource "google_service_account" "node" {
  for_each = local.own_cluster

  project      = var.project
  account_id   = "${var.name}-node"
  display_name = "${var.name}: nodes"

  depends_on = [google_project_service.this]
}

resource "google_project_iam_member" "node" {
  for_each = local.own_cluster

  project = var.project
  role    = "roles/container.defaultNodeServiceAccount"
  member  = "serviceAccount:${google_service_account.node["this"].email}"
}

resource "google_container_node_pool" "this" {
  for_each = local.standard ? local.pools : {}

  project  = var.project
  name     = each.key
  cluster  = google_container_cluster.this["this"].id
  location = local.location
  version  = each.value.kubernetes_version

  # Of the whole pool; a plain min_node_count would be per zone.
  autoscaling {
    total_min_node_count = each.value.min
    total_max_node_count = each.value.max
    location_policy      = each.value.spot ? "ANY" : "BALANCED"
  }

  management {
    auto_repair  = true
    auto_upgrade = true
  }

  upgrade_settings {
    max_surge       = 1
    max_unavailable = 0
  }

  node_config {
    machine_type      = each.value.machine
    spot              = each.value.spot
    image_type        = "COS_CONTAINERD"
    disk_size_gb      = each.value.disk_gib
    disk_type         = "pd-balanced"
    boot_disk_kms_key = google_kms_crypto_key.cluster["this"].id
    service_account   = google_service_account.node["this"].email
    oauth_scopes      = ["https://www.googleapis.com/auth/cloud-platform"]
    labels            = merge(each.value.labels, { pool = each.key, "deployer/spot" = tostring(each.value.spot) })
    resource_labels   = local.tags
    metadata          = { disable-legacy-endpoints = "true" }

    shielded_instance_config {
      enable_integrity_monitoring = true
      enable_secure_boot          = true
    }

    workload_metadata_config {
      mode = "GKE_METADATA"
    }

    dynamic "guest_accelerator" {
      for_each = each.value.gpus > 0 ? ["this"] : []

      content {
        type  = local.accelerators[join("-", slice(split("-", each.value.machine), 0, 2))]
        count = each.value.gpus

        gpu_driver_installation_config {
          gpu_driver_version = "DEFAULT"
        }
      }
    }

    dynamic "taint" {
      for_each = concat(
        each.value.gpus > 0 ? [{ key = "nvidia.com/gpu", value = "present" }] : [],
        each.value.spot ? [{ key = "deployer/spot", value = "true" }] : [],
      )

      content {
        key    = taint.value.key
        value  = taint.value.value
        effect = "NO_SCHEDULE"
      }
    }
  }

  lifecycle {
    # The release channel moves it on.
    ignore_changes = [version]

    precondition {
      condition     = each.value.gpus == 0 || contains(keys(local.accelerators), try(join("-", slice(split("-", each.value.machine), 0, 2)), ""))
      error_message = "node_pools: ${each.value.machine} carries no GPUs that this module knows; it knows ${join(", ", keys(local.accelerators))}."
    }
  }
}
