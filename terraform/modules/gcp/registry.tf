resource "google_artifact_registry_repository" "this" {
  for_each = local.own_cluster

  project       = var.project
  location      = var.region
  repository_id = var.name
  description   = "${var.name}: the image that pulls models, and those of model servers"
  format        = "DOCKER"
  labels        = local.tags

  docker_config {
    immutable_tags = true
  }

  cleanup_policies {
    id     = "untagged"
    action = "DELETE"

    condition {
      tag_state  = "UNTAGGED"
      older_than = "1209600s" # 14 days
    }
  }

  depends_on = [google_project_service.this]
}

resource "google_artifact_registry_repository_iam_member" "node" {
  for_each = local.own_cluster

  project    = var.project
  location   = var.region
  repository = google_artifact_registry_repository.this["this"].name
  role       = "roles/artifactregistry.reader"
  member     = "serviceAccount:${google_service_account.node["this"].email}"
}
