# Terraform's state in Blob Storage, which locks with a lease: copy it into an environment. The
# account is made once, by hand, with versioning on; Entra ID instead of its keys.
terraform {
  required_version = ">= 1.9"

  backend "azurerm" {
    storage_account_name = "exampleterraformstate"
    container_name       = "state"
    key                  = "deployer/terraform.tfstate"
    use_azuread_auth     = true
  }
}
