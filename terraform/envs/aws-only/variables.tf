variable "name" {
  description = "What everything is called after."
  type        = string
  default     = "models"
}

variable "region" {
  description = "AWS's region."
  type        = string
  default     = "us-east-1"
}

variable "authorized_cidrs" {
  description = "Who may reach the control plane: the addresses of your office, your CI."
  type        = list(string)
}

variable "deployments" {
  description = "The deployments (name: in deployer.yaml) whose pods may pull models."
  type        = set(string)
  default     = ["model"]
}
