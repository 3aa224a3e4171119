# A VPC-native network: nodes, pods and Services have ranges of their own, none overlaps.

resource "google_compute_network" "this" {
  for_each = local.new_network ? local.own_cluster : []

  project                 = var.project
  name                    = var.name
  auto_create_subnetworks = false
  routing_mode            = "REGIONAL"

  depends_on = [google_project_service.this]
}

resource "google_compute_subnetwork" "this" {
  for_each = google_compute_network.this

  project       = var.project
  name          = var.name
  region        = var.region
  network       = each.value.id
  ip_cidr_range = cidrsubnet(local.cidr, 4, 0)
  # Models come from Cloud Storage: by this way they cross no NAT, which would charge per GB.
  private_ip_google_access = true

  secondary_ip_range {
    range_name    = "pods"
    ip_cidr_range = cidrsubnet(local.cidr, 1, 1)
  }

  secondary_ip_range {
    range_name    = "services"
    ip_cidr_range = cidrsubnet(local.cidr, 4, 1)
  }

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.1
    metadata             = "INCLUDE_ALL_METADATA"
  }
}

resource "google_compute_router" "this" {
  for_each = google_compute_network.this

  project = var.project
  name    = var.name
  region  = var.region
  network = each.value.id
}

resource "google_compute_router_nat" "this" {
  for_each = google_compute_router.this

  project                            = var.project
  name                               = var.name
  region                             = var.region
  router                             = each.value.name
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "ALL_SUBNETWORKS_ALL_IP_RANGES"

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}

locals {
  network = local.new_network ? {
    network        = google_compute_network.this["this"].id
    subnetwork     = google_compute_subnetwork.this["this"].id
    pods_range     = "pods"
    services_range = "services"
  } : var.existing_network
}
