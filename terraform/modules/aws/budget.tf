# Of the whole account: a budget for our tags alone sees nothing until somebody activates them for
# cost allocation, and a budget that sees nothing never warns.

resource "aws_budgets_budget" "this" {
  for_each = var.budget == null ? {} : { this = var.budget }

  name         = var.name
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_unit   = "USD"
  limit_amount = tostring(each.value.monthly)
  tags         = local.tags

  dynamic "notification" {
    for_each = { 50 = "ACTUAL", 80 = "ACTUAL", 100 = "ACTUAL", 101 = "FORECASTED" }

    content {
      comparison_operator        = "GREATER_THAN"
      notification_type          = notification.value
      threshold                  = min(100, tonumber(notification.key))
      threshold_type             = "PERCENTAGE"
      subscriber_email_addresses = each.value.emails
    }
  }
}
