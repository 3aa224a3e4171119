# What differs from the other clouds: regions, defaults, and the variables only Google Cloud has.

locals {
  cloud                 = "Google Cloud"
  default_cidr          = "10.20.0.0/16"
  default_machine       = "e2-standard-2"
  needs_billing_account = true
  needs_resource_group  = false

  regions = [
    "africa-south1", "asia-east1", "asia-east2", "asia-northeast1", "asia-northeast2",
    "asia-northeast3", "asia-south1", "asia-south2", "asia-southeast1", "asia-southeast2",
    "australia-southeast1", "australia-southeast2", "europe-central2", "europe-north1",
    "europe-southwest1", "europe-west1", "europe-west10", "europe-west12", "europe-west2",
    "europe-west3", "europe-west4", "europe-west6", "europe-west8", "europe-west9", "me-central1",
    "me-central2", "me-west1", "northamerica-northeast1", "northamerica-northeast2",
    "southamerica-east1", "southamerica-west1", "us-central1", "us-east1", "us-east4", "us-east5",
    "us-south1", "us-west1", "us-west2", "us-west3", "us-west4",
  ]

  admin_pattern    = "^(user|group|serviceAccount):[^@ ]+@[^@ ]+$"
  admin_words      = "members such as group:ops@example.com"
  deployer_pattern = "^((user|group|serviceAccount):[^@ ]+@[^@ ]+|principal(Set)?://iam[.]googleapis[.]com/.+)$"
  deployer_words   = "members such as serviceAccount:ci@project.iam.gserviceaccount.com or principalSet://iam.googleapis.com/…"

  # What a node has to be given to get the GPUs of its machine type (Compute Engine, "GPU machine
  # types"); an N1 machine gets T4s.
  accelerators = {
    g2-standard = "nvidia-l4"
    a2-highgpu  = "nvidia-tesla-a100"
    a2-ultragpu = "nvidia-a100-80gb"
    a3-highgpu  = "nvidia-h100-80gb"
    a3-megagpu  = "nvidia-h100-mega-80gb"
    a3-ultragpu = "nvidia-h200-141gb"
    n1-standard = "nvidia-tesla-t4"
    n1-highmem  = "nvidia-tesla-t4"
    n1-highcpu  = "nvidia-tesla-t4"
    g4-standard = "nvidia-rtx-pro-6000"
    a4-highgpu  = "nvidia-b200"
  }
}

variable "project" {
  description = "The project's id; it exists, and billing is on."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project: a project's id: 6 to 30 lower-case letters, digits and dashes."
  }
}

variable "existing_network" {
  description = "A VPC-native network that is there already: names of the network, a subnetwork in the region and its secondary ranges for pods and Services."
  type        = object({ network = string, subnetwork = string, pods_range = string, services_range = string })
  default     = null
}

variable "mode" {
  description = "standard: node pools of yours. autopilot: Google runs the nodes and bills what pods ask for; node_pools then only says which machine prices are compared with."
  type        = string
  default     = "standard"

  validation {
    condition     = contains(["standard", "autopilot"], var.mode)
    error_message = "mode: standard or autopilot."
  }
  validation {
    condition     = var.mode == "standard" || length(var.node_pools) == 1
    error_message = "mode: autopilot makes its own nodes; leave node_pools as it is."
  }
}

variable "release_channel" {
  description = "How soon GKE upgrades the cluster."
  type        = string
  default     = "REGULAR"

  validation {
    condition     = contains(["RAPID", "REGULAR", "STABLE", "EXTENDED"], var.release_channel)
    error_message = "release_channel: RAPID, REGULAR, STABLE or EXTENDED."
  }
}

variable "zones" {
  description = "The zones of the nodes, three of the region's when empty. One zone makes a zonal cluster: cheaper, and down with its zone."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for zone in var.zones : startswith(zone, "${var.region}-")])
    error_message = "zones: each is in ${var.region}, such as ${var.region}-b."
  }
}
