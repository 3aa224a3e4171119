data "google_container_cluster" "existing" {
  count = local.new_cluster ? 0 : 1

  project  = var.project
  name     = var.existing_cluster.name
  location = local.location
}

resource "google_container_cluster" "this" {
  for_each = local.own_cluster

  project             = var.project
  name                = var.name
  location            = local.location
  node_locations      = length(var.zones) > 1 ? var.zones : null
  min_master_version  = var.kubernetes_version
  deletion_protection = var.deletion_protection
  resource_labels     = local.tags

  # Null where autopilot decides.
  enable_autopilot            = var.mode == "autopilot" ? true : null
  initial_node_count          = local.standard ? 1 : null
  remove_default_node_pool    = local.standard ? true : null
  datapath_provider           = local.standard ? "ADVANCED_DATAPATH" : null
  enable_shielded_nodes       = local.standard ? true : null
  enable_intranode_visibility = local.standard ? true : null

  networking_mode = "VPC_NATIVE"
  network         = local.network.network
  subnetwork      = local.network.subnetwork

  ip_allocation_policy {
    cluster_secondary_range_name  = local.network.pods_range
    services_secondary_range_name = local.network.services_range
  }

  private_cluster_config {
    enable_private_nodes    = true
    enable_private_endpoint = var.private_endpoint
  }

  master_authorized_networks_config {
    dynamic "cidr_blocks" {
      for_each = var.private_endpoint ? [local.cidr] : var.authorized_cidrs

      content {
        cidr_block = cidr_blocks.value
      }
    }
  }

  master_auth {
    client_certificate_config {
      issue_client_certificate = false
    }
  }

  release_channel {
    channel = var.release_channel
  }

  workload_identity_config {
    workload_pool = "${var.project}.svc.id.goog"
  }

  database_encryption {
    state    = "ENCRYPTED"
    key_name = google_kms_crypto_key.cluster["this"].id
  }

  gateway_api_config {
    channel = "CHANNEL_STANDARD"
  }

  cost_management_config {
    enabled = true
  }

  dynamic "logging_config" {
    for_each = local.standard ? ["this"] : []

    content {
      enable_components = concat(
        ["SYSTEM_COMPONENTS", "WORKLOADS"],
        var.control_plane_logs ? ["APISERVER", "CONTROLLER_MANAGER", "SCHEDULER"] : [],
      )
    }
  }

  # Autopilot's nodes, and the pool that is made and removed at once in standard mode.
  dynamic "cluster_autoscaling" {
    for_each = var.mode == "autopilot" ? ["this"] : []

    content {
      auto_provisioning_defaults {
        service_account   = google_service_account.node["this"].email
        oauth_scopes      = ["https://www.googleapis.com/auth/cloud-platform"]
        boot_disk_kms_key = google_kms_crypto_key.cluster["this"].id
      }
    }
  }

  dynamic "node_config" {
    for_each = local.standard ? ["this"] : []

    content {
      service_account   = google_service_account.node["this"].email
      boot_disk_kms_key = google_kms_crypto_key.cluster["this"].id
      oauth_scopes      = ["https://www.googleapis.com/auth/cloud-platform"]

      shielded_instance_config {
        enable_integrity_monitoring = true
        enable_secure_boot          = true
      }

      workload_metadata_config {
        mode = "GKE_METADATA"
      }
    }
  }

  lifecycle {
    # Of the pool that was removed at once.
    ignore_changes = [initial_node_count, node_config]
  }

  depends_on = [google_kms_crypto_key_iam_member.cluster, google_project_iam_member.node]
}
