# Written by terraform/generate.py from the price book.

locals {
  # Of these regions the book knows machines; of others it can say nothing.
  gpu_regions = ["asia-southeast1", "europe-west1", "europe-west4", "us-central1", "us-east1"]

  gpu_machines = {
    "a2-highgpu-1g"  = ["asia-southeast1", "europe-west4", "us-central1", "us-east1"]
    "a2-highgpu-8g"  = ["asia-southeast1", "europe-west4", "us-central1", "us-east1"]
    "a2-ultragpu-1g" = ["asia-southeast1", "europe-west4", "us-central1"]
    "a3-highgpu-8g"  = ["asia-southeast1", "europe-west1", "europe-west4", "us-central1"]
    "g2-standard-24" = ["asia-southeast1", "europe-west1", "europe-west4", "us-central1", "us-east1"]
    "g2-standard-4"  = ["asia-southeast1", "europe-west1", "europe-west4", "us-central1", "us-east1"]
    "g2-standard-48" = ["asia-southeast1", "europe-west1", "europe-west4", "us-central1", "us-east1"]
    "g2-standard-8"  = ["asia-southeast1", "europe-west1", "europe-west4", "us-central1", "us-east1"]
  }
}
