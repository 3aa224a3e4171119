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
  description = "Where the clusters are."
  type        = object({ aws = string, gcp = string, azure = string })
}

variable "clusters" {
  description = "The clusters' names, and the resource group of Azure's."
  type        = object({ aws = string, gcp = string, azure = object({ name = string, resource_group = string }) })
}

variable "deployments" {
  description = "The deployments (name: in deployer.yaml) whose pods may pull models."
  type        = set(string)
  default     = ["model"]
}

variable "namespace" {
  description = "The namespace that models are served in."
  type        = string
  default     = "default"
}
