variable "name" {
  description = "What everything is called after, on every cloud."
  type        = string
  default     = "models"
}

variable "project" {
  description = "Google Cloud's project."
  type        = string
}

variable "subscription" {
  description = "Azure's subscription id."
  type        = string
}

variable "regions" {
  description = "Where, on each cloud."
  type        = object({ aws = string, gcp = string, azure = string })
  default     = { aws = "us-east-1", gcp = "us-central1", azure = "eastus" }
}

variable "cidrs" {
  description = "Each network's addresses; they must not overlap, so that the networks can be peered."
  type        = object({ aws = string, gcp = string, azure = string })
  default     = { aws = "10.10.0.0/16", gcp = "10.20.0.0/16", azure = "10.30.0.0/16" }
}

variable "authorized_cidrs" {
  description = "Who may reach the control planes: the addresses of your office, your CI."
  type        = list(string)
}

variable "deployments" {
  description = "The deployments (name: in deployer.yaml) whose pods may pull models."
  type        = set(string)
  default     = ["model"]
}

variable "budget" {
  description = "What a month may cost on each cloud, and who is told; billing_account is Google Cloud's."
  type        = object({ monthly = number, emails = list(string), billing_account = string })
  default     = null
}

variable "tags" {
  description = "Tags (labels) for everything."
  type        = map(string)
  default     = {}
}
