terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.95, < 7"
    }
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 4.42, < 5"
    }
    google = {
      source  = "hashicorp/google"
      version = ">= 6.30, < 8"
    }
  }
}
