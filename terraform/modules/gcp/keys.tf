# Customer-managed keys: one for the store, one for the cluster's secrets and nodes' disks.
# A key ring can never be deleted: to apply again
# after a destroy, import it (README).

resource "google_kms_key_ring" "this" {
  project  = var.project
  name     = var.name
  location = var.region

  depends_on = [google_project_service.this]
}

resource "google_kms_crypto_key" "store" {
  name            = "store"
  key_ring        = google_kms_key_ring.this.id
  rotation_period = "7776000s" # 90 days
  labels          = local.tags
}

resource "google_kms_crypto_key" "cluster" {
  for_each = local.own_cluster

  name            = "cluster"
  key_ring        = google_kms_key_ring.this.id
  rotation_period = "7776000s"
  labels          = local.tags
}

data "google_storage_project_service_account" "this" {
  project = var.project

  depends_on = [google_project_service.this]
}

resource "google_kms_crypto_key_iam_member" "store" {
  crypto_key_id = google_kms_crypto_key.store.id
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = "serviceAccount:${data.google_storage_project_service_account.this.email_address}"
}

# Google's own agents for disks and clusters.
resource "google_kms_crypto_key_iam_member" "cluster" {
  for_each = local.new_cluster ? {
    compute = "compute-system"
    cluster = "container-engine-robot"
  } : {}

  crypto_key_id = google_kms_crypto_key.cluster["this"].id
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = "serviceAccount:service-${local.number}@${each.value}.iam.gserviceaccount.com"

  depends_on = [google_project_service.this]
}
