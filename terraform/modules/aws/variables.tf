# The variables that mean the same on every cloud. This file is the same in all three modules, and a
# test keeps it so; what differs is in cloud.tf. Where several clouds limit a thing, the shortest
# limit holds for all of them: what is right for one cloud can then be copied to the next.

variable "name" {
  description = "What everything is called after: clusters, buckets, identities. Names that must be unique in the world get the account's own number or a hash behind it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,16}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "name: 3 to 18 lower-case letters, digits and single dashes, a letter first and no dash last. Azure's storage accounts set the length: 24 characters, of which a hash takes 6."
  }
}

variable "region" {
  description = "The cloud's region, by the name its API uses."
  type        = string

  validation {
    condition     = contains(local.regions, var.region)
    error_message = "region: ${local.cloud} has no region ${var.region} that this module knows; it knows ${join(", ", local.regions)}."
  }
}

variable "tags" {
  description = "Tags (labels) for everything that can carry some, besides our own two."
  type        = map(string)
  default     = {}

  validation {
    condition = length(var.tags) <= 13 && alltrue([
      for key, value in var.tags : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))
    ])
    error_message = "tags: at most 13; keys of lower-case letters, digits, _ and -, a letter first, at most 63 characters; values of the same characters. Google Cloud's labels allow no more, and Azure's smallest resources hold 15."
  }
  validation {
    condition     = length(setintersection(keys(var.tags), ["deployer", "managed-by"])) == 0
    error_message = "tags: deployer and managed-by are set by the module."
  }
}

variable "kubernetes_version" {
  description = "The control plane's minor version, such as 1.35."
  type        = string
  default     = "1.35"

  validation {
    condition     = can(regex("^1\\.(3[3-9]|4[0-9])$", var.kubernetes_version))
    error_message = "kubernetes_version: a minor version such as 1.35, without a patch, and 1.33 or newer: the clouds stop supporting older ones, or charge for it."
  }
}

variable "node_pools" {
  description = "Groups of equal nodes by name. Counts are of the whole pool, not per zone. Without a machine it is the module's usual one; kubernetes_version is the control plane's unless a pool lags behind on purpose."
  type = map(object({
    machine            = optional(string)
    min                = optional(number, 1)
    max                = optional(number, 3)
    spot               = optional(bool, false)
    gpus               = optional(number, 0)
    disk_gib           = optional(number, 100)
    kubernetes_version = optional(string)
    labels             = optional(map(string), {})
  }))
  default = { general = {} }

  validation {
    condition     = alltrue([for name in keys(var.node_pools) : can(regex("^[a-z][a-z0-9]{0,11}$", name))])
    error_message = "node_pools: a pool's name is 1 to 12 lower-case letters and digits, a letter first. AKS allows no more."
  }
  validation {
    condition     = alltrue([for pool in values(var.node_pools) : pool.min >= 0 && pool.max >= 1 && pool.min <= pool.max && pool.max <= 1000 && floor(pool.min) == pool.min && floor(pool.max) == pool.max])
    error_message = "node_pools: min and max are whole numbers with 0 <= min <= max, and max from 1 to 1000."
  }
  validation {
    condition     = alltrue([for pool in values(var.node_pools) : pool.disk_gib >= 30 && pool.disk_gib <= 2048])
    error_message = "node_pools: disk_gib is from 30 to 2048; the images alone take about 20."
  }
  validation {
    condition     = alltrue([for pool in values(var.node_pools) : pool.gpus >= 0 && pool.gpus <= 16])
    error_message = "node_pools: gpus is how many GPUs one node has: 0 to 16."
  }
  validation {
    condition     = anytrue([for pool in values(var.node_pools) : !pool.spot && pool.gpus == 0 && pool.min >= 1])
    error_message = "node_pools: at least one pool has to be on demand, without GPUs and with min 1 or more. The cluster's own pods run there, and on AKS it is the system pool."
  }
  validation {
    condition = alltrue([
      for pool in values(var.node_pools) : !pool.spot || anytrue([for other in values(var.node_pools) : !other.spot && (other.gpus > 0) == (pool.gpus > 0)])
    ])
    error_message = "node_pools: a spot pool needs an on-demand pool of the same kind (with or without GPUs) to fall back to; with min = 0 it costs nothing until it is needed."
  }
  validation {
    condition = alltrue([
      for pool in values(var.node_pools) : pool.kubernetes_version == null || (
        can(regex("^1\\.[0-9]{2}$", pool.kubernetes_version)) &&
        try(tonumber(split(".", var.kubernetes_version)[1]) - tonumber(split(".", pool.kubernetes_version)[1]), -1) >= 0 &&
        try(tonumber(split(".", var.kubernetes_version)[1]) - tonumber(split(".", pool.kubernetes_version)[1]), 99) <= 3
      )
    ])
    error_message = "node_pools: a pool's kubernetes_version is not newer than the control plane's (${var.kubernetes_version}) and at most three minor versions older: Kubernetes supports no other skew."
  }
  validation {
    condition = var.allow_unlisted_machines || alltrue([
      for pool in values(var.node_pools) : pool.machine == null || !contains(local.gpu_regions, var.region) || contains(lookup(local.gpu_machines, coalesce(pool.machine, "-"), [var.region]), var.region)
    ])
    error_message = "node_pools: by the price book a GPU machine is not offered in ${var.region}: ${join("; ", [for pool in values(var.node_pools) : "${coalesce(pool.machine, "-")} is in ${join(", ", lookup(local.gpu_machines, coalesce(pool.machine, "-"), []))}" if contains(keys(local.gpu_machines), coalesce(pool.machine, "-"))])}. Take another region or machine, or set allow_unlisted_machines = true if you know better."
  }
  validation {
    condition     = alltrue([for pool in values(var.node_pools) : pool.gpus > 0 || !contains(keys(local.gpu_machines), coalesce(pool.machine, "-"))])
    error_message = "node_pools: a machine with GPUs needs gpus, the number one node has; without it no driver is installed and nothing keeps other pods away."
  }
}

variable "allow_unlisted_machines" {
  description = "Take GPU machines in regions where the price book does not know them."
  type        = bool
  default     = false
}

variable "cidr" {
  description = "The network's addresses. Each cloud has a default of its own, and they do not overlap."
  type        = string
  default     = null

  validation {
    condition     = var.cidr == null || (can(cidrhost(var.cidr, 0)) && can(regex("/(16|17|18)$", var.cidr)))
    error_message = "cidr: an IPv4 range such as 10.10.0.0/16, from /16 to /18: pods get addresses of their own."
  }
  validation {
    condition     = var.cidr == null || try(cidrhost(var.cidr, 0) == split("/", var.cidr)[0], false)
    error_message = "cidr: the address has bits behind its prefix; write ${try(cidrsubnet(var.cidr, 0, 0), "the network's own address")}."
  }
}

variable "other_cidrs" {
  description = "Addresses in use elsewhere, such as the other clouds' networks: this one must not overlap them, or the two can never be peered."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for other in var.other_cidrs : can(cidrhost(other, 0))])
    error_message = "other_cidrs: each is an IPv4 range such as 10.20.0.0/16."
  }
  validation {
    condition = alltrue([
      for other in var.other_cidrs : try(
        cidrhost("${split("/", other)[0]}/${min(tonumber(split("/", other)[1]), tonumber(split("/", coalesce(var.cidr, local.default_cidr))[1]))}", 0) !=
        cidrhost("${split("/", coalesce(var.cidr, local.default_cidr))[0]}/${min(tonumber(split("/", other)[1]), tonumber(split("/", coalesce(var.cidr, local.default_cidr))[1]))}", 0),
        true
      )
    ])
    error_message = "other_cidrs: ${coalesce(var.cidr, local.default_cidr)} overlaps one of ${join(", ", var.other_cidrs)}."
  }
}

variable "private_endpoint" {
  description = "The control plane answers inside the network alone. Whoever deploys must then be inside, too."
  type        = bool
  default     = false
}

variable "authorized_cidrs" {
  description = "Who may reach a public control plane: the addresses of your office, your CI."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for range in var.authorized_cidrs : can(cidrhost(range, 0)) && can(regex("/([89]|[12][0-9]|3[0-2])$", range))])
    error_message = "authorized_cidrs: each is an IPv4 range of /8 or smaller; 0.0.0.0/0 would let everybody in."
  }
  validation {
    condition     = length(var.authorized_cidrs) > 0 || var.private_endpoint || var.existing_cluster != null
    error_message = "authorized_cidrs: say who may reach the control plane, or set private_endpoint = true."
  }
}

variable "admins" {
  description = "Who administers the cluster: ARNs of IAM principals on AWS, members such as group:ops@example.com on Google Cloud, object ids of Entra groups on Azure."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for admin in var.admins : can(regex(local.admin_pattern, admin))])
    error_message = "admins: expected ${local.admin_words}."
  }
}

variable "deployers" {
  description = "Who may deploy, besides the admins: ARNs of IAM principals that may assume the deploying role on AWS, members that may impersonate the deploying service account on Google Cloud, object ids of Entra principals on Azure."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for deployer in var.deployers : can(regex(local.deployer_pattern, deployer))])
    error_message = "deployers: expected ${local.deployer_words}."
  }
}

variable "namespace" {
  description = "The Kubernetes namespace that models are served in."
  type        = string
  default     = "default"

  validation {
    condition     = can(regex("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", var.namespace)) && !startswith(var.namespace, "kube-")
    error_message = "namespace: lower-case letters, digits and dashes, at most 63 characters, and none of the cluster's own (kube-…)."
  }
}

variable "deployments" {
  description = "The names of the deployments (name: in deployer.yaml) whose pods may pull models from the store: their ServiceAccounts are called this."
  type        = set(string)
  default     = ["model"]

  validation {
    condition     = length(var.deployments) > 0 && length(var.deployments) <= 20 && alltrue([for deployment in var.deployments : can(regex("^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$", deployment))])
    error_message = "deployments: 1 to 20 names of lower-case letters, digits and dashes, a letter first, at most 40 characters. Azure's identities hold 20 federated credentials."
  }
}

variable "existing_cluster" {
  description = "A cluster that is there already: no network, cluster, registry or node is made then, only the store and the identities. resource_group is Azure's."
  type        = object({ name = string, resource_group = optional(string) })
  default     = null

  validation {
    condition     = var.existing_cluster == null || !local.needs_resource_group || try(var.existing_cluster.resource_group != null, false)
    error_message = "existing_cluster: an AKS cluster is found by its name and its resource_group."
  }
}

variable "control_plane_logs" {
  description = "Keep the control plane's logs, the audit log among them."
  type        = bool
  default     = true
}

variable "log_retention_days" {
  description = "How long logs are kept, where we keep them."
  type        = number
  default     = 90

  validation {
    condition     = contains([30, 60, 90, 120, 180, 365], var.log_retention_days)
    error_message = "log_retention_days: one of 30, 60, 90, 120, 180, 365."
  }
}

variable "deletion_protection" {
  description = "Refuse to destroy the cluster, where the cloud can refuse: see the README."
  type        = bool
  default     = true
}

variable "force_destroy" {
  description = "Let `terraform destroy` take the store with all models and all state in it. Without it a store that holds anything stays."
  type        = bool
  default     = false
}

variable "retention_days" {
  description = "How long the store keeps what was deleted or overwritten."
  type        = number
  default     = 30

  validation {
    condition     = var.retention_days >= 7 && var.retention_days <= 90 && floor(var.retention_days) == var.retention_days
    error_message = "retention_days: 7 to 90 whole days; Cloud Storage keeps soft-deleted objects no shorter and no longer."
  }
}

variable "budget" {
  description = "What a month may cost in the currency of the bill, and who is told at 50, 80 and 100 percent and when it is forecast to be exceeded. billing_account is Google Cloud's."
  type        = object({ monthly = number, emails = list(string), billing_account = optional(string) })
  default     = null

  validation {
    condition     = var.budget == null || try(var.budget.monthly > 0 && length(var.budget.emails) > 0 && alltrue([for email in var.budget.emails : can(regex("^[^@ ]+@[^@ ]+[.][^@ ]+$", email))]), false)
    error_message = "budget: monthly is above 0, and emails names at least one address."
  }
  validation {
    condition     = var.budget == null || !local.needs_billing_account || try(can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.budget.billing_account)), false)
    error_message = "budget: Google Cloud's budgets belong to a billing account: billing_account = \"012345-6789AB-CDEF01\"."
  }
}
