# What differs from the other clouds: regions, defaults, and the variables only AWS has.

locals {
  cloud                 = "AWS"
  default_cidr          = "10.10.0.0/16"
  default_machine       = "m6i.large"
  needs_billing_account = false
  needs_resource_group  = false

  # Regions that have EKS, zones of three, and all that this module uses.
  regions = [
    "af-south-1", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
    "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4",
    "ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1",
    "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1", "me-central-1",
    "me-south-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-2",
  ]

  admin_pattern    = "^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/.+$"
  admin_words      = "ARNs of IAM roles or users, such as arn:aws:iam::111122223333:role/ops"
  deployer_pattern = "^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/.+$"
  deployer_words   = "ARNs of IAM roles or users, such as arn:aws:iam::111122223333:role/ci"
}

variable "existing_network" {
  description = "A VPC that is there already, with private subnets in at least two zones that reach the internet or the endpoints they need."
  type        = object({ vpc_id = string, subnet_ids = list(string) })
  default     = null

  validation {
    condition     = var.existing_network == null || try(length(var.existing_network.subnet_ids) >= 2, false)
    error_message = "existing_network: EKS needs subnets in at least two zones."
  }
}

variable "nat" {
  description = "How private subnets reach the internet: a NAT gateway per zone, or one for all, which is cheaper and falls with its zone."
  type        = string
  default     = "per-zone"

  validation {
    condition     = contains(["per-zone", "one"], var.nat)
    error_message = "nat: per-zone or one."
  }
}

variable "pod_identity" {
  description = "How pods get their role: EKS Pod Identity, or IRSA for clusters without its agent."
  type        = string
  default     = "pod-identity"

  validation {
    condition     = contains(["pod-identity", "irsa"], var.pod_identity)
    error_message = "pod_identity: pod-identity or irsa."
  }
}
