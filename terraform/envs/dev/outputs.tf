output "targets" {
  description = "For `terraform output -json > terraform.json` and `deployer init --from-terraform terraform.json`."
  value       = [module.aws.target, module.gcp.target, module.azure.target]
}

output "registries" {
  description = "Where images go, by target."
  value = {
    (module.aws.target.name)   = module.aws.registry
    (module.gcp.target.name)   = module.gcp.registry
    (module.azure.target.name) = module.azure.registry
  }
}
