# Of the whole project.

resource "google_monitoring_notification_channel" "email" {
  for_each = toset(var.budget == null ? [] : var.budget.emails)

  project      = var.project
  display_name = "${var.name}: budget"
  type         = "email"
  labels       = { email_address = each.key }
  user_labels  = local.tags

  depends_on = [google_project_service.this]
}

resource "google_billing_budget" "this" {
  for_each = var.budget == null ? {} : { this = var.budget }

  billing_account = each.value.billing_account
  display_name    = var.name

  budget_filter {
    projects = ["projects/${local.number}"]
  }

  # In the billing account's own currency.
  amount {
    specified_amount {
      units = tostring(floor(each.value.monthly))
    }
  }

  dynamic "threshold_rules" {
    for_each = { 50 = "CURRENT_SPEND", 80 = "CURRENT_SPEND", 100 = "CURRENT_SPEND", 101 = "FORECASTED_SPEND" }

    content {
      threshold_percent = min(1, tonumber(threshold_rules.key) / 100)
      spend_basis       = threshold_rules.value
    }
  }

  all_updates_rule {
    monitoring_notification_channels = [for channel in google_monitoring_notification_channel.email : channel.id]
  }
}
