output "targets" {
  description = "For `terraform output -json > terraform.json` and `deployer init --from-terraform terraform.json`."
  value       = [module.aws.target, module.gcp.target, module.azure.target]
}

output "deployers" {
  description = "The identities that deploy, by target."
  value = {
    (module.aws.target.name)   = module.aws.identity.deploy
    (module.gcp.target.name)   = module.gcp.identity.deploy
    (module.azure.target.name) = module.azure.identity.deploy
  }
}
