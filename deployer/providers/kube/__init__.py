"""One cluster adapter for EKS, GKE, AKS and any other Kubernetes."""
