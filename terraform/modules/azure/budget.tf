# Of the resource group. Azure wants a first day that is in the current month when the budget is made.

resource "azurerm_consumption_budget_resource_group" "this" {
  for_each = var.budget == null ? {} : { this = var.budget }

  name              = var.name
  resource_group_id = azurerm_resource_group.this.id
  amount            = each.value.monthly
  time_grain        = "Monthly"

  time_period {
    start_date = formatdate("YYYY-MM-01'T'00:00:00Z", plantimestamp())
  }

  dynamic "notification" {
    for_each = { 50 = "Actual", 80 = "Actual", 100 = "Actual", 101 = "Forecasted" }

    content {
      operator       = "GreaterThan"
      threshold      = min(100, tonumber(notification.key))
      threshold_type = notification.value
      contact_emails = each.value.emails
    }
  }

  lifecycle {
    ignore_changes = [time_period]
  }
}
