# Credentials come from the vendors' own chains: aws configure, gcloud auth application-default
# login, az login. State belongs in a bucket with a lock: see ../state.

provider "aws" {
  region = var.regions.aws
}

provider "google" {
  project = var.project
  region  = var.regions.gcp

  # Budgets ask whose quota a call counts against.
  billing_project       = var.project
  user_project_override = true
}

provider "azurerm" {
  subscription_id = var.subscription
  # The store takes no shared keys.
  storage_use_azuread = true

  features {}
}
