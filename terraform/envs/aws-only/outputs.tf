output "targets" {
  description = "For `terraform output -json > terraform.json` and `deployer init --from-terraform terraform.json`."
  value       = [module.aws.target]
}

output "registry" {
  description = "Where images go."
  value       = module.aws.registry
}
