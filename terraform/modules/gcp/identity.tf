# Two identities: `pull` reads models and nothing else; `deploy` writes the store and what a release
# is made of in the cluster. What each may do is in policies/.

locals {
  pull   = jsondecode(file("${path.module}/policies/pull.json"))
  deploy = jsondecode(file("${path.module}/policies/deploy.json"))
  # Role ids take letters, digits, _ and dots.
  role_name = replace(var.name, "-", "_")
  # Workload Identity Federation: Kubernetes' own accounts are members, no account stands between.
  pods = "principal://iam.googleapis.com/projects/${local.number}/locations/global/workloadIdentityPools/${var.project}.svc.id.goog/subject/ns/${var.namespace}/sa"
}

resource "google_project_iam_custom_role" "pull" {
  project     = var.project
  role_id     = "${local.role_name}_pull"
  title       = local.pull.title
  description = local.pull.description
  permissions = local.pull.store
}

resource "google_storage_bucket_iam_member" "pull" {
  for_each = var.deployments

  bucket = google_storage_bucket.store.name
  role   = google_project_iam_custom_role.pull.id
  member = "${local.pods}/${each.key}"

  condition {
    title      = "models"
    expression = "resource.type == 'storage.googleapis.com/Bucket' || resource.name.startsWith('projects/_/buckets/${google_storage_bucket.store.name}/objects/artifacts/')"
  }
}

resource "google_service_account" "deploy" {
  project      = var.project
  account_id   = "${var.name}-deploy"
  display_name = local.deploy.title

  depends_on = [google_project_service.this]
}

resource "google_project_iam_custom_role" "deploy_store" {
  project     = var.project
  role_id     = "${local.role_name}_deploy_store"
  title       = "${local.deploy.title}: the store"
  description = local.deploy.description
  permissions = local.deploy.store
}

resource "google_project_iam_custom_role" "deploy_cluster" {
  project     = var.project
  role_id     = "${local.role_name}_deploy_cluster"
  title       = "${local.deploy.title}: the cluster"
  description = local.deploy.description
  permissions = local.deploy.cluster
}

resource "google_storage_bucket_iam_member" "deploy" {
  bucket = google_storage_bucket.store.name
  role   = google_project_iam_custom_role.deploy_store.id
  member = "serviceAccount:${google_service_account.deploy.email}"
}

resource "google_project_iam_member" "deploy" {
  project = var.project
  role    = google_project_iam_custom_role.deploy_cluster.id
  member  = "serviceAccount:${google_service_account.deploy.email}"
}

resource "google_service_account_iam_member" "deploy" {
  for_each = toset(var.deployers)

  service_account_id = google_service_account.deploy.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = each.key
}

resource "google_project_iam_member" "admin" {
  for_each = toset(local.new_cluster ? var.admins : [])

  project = var.project
  role    = "roles/container.admin"
  member  = each.key
}
