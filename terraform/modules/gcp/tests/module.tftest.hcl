# What the module makes of its variables; no account, no network.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
  mock_data "google_storage_project_service_account" {
    defaults = { email_address = "gs@example.iam.gserviceaccount.com" }
  }
  mock_data "google_container_cluster" {
    defaults = {
      endpoint       = "192.0.2.1"
      master_version = "1.35.1"
    }
  }
}

variables {
  name             = "models"
  project          = "acme-prod"
  region           = "us-central1"
  authorized_cidrs = ["203.0.113.0/24"]
}

run "defaults" {
  command = plan

  assert {
    condition     = google_storage_bucket.store.name == "models-models-acme-prod" && !google_storage_bucket.store.force_destroy
    error_message = "The bucket is called after the project, and is kept."
  }
  assert {
    condition     = google_container_cluster.this["this"].location == "us-central1" && google_container_cluster.this["this"].deletion_protection
    error_message = "The cluster is regional and protected."
  }
  assert {
    condition     = output.target.cluster.gke == "models" && output.target.machine == "e2-standard-2" && output.store_url == "gs://models-models-acme-prod"
    error_message = "The target is what deployer.yaml needs."
  }
  assert {
    condition     = google_storage_bucket_iam_member.pull["model"].member == "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme-prod.svc.id.goog/subject/ns/default/sa/model"
    error_message = "The pods' own account reads, no other stands between."
  }
  assert {
    condition     = length(google_billing_budget.this) == 0 && !contains(keys(google_project_service.this), "billingbudgets")
    error_message = "No budget unless asked for."
  }
}

run "autopilot_has_no_pools" {
  command = plan

  variables {
    mode = "autopilot"
  }

  assert {
    condition     = google_container_cluster.this["this"].enable_autopilot == true && length(google_container_node_pool.this) == 0 && length(output.node_pools) == 0
    error_message = "Google runs the nodes."
  }
}

run "gpus_get_their_accelerator_and_driver" {
  command = plan

  variables {
    node_pools = {
      general = {}
      gpu     = { machine = "g2-standard-4", min = 0, gpus = 1 }
      gpuspot = { machine = "g2-standard-4", min = 0, gpus = 1, spot = true }
    }
  }

  assert {
    condition     = google_container_node_pool.this["gpu"].node_config[0].guest_accelerator[0].type == "nvidia-l4"
    error_message = "A G2 machine has L4s."
  }
  assert {
    condition     = google_container_node_pool.this["gpuspot"].node_config[0].spot == true && length(google_container_node_pool.this["gpuspot"].node_config[0].taint) == 2
    error_message = "GPU and spot nodes keep others away."
  }
}

run "one_zone_and_a_budget" {
  command = plan

  variables {
    zones  = ["us-central1-b"]
    budget = { monthly = 500, emails = ["ops@example.com"], billing_account = "012345-6789AB-CDEF01" }
  }

  assert {
    condition     = google_container_cluster.this["this"].location == "us-central1-b" && google_container_node_pool.this["general"].location == "us-central1-b"
    error_message = "One zone makes a zonal cluster."
  }
  assert {
    condition     = length(google_billing_budget.this["this"].threshold_rules) == 4 && length(google_monitoring_notification_channel.email) == 1
    error_message = "The budget warns four times."
  }
}

run "existing_cluster" {
  command = plan

  variables {
    existing_cluster = { name = "prod" }
    authorized_cidrs = []
  }

  assert {
    condition     = length(google_container_cluster.this) == 0 && length(google_compute_network.this) == 0 && length(google_artifact_registry_repository.this) == 0
    error_message = "Only the store and the identities are made."
  }
  assert {
    condition     = output.target.cluster.gke == "prod" && output.registry == null
    error_message = "The cluster that is there is the target."
  }
}

run "a_zone_of_another_region" {
  command = plan
  variables { zones = ["europe-west1-b"] }
  expect_failures = [var.zones]
}

run "autopilot_with_pools" {
  command = plan
  variables {
    mode       = "autopilot"
    node_pools = { general = {}, more = {} }
  }
  expect_failures = [var.mode]
}
